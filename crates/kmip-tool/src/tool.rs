//! From the command line to what is printed.

use std::io::{Read, Write};
use std::path::Path;

use kmip_client::{Client, ClientConfig, Session};
use serde::Serialize;
use time::OffsetDateTime;
use tls::Password;
use zeroize::Zeroizing;

use crate::arguments::KmipArguments;
use crate::connection::ConnectionOptions;
use crate::failure::{Cause, Failure};
use crate::page::Page;

/// Where the tool reads and writes.
pub struct Io<'a> {
    /// Standard input.
    pub stdin: &'a mut dyn Read,
    /// Whether somebody sits at it.
    pub stdin_is_terminal: bool,
    /// What was found out.
    pub stdout: &'a mut dyn Write,
    /// Notes for people.
    pub stderr: &'a mut dyn Write,
}

/// Does what the command line says. The password of the client certificate's private key may come from the environment
/// ([`crate::PASSWORD_VARIABLE`]); `read_config` reads the connection from the file of `--config`. The command line wins
/// over the environment, and that over the file.
///
/// # Errors
/// See [`Failure`]; nothing about it has been printed.
pub async fn run(
    arguments: &KmipArguments,
    password: Option<Password>,
    read_config: impl FnOnce(&Path) -> Result<ConnectionOptions, Failure>,
    io: Io<'_>,
) -> Result<(), Failure> {
    let file = match &arguments.connection.config {
        Some(path) => read_config(path)?,
        None => ConnectionOptions::default(),
    };
    let options = ConnectionOptions::from(arguments.connection.clone())
        .over(ConnectionOptions {
            client_certificate_password: password,
            ..ConnectionOptions::default()
        })
        .over(file);
    let mut tool = Tool {
        json: arguments.json,
        config: options.client_config()?,
        io,
    };
    arguments.command.run(&mut tool).await
}

/// What a subcommand works with.
pub(crate) struct Tool<'a> {
    pub(crate) json: bool,
    pub(crate) config: ClientConfig,
    pub(crate) io: Io<'a>,
}

/// What a subcommand has found out.
pub(crate) trait Report: Serialize {
    /// For people.
    fn write(&self, page: &mut Page);

    /// The room to reserve for it, in bytes: a report with something secret in it must fit, so that no copy stays
    /// behind when it grows.
    fn room(&self) -> usize {
        0
    }
}

/// What every JSON document has in front.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a, R> {
    server: String,
    protocol_version: String,
    #[serde(flatten)]
    report: &'a R,
}

