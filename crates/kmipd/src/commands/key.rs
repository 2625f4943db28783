//! `kmipd key`.

use std::path::PathBuf;

use clap::Subcommand;

use super::say;
use crate::{Error, config, kek, serve};

#[derive(Subcommand)]
pub(super) enum Key {
    /// Put the objects' keys under another key-encryption key, while no server runs; no object is touched
    Change {
        /// The configuration that the objects are under now
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// A configuration whose `storage.key` says the new key; nothing else is read of it
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
}

impl Key {
    pub(super) fn run(&self) -> Result<(), Error> {
        let Self::Change { config, to } = self;
        let (config, to) = (config::load(config)?, config::load(to)?);
        let runtime = serve::runtime()?;
        let old = runtime.block_on(kek::open(&config.storage))?;
        let new = runtime.block_on(kek::new(&to.storage.key))?;
        kmip_server::change_key(&config.storage.directory, &old, &new)
            .map_err(kmip_server::Error::from)?;
        say(&format!(
            "The keys in {} are under the new key-encryption key. Backups from before need the old one.",
            config.storage.directory.display()
        ));
        Ok(())
    }
}
