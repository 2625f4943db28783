//! `kmipd server`.

use clap::{Args, Subcommand};

use super::{PkiOptions, say};
use crate::Error;
use crate::pki::{self, Lifetimes};

#[derive(Subcommand)]
pub(super) enum Server {
    /// Issue a new certificate for the server, with a new key
    Renew(Renew),
}

#[derive(Args)]
pub(super) struct Renew {
    #[command(flatten)]
    pki: PkiOptions,
    /// A host name or address of the server; repeat it. Default: those of the certificate before
    #[arg(long = "san", value_name = "NAME")]
    names: Vec<String>,
    /// How long it is valid
    #[arg(long, default_value_t = Lifetimes::SERVER_DAYS)]
    days: u32,
}

impl Server {
    pub(super) fn run(&self) -> Result<(), Error> {
        let Self::Renew(options) = self;
        let mut opened = options.pki.open()?;
        let names = match options.names.as_slice() {
            [] => opened
                .index
                .server()
                .map(|entry| entry.names.clone())
                .unwrap_or_default(),
            names => names.to_vec(),
        };
        let entry = pki::issue_server(
            &opened.layout,
            &opened.authority,
            &mut opened.index,
            &names,
            options.days,
        )?;
        say(&format!(
            "{}: the server's certificate for {}, serial number {}.\n\
             New connections get it at once; a reload (SIGHUP) says in the log whether it can be used.",
            opened.layout.server().display(),
            names.join(", "),
            entry.serial
        ));
        Ok(())
    }
}
