//! `strongroomd`: the database server.

use std::process::ExitCode;

use server::config::Environment;

fn main() -> ExitCode {
    // SAFETY: this is the first thing that the program does, and it is the only thread.
    let environment = unsafe { Environment::take() };
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    server::daemon::main(&arguments, environment)
}
