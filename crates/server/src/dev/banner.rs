//! What the playground tells whoever started it.

use std::fmt::Write;
use std::net::SocketAddr;

use super::{DEFAULT_PORT, Layout, Port};
use crate::startup::Opened;

pub(super) fn text(
    layout: &Layout,
    host: &str,
    port: &Port,
    kmip: SocketAddr,
    opened: &Opened,
) -> String {
    let mut text = String::new();
    let number = port.number();
    let found = match opened.fresh {
        true => "new",
        false => "found again",
    };
    let keystore = opened.keystore.as_ref();
    let key = keystore
        .and_then(|keystore| keystore.info().master_key.identifier)
        .unwrap_or_else(|| "unknown".to_owned());
    let line = |text: &mut String, what: &str, value: &str| {
        // Writing to a `String` does not fail.
        let _ = writeln!(text, "  {what:<22}{value}");
    };
    text.push_str(
        "\nStrongroom playground: an encrypted database and a KMIP server of its own.\n\n",
    );
    if let Port::Instead(_) = port {
        let _ = writeln!(
            text,
            "  Port {DEFAULT_PORT} is taken; the database listens on {number} instead.\n"
        );
    }
    line(
        &mut text,
        "connect",
        &format!("mongosh mongodb://{host}:{number}/"),
    );
    line(
        &mut text,
        "data, encrypted",
        &format!("{} ({found})", layout.dbpath().display()),
    );
    line(
        &mut text,
        "master key",
        &format!("{key} on the KMIP server {kmip}"),
    );
    line(
        &mut text,
        "KMIP server's keys",
        &layout.kmip_store().display().to_string(),
    );
    line(
        &mut text,
        "certificates",
        &layout.pki().display().to_string(),
    );
    line(
        &mut text,
        "configuration",
        &layout.config().display().to_string(),
    );
    line(&mut text, "log", &layout.log().display().to_string());
    text.push_str(
        "\n  For playing only: the master key lies beside the data that it protects, and nobody \
         has\n  to log in. In earnest, the KMIP server is another machine; see strongroomd --help.\n\n\
         Ctrl-C stops both. Run it again to find the data again.\n\n",
    );
    text
}
