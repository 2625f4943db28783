//! syslog: RFC 5424, one datagram for each event, to a local socket or over UDP. A copy, not the log itself: what
//! cannot be sent is counted and passed over.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::rfc3339;
use crate::config;

/// "log audit".
const FACILITY: u8 = 13;
const WARNING: u8 = 4;
const INFORMATIONAL: u8 = 6;

/// Where the messages go.
#[derive(Debug)]
pub(super) struct Syslog {
    to: Transport,
    host: String,
    pid: u32,
}

#[derive(Debug)]
enum Transport {
    /// Not connected: the daemon may start again, and its socket with it.
    Unix {
        socket: UnixDatagram,
        path: PathBuf,
    },
    Udp(UdpSocket),
}

impl Syslog {
    pub(super) fn open(config: &config::Syslog) -> io::Result<Self> {
        let to = match (&config.socket, config.udp) {
            (Some(path), _) => unix(path)?,
            (None, Some(address)) => udp(address)?,
            (None, None) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "neither socket nor udp is given",
                ));
            }
        };
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Ok(Self {
            to,
            host: if host.is_empty() {
                "-".to_owned()
            } else {
                host
            },
            pid: std::process::id(),
        })
    }

    pub(super) fn send(&self, line: &str, is_failure: bool) -> io::Result<()> {
        let message = message(
            &self.host,
            self.pid,
            OffsetDateTime::now_utc(),
            line,
            is_failure,
        );
        match &self.to {
            Transport::Unix { socket, path } => socket.send_to(message.as_bytes(), path),
            Transport::Udp(socket) => socket.send(message.as_bytes()),
        }
        .map(drop)
    }
}

fn unix(path: &Path) -> io::Result<Transport> {
    let socket = UnixDatagram::unbound()?;
    // A daemon that does not read must not hold up the server.
    socket.set_nonblocking(true)?;
    Ok(Transport::Unix {
        socket,
        path: path.to_owned(),
    })
}

fn udp(address: SocketAddr) -> io::Result<Transport> {
    let socket = match address {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?,
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?,
    };
    socket.connect(address)?;
    socket.set_nonblocking(true)?;
    Ok(Transport::Udp(socket))
}

/// RFC 5424, section 6.
fn message(host: &str, pid: u32, now: OffsetDateTime, line: &str, is_failure: bool) -> String {
    let severity = if is_failure { WARNING } else { INFORMATIONAL };
    // The time may have six digits behind the seconds, not nine.
    let time = rfc3339(now.replace_microsecond(now.microsecond()).unwrap_or(now));
    format!(
        "<{}>1 {time} {host} kmipd {pid} audit - {line}",
        FACILITY * 8 + severity
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message() {
        let now = OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_123_456_789).unwrap();
        assert_eq!(
            message("host", 7, now, "{}", false),
            "<110>1 2023-11-14T22:13:20.123456Z host kmipd 7 audit - {}"
        );
        assert!(message("host", 7, now, "{}", true).starts_with("<108>1 "));
    }

    #[test]
    fn to_a_socket() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let config = config::Syslog {
            socket: Some(path.clone()),
            udp: None,
        };
        let syslog = Syslog::open(&config).unwrap();
        // Nobody listens yet.
        syslog.send("{}", false).unwrap_err();
        let daemon = UnixDatagram::bind(&path).unwrap();
        syslog.send("{\"a\":1}", false).unwrap();
        let mut buffer = [0; 256];
        let got = daemon.recv(&mut buffer).unwrap();
        let text = std::str::from_utf8(&buffer[..got]).unwrap();
        assert!(
            text.starts_with("<110>1 ") && text.ends_with(" audit - {\"a\":1}"),
            "{text}"
        );
    }

    #[test]
    fn over_udp() {
        let daemon = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let config = config::Syslog {
            socket: None,
            udp: Some(daemon.local_addr().unwrap()),
        };
        Syslog::open(&config).unwrap().send("{}", true).unwrap();
        let mut buffer = [0; 256];
        let got = daemon.recv(&mut buffer).unwrap();
        assert!(buffer[..got].starts_with(b"<108>1 "));
    }
}