impl Tool<'_> {
    /// The client with our certificate, which is looked at here: what is wrong with it is told apart.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let client = match Client::new(self.config.clone()) {
            Ok(client) => client,
            Err(error) => return Err(self.file_failure().unwrap_or_else(|| error.into())),
        };
        let now = OffsetDateTime::now_utc().unix_timestamp();
        match client.certificate_not_after_unix_secs() {
            Some(end) if end < now => Err(Failure::new(
                Cause::CertificateExpired,
                format!(
                    "--kmipClientCertificateFile (security.kmip.clientCertificateFile): the certificate expired at {}",
                    crate::shown::date_time(end)
                ),
            )
            .advise("have a new one issued")),
            _ => Ok(client),
        }
    }

    /// Connects to the first server that works.
    pub(crate) async fn connect(&self) -> Result<Session, Failure> {
        Ok(self.client()?.connect().await?)
    }

    /// What is wrong with the files of the connection.
    fn file_failure(&self) -> Option<Failure> {
        let in_option = |option: &str, error: tls::Error| {
            let message = format!(
                "--kmip{option} (security.kmip.{}): {error}",
                lower_first(option)
            );
            Failure::new(Cause::TlsFile(error), message)
        };
        if let Err(error) = self.config.tls.trust.load() {
            return Some(in_option("ServerCAFile", error));
        }
        let identity = self.config.tls.identity.as_ref()?;
        let error = identity.load().err()?;
        let about_password = matches!(
            error,
            tls::Error::PasswordMissing { .. } | tls::Error::PasswordWrong { .. }
        );
        let option = match &identity.key {
            _ if about_password => "ClientCertificatePassword",
            Some(key) if error.to_string().contains(&key.display().to_string()) => "ClientKeyFile",
            _ => "ClientCertificateFile",
        };
        Some(in_option(option, error))
    }

    /// Prints what was found out.
    pub(crate) fn report<R: Report>(
        &mut self,
        session: &Session,
        report: &R,
    ) -> Result<(), Failure> {
        if self.json {
            let document = Document {
                server: session.server().to_string(),
                protocol_version: session.negotiated_version().to_string(),
                report,
            };
            let mut text = Zeroizing::new(Vec::with_capacity(report.room()));
            serde_json::to_writer_pretty(&mut *text, &document).map_err(unwritable)?;
            text.push(b'\n');
            return self.print(&text);
        }
        let mut page = Page::with_room(report.room());
        report.write(&mut page);
        self.print(page.as_str().as_bytes())
    }

    pub(crate) fn print(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self
            .io
            .stdout
            .write_all(bytes)
            .and_then(|()| self.io.stdout.flush());
        match written {
            // Whoever closed standard output does not want to read it.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(unwritable),
        }
    }

    /// Tells people something beside the result; scripts find it in the document.
    pub(crate) fn note(&mut self, text: &str) {
        if !self.json {
            let _ = writeln!(
                self.io.stderr,
                "strongroom: note: {}",
                crate::page::escaped(text)
            );
        }
    }

    /// Reads the file, or standard input without one or for `-`, up to so many bytes.
    pub(crate) fn read(
        &mut self,
        file: Option<&Path>,
        limit: u64,
        option: &str,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let file = file.filter(|path| *path != Path::new("-"));
        let name = file.map_or_else(
            || "standard input".to_owned(),
            |path| format!("{option} {}", path.display()),
        );
        let failed =
            |error: std::io::Error| Failure::options(format!("cannot read {name}: {error}"));
        let bytes = match file {
            Some(path) => {
                let file = std::fs::File::open(path).map_err(failed)?;
                bounded(file, limit).map_err(failed)?
            }
            None if self.io.stdin_is_terminal => {
                return Err(Failure::options(format!(
                    "nothing to read: give a file with {option}, or pipe it into standard input"
                )));
            }
            None => bounded(&mut *self.io.stdin, limit).map_err(failed)?,
        };
        if bytes.len() as u64 > limit {
            return Err(Failure::options(format!(
                "{name} is longer than {limit} bytes"
            )));
        }
        Ok(bytes)
    }
}

/// At most one byte more than `limit`, in wiped memory: what growing leaves behind is wiped, too.
fn bounded(mut source: impl Read, limit: u64) -> std::io::Result<Zeroizing<Vec<u8>>> {
    const FIRST: usize = 64 << 10;
    let most = usize::try_from(limit)
        .unwrap_or(usize::MAX)
        .saturating_add(1);
    let mut bytes = Zeroizing::new(vec![0_u8; FIRST.min(most)]);
    let mut filled = 0;
    loop {
        if filled == bytes.len() {
            if filled >= most {
                break;
            }
            let mut larger = Zeroizing::new(vec![0_u8; filled.saturating_mul(2).min(most)]);
            if let Some(start) = larger.get_mut(..filled) {
                start.copy_from_slice(&bytes);
            }
            bytes = larger;
        }
        let Some(room) = bytes.get_mut(filled..) else {
            break;
        };
        match source.read(room) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn lower_first(option: &str) -> String {
    let mut letters = option.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

fn unwritable(error: impl std::fmt::Display) -> Failure {
    Failure::new(
        Cause::Output,
        format!("cannot write to standard output: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_bounded() {
        let long = vec![7_u8; 200_000];
        for (limit, expected) in [(300_000, 200_000), (200_000, 200_000), (100, 101), (0, 1)] {
            let got = bounded(long.as_slice(), limit).unwrap();
            assert_eq!(got.len(), expected, "{limit}");
            assert!(got.iter().all(|byte| *byte == 7));
        }
    }
}
