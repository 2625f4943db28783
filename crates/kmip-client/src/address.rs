//! The servers of the configuration: `host`, `host:port`, `[v6]:port`, in a list.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use rustls_pki_types::ServerName;
use thiserror::Error;

/// The port that IANA assigned to KMIP.
pub const DEFAULT_PORT: u16 = 5696;

/// One KMIP server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerAddress {
    host: String,
    port: u16,
}

/// What is wrong with an entry of `kmipServerName`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// The list has no entry at all, or an empty one.
    #[error("the list of KMIP servers \"{list}\" has an empty entry")]
    Empty {
        /// The whole list.
        list: String,
    },
    /// The port is not a number from 1 to 65535.
    #[error("\"{entry}\" in the list of KMIP servers: \"{port}\" is not a port (1 to 65535)")]
    Port {
        /// The entry.
        entry: String,
        /// The part behind the last colon.
        port: String,
    },
    /// The host is neither a host name nor an IP address.
    #[error(
        "\"{entry}\" in the list of KMIP servers is neither a host name nor an IP address \
         (write IPv6 with a port as [address]:port)"
    )]
    Host {
        /// The entry.
        entry: String,
    },
}

impl ServerAddress {
    /// Parses `host`, `host:port`, `v4:port`, `[v6]`, `[v6]:port` or a bare `v6`.
    ///
    /// # Errors
    /// [`AddressError`], which quotes the entry.
    pub fn parse(entry: &str, default_port: u16) -> Result<Self, AddressError> {
        let entry = entry.trim();
        if entry.is_empty() {
            return Err(AddressError::Empty {
                list: entry.to_owned(),
            });
        }
        let bad_host = || AddressError::Host {
            entry: entry.to_owned(),
        };
        let (host, port) = if let Some(rest) = entry.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or_else(bad_host)?;
            host.parse::<Ipv6Addr>().map_err(|_| bad_host())?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(bad_host()),
            }
        } else if entry.parse::<Ipv6Addr>().is_ok() {
            (entry, None)
        } else {
            match entry.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (entry, None),
            }
        };
        let port =
            match port {
                None => default_port,
                Some(text) => text.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
                    AddressError::Port {
                        entry: entry.to_owned(),
                        port: text.to_owned(),
                    }
                })?,
            };
        // A dot at the end makes a name absolute; certificates do not have it.
        let host = host.strip_suffix('.').unwrap_or(host);
        ServerName::try_from(host).map_err(|_| bad_host())?;
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }

    /// Parses a comma-separated list, in the order in which the servers are to be tried. White space around
    /// entries does not matter; a server that is named twice is kept once.
    ///
    /// # Errors
    /// [`AddressError`], which quotes the entry.
    pub fn parse_list(list: &str, default_port: u16) -> Result<Vec<Self>, AddressError> {
        let mut servers = Vec::new();
        for entry in list.split(',') {
            if entry.trim().is_empty() {
                return Err(AddressError::Empty {
                    list: list.to_owned(),
                });
            }
            let server = Self::parse(entry, default_port)?;
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
        Ok(servers)
    }

    /// The host name or IP address (IPv6 without brackets).
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name or address that the server's certificate must be for.
    pub(crate) fn server_name(&self) -> Option<ServerName<'static>> {
        ServerName::try_from(self.host.clone()).ok()
    }

    /// Whether the host is that IP address already, so that naming it adds nothing.
    pub(crate) fn is_literally(&self, address: SocketAddr) -> bool {
        self.host
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip == address.ip())
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        for (entry, expected) in [
            ("kms1", "kms1:5696"),
            (" kms1.example.com ", "kms1.example.com:5696"),
            ("kms1.example.com.", "kms1.example.com:5696"),
            ("kms1:15696", "kms1:15696"),
            ("kms_1:1", "kms_1:1"),
            ("127.0.0.1", "127.0.0.1:5696"),
            ("127.0.0.1:65535", "127.0.0.1:65535"),
            ("::1", "[::1]:5696"),
            ("[::1]", "[::1]:5696"),
            ("[2001:db8::7]:99", "[2001:db8::7]:99"),
        ] {
            let parsed = ServerAddress::parse(entry, DEFAULT_PORT).unwrap();
            assert_eq!(parsed.to_string(), expected, "{entry}");
            assert!(parsed.server_name().is_some());
        }
    }

    #[test]
    fn entries_that_are_none() {
        for entry in [
            "",
            "kms1:",
            "kms1:0",
            "kms1:65536",
            "kms1:x",
            "a b",
            "[::1",
            "[::1]x",
            "[kms1]:1",
            "::1:2:3:4:5:6:7:8:9",
            "kms/1",
            "-",
        ] {
            assert!(
                ServerAddress::parse(entry, DEFAULT_PORT).is_err(),
                "{entry}"
            );
        }
        let error = ServerAddress::parse("kms1:99999", DEFAULT_PORT).unwrap_err();
        assert!(error.to_string().contains("99999"), "{error}");
    }

    #[test]
    fn lists() {
        let list = ServerAddress::parse_list(" kms1 ,kms2:7,\t[::1]:8, kms1", 5696).unwrap();
        let list: Vec<String> = list.iter().map(ToString::to_string).collect();
        assert_eq!(list, ["kms1:5696", "kms2:7", "[::1]:8"]);
        for list in ["", ",", "kms1,", "kms1,,kms2"] {
            assert!(ServerAddress::parse_list(list, 5696).is_err(), "{list}");
        }
    }
}
