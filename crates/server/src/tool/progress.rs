//! How far something long came, on standard error: a bar for a person, a few lines for a log.

use std::io::{IsTerminal, Write};

use indicatif::{BinaryBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use storage::backup::Progress;

/// A line is written each time so many percent are done.
const STEP_PERCENT: u64 = 10;

/// Shows progress in bytes.
pub(super) struct Bar {
    /// What is done to the bytes, as a past participle.
    done: &'static str,
    bar: Option<ProgressBar>,
    /// The last line's percentage.
    told: u64,
}

impl Bar {
    /// Nothing is shown yet.
    pub(super) fn new(done: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = "{bar:40} {percent}% {binary_bytes}/{binary_total_bytes} \
                         {binary_bytes_per_sec}, {eta} left";
            match ProgressStyle::with_template(style) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self { done, bar, told: 0 }
    }

    /// It came so far.
    pub(super) fn show(&mut self, at: Progress) {
        if let Some(bar) = &self.bar {
            bar.set_length(at.bytes_total);
            bar.set_position(at.bytes);
            return;
        }
        let percent = (at.bytes.saturating_mul(100))
            .checked_div(at.bytes_total)
            .unwrap_or(100);
        if percent >= self.told + STEP_PERCENT {
            self.told = percent - percent % STEP_PERCENT;
            let _ = writeln!(
                std::io::stderr(),
                "{}% {}: {} of {}",
                self.told,
                self.done,
                BinaryBytes(at.bytes),
                BinaryBytes(at.bytes_total)
            );
        }
    }

    /// It ended, well or not.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
