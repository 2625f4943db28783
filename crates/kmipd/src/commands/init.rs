//! `kmipd init`.

use std::io::{BufRead, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use kmip_server::KeyEncryptionKey;

use super::client::{instructions, write_rule};
use super::{passphrase, say};
use crate::Error;
use crate::config;
use crate::pki::{self, Authority, Index, Layout, Lifetimes, PkiError};

#[derive(Args)]
pub(super) struct Init {
    /// The directory; it must be empty, or not be there
    #[arg(default_value = "/etc/kmipd")]
    dir: PathBuf,
    /// A host name or address that clients use for the server; repeat it. Asked for if it is missing
    #[arg(long = "san", value_name = "NAME")]
    names: Vec<String>,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "[::]:5696")]
    listen: SocketAddr,
    /// The name of the first client
    #[arg(long, value_name = "NAME", default_value = "strongroom")]
    client: String,
    /// The common name of the authority
    #[arg(long, value_name = "NAME", default_value = "kmipd CA")]
    ca_name: String,
    /// Encrypt the authority's key with the passphrase in the first line of this file
    #[arg(long, value_name = "FILE")]
    ca_passphrase_file: Option<PathBuf>,
}

impl Init {
    pub(super) fn run(&self) -> Result<(), Error> {
        pki::check_name(&self.client)?;
        let layout = Layout::new(&self.dir);
        let is_empty = match std::fs::read_dir(&self.dir) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        if !is_empty {
            return Err(PkiError::NotEmpty {
                directory: self.dir.clone(),
            }
            .into());
        }
        let passphrase = passphrase(self.ca_passphrase_file.as_ref())?;
        let names = if self.names.is_empty() {
            ask_for_names()?
        } else {
            self.names.clone()
        };
        layout.make_directories()?;
        let _lock = layout.lock()?;
        // Another one may have been faster.
        if layout.ca_key().exists() {
            return Err(PkiError::NotEmpty {
                directory: self.dir.clone(),
            }
            .into());
        }
        let authority = Authority::create(
            &layout,
            &self.ca_name,
            passphrase.as_ref().map(|text| text.as_str()),
        )?;
        let mut index = Index::default();
        pki::issue_server(
            &layout,
            &authority,
            &mut index,
            &names,
            Lifetimes::SERVER_DAYS,
        )?;
        pki::write_crl(&layout, &authority, &mut index)?;
        KeyEncryptionKey::generate(&self.dir.join("kek")).map_err(kmip_server::Error::from)?;
        let client = pki::issue_client(
            &layout,
            &authority,
            &mut index,
            &self.client,
            Lifetimes::CLIENT_DAYS,
        )?;
        write_rule(&layout, &self.client, "default", "database")?;
        // Last: whoever finds it finds the others.
        tls::write_private(&layout.config(), configuration(self.listen).as_bytes())?;
        let config = config::load(&layout.config())?;
        say(&format!(
            "{dir} is ready. Start the server with\n\
             \n\
             \x20 kmipd --config {config}\n\
             \n\
             Keep a copy of {kek} elsewhere: without it, no key that the server keeps can be read again.\n\
             {ca_key} is needed to issue and revoke certificates only: better kept on another machine.\n",
            dir = self.dir.display(),
            config = layout.config().display(),
            kek = self.dir.join("kek").display(),
            ca_key = self.dir.join("pki/ca-key.pem").display(),
        ));
        say(&instructions(&layout, &index, &config, &client));
        Ok(())
    }
}

/// Asks for the server's names, if there is somebody to ask.
fn ask_for_names() -> Result<Vec<String>, Error> {
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let mut proposed = vec![host, "localhost".to_owned(), "127.0.0.1".to_owned()];
    proposed.retain(|name| !name.is_empty() && name != "(none)");
    proposed.dedup();
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Error::Usage(
            "which host names and addresses do clients use for the server? Say so with --san NAME, once for each"
                .to_owned(),
        ));
    }
    let failed = |source| Error::System {
        what: "cannot ask for the server's names",
        source,
    };
    let mut out = std::io::stdout();
    write!(
        out,
        "Host names and addresses that clients use for this server [{}]: ",
        proposed.join(", ")
    )
    .and_then(|()| out.flush())
    .map_err(failed)?;
    let mut line = String::new();
    stdin.lock().read_line(&mut line).map_err(failed)?;
    let given: Vec<String> = line
        .split([',', ' '])
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    Ok(if given.is_empty() { proposed } else { given })
}

/// The configuration that `kmipd init` writes.
fn configuration(listen: SocketAddr) -> String {
    include_str!("init.yaml").replace("LISTEN", &listen.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_configuration_is_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kmipd.yaml");
        std::fs::write(&path, configuration("[::]:5696".parse().unwrap())).unwrap();
        std::fs::create_dir(directory.path().join("clients")).unwrap();
        std::fs::create_dir(directory.path().join("pki")).unwrap();
        let layout = Layout::new(directory.path());
        let authority = Authority::create(&layout, "CA", None).unwrap();
        pki::write_crl(&layout, &authority, &mut Index::default()).unwrap();
        let config: Config = config::load(&path).unwrap();
        crate::policy::Policy::new(&config, &path).unwrap();
        assert_eq!(config.tls.crl_file, Some(layout.crl()));
    }
}
