//! The configuration file of the playground: what `strongroomd` would be given.

use std::fmt::Write;
use std::path::Path;

use tls::dev_pki::DevPki;

use super::{DevError, Layout};

pub(super) struct Config<'a> {
    pub(super) layout: &'a Layout,
    pub(super) pki: &'a DevPki,
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) kmip_port: u16,
}

impl Config<'_> {
    /// Writes the file anew.
    pub(super) fn write(&self) -> Result<(), DevError> {
        tls::write_private(&self.layout.config(), self.text().as_bytes())?;
        Ok(())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` does not fail.
        let _ = write!(
            text,
            "# Written anew each time `strongroom dev` starts: the KMIP server gets another port then.\n\
             net:\n  bindIp: {host}\n  port: {port}\n\
             storage:\n  dbPath: {dbpath}\n\
             systemLog:\n  destination: file\n  path: {log}\n  logAppend: true\n\
             security:\n  enableEncryption: true\n  kmip:\n    serverName: {host}\n    port: {kmip_port}\n    \
             serverCAFile: {ca}\n    clientCertificateFile: {client}\n",
            host = self.host,
            port = self.port,
            dbpath = quoted(&self.layout.dbpath()),
            log = quoted(&self.layout.log()),
            kmip_port = self.kmip_port,
            ca = quoted(&self.pki.ca),
            client = quoted(&self.pki.client),
        );
        text
    }
}

/// A path as a YAML scalar, whatever is in it.
fn quoted(path: &Path) -> String {
    // JSON's strings are YAML's double-quoted scalars.
    serde_json::Value::from(path.display().to_string()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_odd_characters_stay_one_value() {
        assert_eq!(quoted(Path::new("/a b: #\"c")), r#""/a b: #\"c""#);
    }
}
