//! `kmipd`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kmipd::main()
}
