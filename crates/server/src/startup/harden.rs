//! What the process gives up so that keys in its memory stay there.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::emit;
use crate::log::events;

/// Turns core dumps off, and with them the reading of this process's memory by others of the same user
/// (`ptrace`, `/proc/<pid>/mem`). If the system refuses, a warning says so: the server can run without.
pub(crate) fn no_core_dumps() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        emit!(events::CORE_DUMPS_ON, error = %error, startupWarning = true);
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        emit!(events::CORE_DUMPS_ON, error = %error, startupWarning = true);
    }
}
