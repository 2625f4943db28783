//! `kmipd audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::say;
use crate::Error;
use crate::audit::{chain_key, verify};

#[derive(Subcommand)]
pub(super) enum Audit {
    /// Prove that a log is whole, or name its first line that is not as it was written
    Verify(Verify),
}

#[derive(Args)]
pub(super) struct Verify {
    /// The files, in any order: audit.log and those that it was renamed to
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The key of the HMAC (audit.hmacKeyFile)
    #[arg(long, value_name = "FILE")]
    hmac_key_file: Option<PathBuf>,
}

impl Audit {
    pub(super) fn run(&self) -> Result<(), Error> {
        let Self::Verify(options) = self;
        let key = chain_key(options.hmac_key_file.as_deref())?;
        let proof = verify(&options.files, &key)?;
        say(&format!(
            "The audit log is whole: {} lines, number {} ({}) to {} ({}).",
            proof.lines, proof.first_seq, proof.first_time, proof.last_seq, proof.last_time
        ));
        if proof.first_seq > 1 {
            say("It begins in the middle: older files were not given.");
        }
        if proof.torn > 0 {
            say(&format!(
                "{} lines were cut off by a crash; the lines behind them account for them.",
                proof.torn
            ));
        }
        if proof.unfinished {
            say("Behind the last line is half a line: a crash, or one that is being written.");
        }
        if !proof.head {
            say(
                "Its end was not compared with a .head file: lines missing at the end would not show.",
            );
        }
        Ok(())
    }
}
