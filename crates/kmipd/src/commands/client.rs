//! `kmipd client`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use time::OffsetDateTime;

use super::{PkiOptions, say};
use crate::Error;
use crate::config::{self, Config};
use crate::pki::{self, Entry, Index, Kind, Layout, Lifetimes, PkiError};
use crate::policy::Policy;

/// A certificate that ends within so many days is marked in the list.
const SOON_DAYS: i64 = 30;

#[derive(Subcommand)]
pub(super) enum Client {
    /// Admit a client: issue its certificate, and write what it may do
    Add(Add),
    /// Issue a new certificate to a client, with a new key; the one before stays valid until it ends
    Renew(Renew),
    /// Revoke all certificates of a client
    Revoke(Revoke),
    /// All certificates and when they end
    List(List),
}

#[derive(Args)]
pub(super) struct Add {
    /// Its name: the common name of its certificate
    name: String,
    #[command(flatten)]
    pki: PkiOptions,
    /// Whose objects it sees; must be among the configuration's tenants
    #[arg(long, default_value = "default")]
    tenant: String,
    /// What it may do; must be among the configuration's roles
    #[arg(long, default_value = "database")]
    role: String,
    /// How long its certificate is valid
    #[arg(long, default_value_t = Lifetimes::CLIENT_DAYS)]
    days: u32,
}

#[derive(Args)]
pub(super) struct Renew {
    /// Its name
    name: String,
    #[command(flatten)]
    pki: PkiOptions,
    /// How long its certificate is valid
    #[arg(long, default_value_t = Lifetimes::CLIENT_DAYS)]
    days: u32,
}

#[derive(Args)]
pub(super) struct Revoke {
    /// Its name
    name: String,
    #[command(flatten)]
    pki: PkiOptions,
}

#[derive(Args)]
pub(super) struct List {
    /// The directory that `kmipd init` has made
    #[arg(long, value_name = "DIR", default_value = "/etc/kmipd")]
    dir: PathBuf,
}

impl Client {
    pub(super) fn run(&self) -> Result<(), Error> {
        match self {
            Self::Add(add) => add.run(),
            Self::Renew(renew) => renew.run(),
            Self::Revoke(revoke) => revoke.run(),
            Self::List(list) => list.run(),
        }
    }
}

impl Add {
    fn run(&self) -> Result<(), Error> {
        let mut opened = self.pki.open()?;
        pki::check_name(&self.name)?;
        let path = opened.layout.config();
        let mut config = config::load(&path)?;
        if opened.index.has_client(&self.name) || config.clients.contains_key(&self.name) {
            return Err(PkiError::ClientExists {
                name: self.name.clone(),
            }
            .into());
        }
        let client = config::Client {
            common_name: None,
            sha256: None,
            tenant: self.tenant.clone(),
            role: self.role.clone(),
            credential: None,
        };
        config.clients.insert(self.name.clone(), client);
        // An unknown tenant or role is found before anything is issued.
        Policy::new(&config, &path)?;
        let entry = pki::issue_client(
            &opened.layout,
            &opened.authority,
            &mut opened.index,
            &self.name,
            self.days,
        )?;
        write_rule(&opened.layout, &self.name, &self.tenant, &self.role)?;
        say(&format!(
            "The client \"{}\" of the tenant \"{}\" with the role \"{}\" is admitted as soon as kmipd \
             reads its policy again (systemctl reload kmipd, or SIGHUP).\n",
            self.name, self.tenant, self.role
        ));
        say(&instructions(
            &opened.layout,
            &opened.index,
            &config,
            &entry,
        ));
        Ok(())
    }
}

/// Writes what a client may do to a file of its own.
pub(super) fn write_rule(
    layout: &Layout,
    name: &str,
    tenant: &str,
    role: &str,
) -> Result<(), Error> {
    // JSON's strings are YAML's, whatever is in them.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let text = format!("tenant: {}\nrole: {}\n", quoted(tenant), quoted(role));
    tls::write_private(&layout.client(name), text.as_bytes())?;
    Ok(())
}

