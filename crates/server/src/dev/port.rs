//! The port of the playground's database.

use std::io;
use std::net::TcpListener;

use super::DevError;

/// MongoDB's port: where drivers look when they are told nothing.
pub const DEFAULT_PORT: u16 = 27017;

/// A port that is free, and how it was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// The one that was asked for, or the default.
    AsExpected(u16),
    /// Another one, because the default is taken.
    Instead(u16),
}

impl Port {
    /// The port that was asked for; or else the default; or else, if that is taken, a free one.
    ///
    /// # Errors
    /// [`DevError::PortTaken`] if the port that was asked for is taken.
    pub(super) fn choose(host: &str, asked: Option<u16>) -> Result<Port, DevError> {
        Port::choose_with(asked, |port| free(host, port))
    }

    fn choose_with(
        asked: Option<u16>,
        free: impl Fn(u16) -> io::Result<u16>,
    ) -> Result<Port, DevError> {
        match asked {
            Some(port) => match free(port) {
                Ok(port) => Ok(Port::AsExpected(port)),
                Err(source) => Err(DevError::PortTaken { port, source }),
            },
            None => match free(DEFAULT_PORT) {
                Ok(port) => Ok(Port::AsExpected(port)),
                Err(_) => match free(0) {
                    Ok(port) => Ok(Port::Instead(port)),
                    Err(source) => Err(DevError::PortTaken { port: 0, source }),
                },
            },
        }
    }

    /// The number.
    pub fn number(&self) -> u16 {
        match self {
            Port::AsExpected(port) | Port::Instead(port) => *port,
        }
    }
}

/// The port, or for 0 one that the system chooses, if it can be listened on.
fn free(host: &str, port: u16) -> io::Result<u16> {
    Ok(TcpListener::bind((host, port))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine on which these ports are taken, and 5000 is the next free one.
    fn taken(ports: &[u16]) -> impl Fn(u16) -> io::Result<u16> {
        move |port| match port {
            0 => Ok(5000),
            port if ports.contains(&port) => Err(io::ErrorKind::AddrInUse.into()),
            port => Ok(port),
        }
    }

    #[test]
    fn the_default_if_it_is_free_and_another_one_if_not() {
        let choose = |ports| Port::choose_with(None, taken(ports)).unwrap();
        assert_eq!(choose(&[]), Port::AsExpected(DEFAULT_PORT));
        assert_eq!(choose(&[DEFAULT_PORT]), Port::Instead(5000));
    }

    #[test]
    fn a_port_that_was_asked_for_is_not_exchanged() {
        let choose = |ports| Port::choose_with(Some(4000), taken(ports));
        assert_eq!(choose(&[]).unwrap(), Port::AsExpected(4000));
        let refused = choose(&[4000]).unwrap_err();
        assert!(matches!(refused, DevError::PortTaken { port: 4000, .. }));
    }

    #[test]
    fn a_real_port_that_is_taken_is_noticed() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(Port::choose("127.0.0.1", Some(port)).is_err());
        assert_ne!(Port::choose("127.0.0.1", Some(0)).unwrap().number(), 0);
    }
}
