//! `strongroom restore`: a backup becomes a dbpath.

use std::io::Write;
use std::path::{Path, PathBuf};

use storage::backup::{Manifest, restore};

use super::Failure;
use super::backup::failure;
use super::progress::Bar;
use crate::config::tool::RestoreOptions;
use crate::config::{self, Environment, Invocation, MasterKeyOptions, Options};
use crate::daemon::config_exit_status;
use crate::exit::ExitStatus;

pub(super) fn run(options: &RestoreOptions) -> Result<(), Failure> {
    let configured = options.config.as_deref().map(read_config).transpose()?;
    // Before anything is copied: a server with this configuration must be able to start on it.
    let manifest = Manifest::read(&options.from).map_err(|error| failure(&error))?;
    if let Some(configured) = &configured {
        check_config(configured, &manifest)?;
    }
    let dbpath = target(options, configured.as_deref())?;
    let mut bar = Bar::new("restored");
    let restored = restore(&options.from, &dbpath, &mut |at| {
        bar.show(at);
        Ok(())
    });
    bar.end();
    let manifest = restored.map_err(|error| failure(&error))?;
    let _ = std::io::stdout().write_all(text(&dbpath, &manifest).as_bytes());
    Ok(())
}

fn target(options: &RestoreOptions, configured: Option<&Options>) -> Result<PathBuf, Failure> {
    let given = options.dbpath.clone();
    let configured = configured.map(|configured| configured.storage.db_path.clone());
    given.or(configured).ok_or_else(|| {
        Failure::new(
            &"give the directory to restore into with --dbpath, or a configuration file that names \
              it with --config",
            ExitStatus::BadOptions,
        )
    })
}

fn read_config(file: &Path) -> Result<Box<Options>, Failure> {
    let file = file.display().to_string();
    let arguments = ["strongroomd".to_owned(), "--config".to_owned(), file];
    // Nothing is asked of the KMIP server: a password in the environment is not needed.
    match config::load(&arguments, &Environment::default()) {
        Ok(Invocation::Run(options)) => Ok(options),
        Ok(Invocation::Print(text)) => Err(Failure::new(&text, ExitStatus::BadOptions)),
        Err(error) => Err(Failure::new(&error, config_exit_status(&error))),
    }
}

/// Refuses a configuration that a server would refuse to start with on this data.
fn check_config(options: &Options, manifest: &Manifest) -> Result<(), Failure> {
    let encryption = options.security.encryption.as_ref();
    let (asked, key) = match (encryption, &manifest.master_key) {
        (None, None) => return Ok(()),
        (None, Some(key)) => {
            return Err(Failure::new(
                &format!(
                    "the backup is encrypted and the configuration does not ask for encryption; it \
                     is opened by {key}"
                ),
                ExitStatus::DbpathEncrypted,
            ));
        }
        (Some(_), None) => {
            return Err(Failure::new(
                &"the backup is not encrypted and the configuration asks for encryption",
                ExitStatus::DbpathNotEncrypted,
            ));
        }
        (Some(encryption), Some(key)) => (&encryption.master_key, key),
    };
    let (provider, identifier) = match asked {
        MasterKeyOptions::KeyFile(_) => ("keyFile", None),
        MasterKeyOptions::Kmip(kmip) => ("kmip", kmip.key_identifier.as_ref()),
    };
    if provider != key.provider {
        return Err(Failure::new(
            &format!(
                "the configuration has another provider of the master key than the backup, which is opened by {key}"
            ),
            ExitStatus::ProviderMismatch,
        ));
    }
    let names = [key.key_id.as_ref(), key.key_name.as_ref()];
    if let Some(identifier) = identifier
        && !names.contains(&Some(identifier))
    {
        // A Name that was given to the key later may still lead to it.
        let _ = writeln!(
            std::io::stderr(),
            "strongroom: keyIdentifier {identifier:?} of the configuration is not what the backup \
             says of its master key ({key}); the server will tell"
        );
    }
    Ok(())
}

fn text(dbpath: &Path, manifest: &Manifest) -> String {
    let key = manifest.master_key.as_ref();
    let key = key.map_or(
        "none: the data lies in clear".to_owned(),
        ToString::to_string,
    );
    format!(
        "restored to    {}\npoint in time  {}\nsize           {} in {} files\nmaster key     {key}\n",
        dbpath.display(),
        manifest.point_in_time,
        indicatif::BinaryBytes(manifest.bytes),
        manifest.files.len(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(master_key: &str) -> Manifest {
        let text = format!(
            r#"{{"format":1,"serverVersion":"0","dbpathId":"0","startedAt":"","pointInTime":"",
            "finishedAt":"","masterKey":{master_key},"bytes":{},"files":[{}{{"path":
            "strongroom.format","bytes":1,"sha256":"{zeros}"}}]}}"#,
            if master_key == "null" { 1 } else { 2 },
            if master_key == "null" {
                String::new()
            } else {
                format!(
                    r#"{{"path":"keystore","bytes":1,"sha256":"{}"}},"#,
                    "0".repeat(64)
                )
            },
            zeros = "0".repeat(64),
        );
        Manifest::parse(text.as_bytes()).unwrap()
    }

    fn options(arguments: &[&str]) -> Box<Options> {
        let all = ["strongroomd", "--dbpath", "/data"].iter().chain(arguments);
        let arguments: Vec<String> = all.map(|&text| text.to_owned()).collect();
        match config::load(&arguments, &Environment::default()).unwrap() {
            Invocation::Run(options) => options,
            Invocation::Print(text) => panic!("{text}"),
        }
    }

    #[test]
    fn a_configuration_that_could_not_start_is_refused() {
        let kmip = r#"{"provider":"kmip","keyId":"7","generation":1,"cipherMode":"AES256-GCM"}"#;
        let file = r#"{"provider":"keyFile","generation":1,"cipherMode":"AES256-GCM"}"#;
        let with_file = &["--enableEncryption", "--encryptionKeyFile", "/key"][..];
        let with_kmip = &[
            "--enableEncryption",
            "--kmipServerName",
            "kmip.example.com",
            "--kmipClientCertificateFile",
            "/client.pem",
        ][..];
        let status = |arguments: &[&str], key: &str| {
            let checked = check_config(&options(arguments), &manifest(key));
            checked.err().map(|failure| failure.status)
        };
        assert_eq!(status(&[], "null"), None);
        assert_eq!(status(with_file, file), None);
        assert_eq!(status(with_kmip, kmip), None);
        assert_eq!(status(&[], kmip), Some(ExitStatus::DbpathEncrypted));
        assert_eq!(
            status(with_file, "null"),
            Some(ExitStatus::DbpathNotEncrypted)
        );
        assert_eq!(status(with_file, kmip), Some(ExitStatus::ProviderMismatch));
        assert_eq!(status(with_kmip, file), Some(ExitStatus::ProviderMismatch));
    }
}