/// What to do with the files of a client.
pub(super) fn instructions(
    layout: &Layout,
    index: &Index,
    config: &Config,
    entry: &Entry,
) -> String {
    let host = index
        .server()
        .map_or("localhost", |server| server.name.as_str());
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    let issued = absolute(layout.issued(&entry.name));
    let ca = absolute(layout.ca());
    format!(
        "Take these to the client, and delete the first here (it has the private key):\n\
         \x20 {issued}\n\
         \x20 {ca}\n\
         \n\
         For strongroomd and mongod, with the paths that the files have there:\n\
         \n\
         security:\n\
         \x20 enableEncryption: true\n\
         \x20 kmip:\n\
         \x20   serverName: {host}\n\
         \x20   port: {port}\n\
         \x20   serverCAFile: {ca}\n\
         \x20   clientCertificateFile: {issued}\n\
         \n\
         The certificate ends on {end}.",
        issued = issued.display(),
        ca = ca.display(),
        port = config.net.listen.port(),
        end = date(entry.not_after_unix_secs),
    )
}

impl Renew {
    fn run(&self) -> Result<(), Error> {
        let mut opened = self.pki.open()?;
        if !opened.index.has_client(&self.name) {
            return Err(PkiError::NoClient {
                name: self.name.clone(),
            }
            .into());
        }
        let entry = pki::issue_client(
            &opened.layout,
            &opened.authority,
            &mut opened.index,
            &self.name,
            self.days,
        )?;
        let config = config::load(&opened.layout.config())?;
        say(&instructions(
            &opened.layout,
            &opened.index,
            &config,
            &entry,
        ));
        Ok(())
    }
}

impl Revoke {
    fn run(&self) -> Result<(), Error> {
        let mut opened = self.pki.open()?;
        let count = pki::revoke_client(
            &opened.layout,
            &opened.authority,
            &mut opened.index,
            &self.name,
        )?;
        say(&format!(
            "{count} certificates of \"{}\" are revoked ({}). kmipd refuses them, on connections that are there, too, \
             as soon as it reads its policy again (systemctl reload kmipd, or SIGHUP).",
            self.name,
            opened.layout.crl().display()
        ));
        Ok(())
    }
}

impl List {
    fn run(&self) -> Result<(), Error> {
        let layout = Layout::new(&self.dir);
        if !layout.index().exists() {
            return Err(PkiError::NotInitialised {
                directory: self.dir.clone(),
                missing: layout.index(),
            }
            .into());
        }
        let index = Index::read(&layout.index())?;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        say(&format!(
            "{:<7} {:<32} {:<32} {:<11} STATE",
            "KIND", "NAME", "SERIAL", "ENDS"
        ));
        for entry in &index.certificates {
            say(&row(entry, now));
        }
        Ok(())
    }
}

fn row(entry: &Entry, now: i64) -> String {
    let state = if let Some(at) = entry.revoked_unix_secs {
        format!("revoked on {}", date(at))
    } else if entry.not_after_unix_secs < now {
        "expired".to_owned()
    } else if entry.not_after_unix_secs < now + SOON_DAYS * 86_400 {
        format!(
            "ends in {} days",
            (entry.not_after_unix_secs - now) / 86_400
        )
    } else {
        "valid".to_owned()
    };
    format!(
        "{:<7} {:<32} {:<32} {:<11} {state}",
        match entry.kind {
            Kind::Server => "server",
            Kind::Client => "client",
        },
        entry.name,
        entry.serial,
        date(entry.not_after_unix_secs)
    )
}

fn date(unix_secs: i64) -> String {
    OffsetDateTime::from_unix_timestamp(unix_secs)
        .map_or_else(|_| unix_secs.to_string(), |time| time.date().to_string())
}
