//! Log (KMIP 2.1, section 6.1.28). Of 2.0.

use kmip::operations::{LogRequest, LogResponse};

use crate::batch::Context;
use crate::failure::Failure;

/// How much of a message is logged.
const MOST_CHARACTERS: usize = 1_000;

pub(super) fn log(context: &Context<'_>, request: LogRequest) -> Result<LogResponse, Failure> {
    // `Debug` escapes what would break or forge a line.
    let message: String = request.log_message.chars().take(MOST_CHARACTERS).collect();
    tracing::info!(client = %context.owner, ?message, "a KMIP client says");
    Ok(LogResponse {})
}
