//! The last lines, kept for the command `getLog`.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// As many as `mongod` keeps.
const MOST: usize = 1024;

#[derive(Default)]
pub(super) struct Recent {
    lines: Mutex<VecDeque<String>>,
    startup_warnings: Mutex<Vec<String>>,
}

impl Recent {
    pub(super) fn add(&self, line: &str, startup_warning: bool) {
        let line = line.trim_end();
        if startup_warning {
            let mut warnings = self.startup_warnings.lock();
            if warnings.len() < MOST {
                warnings.push(line.to_owned());
            }
        }
        let mut lines = self.lines.lock();
        if lines.len() >= MOST {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().iter().cloned().collect()
    }

    pub(super) fn startup_warnings(&self) -> Vec<String> {
        self.startup_warnings.lock().clone()
    }
}
