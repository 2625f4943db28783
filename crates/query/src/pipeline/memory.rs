//! How much a blocking stage holds, against its limit.

use document::ErrorCode;

use crate::{Error, Result};

/// The memory of one stage.
#[derive(Debug)]
pub(crate) struct Memory {
    stage: &'static str,
    used_bytes: usize,
    limit_bytes: usize,
}

impl Memory {
    pub(crate) const fn new(stage: &'static str, limit_bytes: usize) -> Self {
        Self {
            stage,
            used_bytes: 0,
            limit_bytes,
        }
    }

    /// Counts `bytes` more.
    ///
    /// # Errors
    /// 292 when it is more than the stage may hold.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<()> {
        self.used_bytes = self.used_bytes.saturating_add(bytes);
        if self.used_bytes > self.limit_bytes {
            return Err(Error::new(
                ErrorCode::QueryExceededMemoryLimitNoDiskUseAllowed,
                format!(
                    "Exceeded memory limit for {}: it may hold {} bytes, and sorting or grouping \
                     on disk is not supported. Filter or project earlier in the pipeline.",
                    self.stage, self.limit_bytes
                ),
            ));
        }
        Ok(())
    }

    /// Counts `bytes` less.
    pub(crate) const fn shrink(&mut self, bytes: usize) {
        self.used_bytes = self.used_bytes.saturating_sub(bytes);
    }
}
