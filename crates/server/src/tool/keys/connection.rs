//! A connection to a running server: commands as `OP_MSG`, one after the other, each with a time limit
//! and an answer of limited size.

use std::time::Duration;

use bson::{Document, RawDocumentBuf};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::{HEADER_BYTES, Header, Msg, OpCode};

use crate::config::tool::HostOptions;
use crate::exit::ExitStatus;
use crate::tool::Failure;

/// The port where none is given, as MongoDB's tools have it.
pub(super) const DEFAULT_PORT: u16 = 27017;
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is taken, in bytes: what is asked for here is far smaller.
const MAX_REPLY_BYTES: usize = 16 << 20;

/// Why there is no answer, or not the one that was hoped for.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    /// `--host` is not `HOST:PORT`.
    #[error("--host {given}: {problem}; give HOST:PORT, or [ADDRESS]:PORT for an IPv6 address")]
    Address {
        given: String,
        problem: &'static str,
    },
    /// Nobody listens, the name has no address, or the connection broke.
    #[error("the server {address} cannot be reached: {source}")]
    Unreachable {
        address: String,
        source: std::io::Error,
    },
    /// It takes too long.
    #[error("the server {address} did not {what} within {seconds} s")]
    Timeout {
        address: String,
        what: &'static str,
        seconds: u64,
    },
    /// Whoever listens there is no MongoDB-compatible server.
    #[error("what answers at {address} does not speak MongoDB's protocol: {problem}")]
    Protocol { address: String, problem: String },
    /// The server said no.
    #[error("the server {address} refuses {command}: {message} ({name}, code {code})")]
    Refused {
        address: String,
        command: String,
        code: i32,
        name: String,
        message: String,
    },
}

impl ConnectionError {
    /// What the process ends with.
    pub(super) fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Address { .. } => ExitStatus::BadOptions,
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Protocol { .. } => {
                ExitStatus::ServerUnreachable
            }
            Self::Refused { .. } => ExitStatus::CommandRefused,
        }
    }
}

/// A connection to a running server.
pub(super) struct Connection {
    stream: TcpStream,
    address: String,
    next_request: i32,
}

impl Connection {
    /// Connects to `HOST`, `HOST:PORT`, `ADDRESS` or `[ADDRESS]:PORT`.
    pub(super) async fn open(given: &str) -> Result<Self, ConnectionError> {
        let (host, port) = parse(given)?;
        let address = match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        let connecting = TcpStream::connect((host.as_str(), port));
        let stream = within(CONNECT_TIMEOUT, &address, "accept a connection", connecting).await?;
        // Each request waits for its answer: nothing is gained by collecting bytes.
        let _ = stream.set_nodelay(true);
        Ok(Self {
            stream,
            address,
            next_request: 1,
        })
    }

    /// Asks one thing of a server.
    pub(super) async fn ask(server: &HostOptions, command: &Document) -> Result<Document, Failure> {
        let limit = Duration::from_secs(server.timeout);
        let asked = async {
            let mut connection = Self::open(&server.host).await?;
            connection.run(command, limit).await
        };
        let failed = |error: ConnectionError| Failure::new(&error, error.exit_status());
        asked.await.map_err(failed)
    }

    /// Runs a command on the `admin` database: its answer, if that is a success.
    pub(super) async fn run(
        &mut self,
        command: &Document,
        limit: Duration,
    ) -> Result<Document, ConnectionError> {
        let name = command.keys().next().cloned().unwrap_or_default();
        let mut command = command.clone();
        command.insert("$db", "admin");
        let body = RawDocumentBuf::try_from(&command).map_err(|e| self.protocol(&e))?;
        let request = self.next_request;
        self.next_request = self.next_request.wrapping_add(1);
        let mut message = Vec::new();
        wire::msg::encode(&mut message, request, 0, &body);
        let address = self.address.clone();
        let exchange = async {
            self.stream.write_all(&message).await?;
            self.receive().await
        };
        let received = within(limit, &address, "answer", exchange).await?;
        let reply = self.decode(&received, request)?;
        if reply.get_f64("ok").is_ok_and(|ok| ok == 1.0) {
            return Ok(reply);
        }
        Err(ConnectionError::Refused {
            address,
            command: name,
            code: reply.get_i32("code").unwrap_or_default(),
            name: reply.get_str("codeName").unwrap_or("no name").to_owned(),
            message: reply.get_str("errmsg").unwrap_or("no message").to_owned(),
        })
    }

    /// One whole message.
    async fn receive(&mut self) -> std::io::Result<Vec<u8>> {
        let mut header = [0; HEADER_BYTES];
        self.stream.read_exact(&mut header).await?;
        let invalid = |text: String| std::io::Error::new(std::io::ErrorKind::InvalidData, text);
        let decoded = Header::decode(&header).map_err(|e| invalid(e.to_string()))?;
        if decoded.length > MAX_REPLY_BYTES {
            let got = decoded.length;
            return Err(invalid(format!(
                "an answer of {got} bytes, and {MAX_REPLY_BYTES} is the most that is taken"
            )));
        }
        let mut message = vec![0; decoded.length];
        let (head, rest) = message.split_at_mut(HEADER_BYTES);
        head.copy_from_slice(&header);
        self.stream.read_exact(rest).await?;
        Ok(message)
    }

    fn decode(&self, message: &[u8], request: i32) -> Result<Document, ConnectionError> {
        let header = message
            .first_chunk()
            .ok_or_else(|| self.protocol(&"no header"))?;
        let header = Header::decode(header).map_err(|error| self.protocol(&error))?;
        if header.op_code != OpCode::Msg || header.response_to != request {
            return Err(self.protocol(&"an answer that belongs to no question"));
        }
        let reply = Msg::decode(message).map_err(|error| self.protocol(&error))?;
        Document::try_from(reply.body).map_err(|error| self.protocol(&error))
    }

    fn protocol(&self, problem: &dyn std::fmt::Display) -> ConnectionError {
        ConnectionError::Protocol {
            address: self.address.clone(),
            problem: problem.to_string(),
        }
    }
}

async fn within<T>(
    limit: Duration,
    address: &str,
    what: &'static str,
    work: impl Future<Output = std::io::Result<T>>,
) -> Result<T, ConnectionError> {
    let address = address.to_owned();
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(ConnectionError::Protocol {
                address,
                problem: error.to_string(),
            })
        }
        Ok(Err(source)) => Err(ConnectionError::Unreachable { address, source }),
        Err(_) => Err(ConnectionError::Timeout {
            address,
            what,
            seconds: limit.as_secs(),
        }),
    }
}

/// Host and port of what was given as `--host`.
fn parse(given: &str) -> Result<(String, u16), ConnectionError> {
    let bad = |problem| ConnectionError::Address {
        given: given.to_owned(),
        problem,
    };
    let port_of = |text: &str| {
        let port = text.parse().ok().filter(|port| *port != 0);
        port.ok_or_else(|| bad("the port must be a number from 1 to 65535"))
    };
    let (host, port) = match given.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or_else(|| bad("a ] is missing"))?;
            match rest.strip_prefix(':') {
                Some(port) => (host, port_of(port)?),
                None if rest.is_empty() => (host, DEFAULT_PORT),
                None => return Err(bad("something other than a port follows the ]")),
            }
        }
        None => match given.split_once(':') {
            // More than one colon: an IPv6 address without a port.
            Some((_, rest)) if rest.contains(':') => (given, DEFAULT_PORT),
            Some((host, port)) => (host, port_of(port)?),
            None => (given, DEFAULT_PORT),
        },
    };
    match host.is_empty() {
        true => Err(bad("the host is missing")),
        false => Ok((host.to_owned(), port)),
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;
    use tokio::net::TcpListener;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[test]
    fn hosts_and_ports() {
        let cases = [
            ("localhost", ("localhost", 27017)),
            ("db.example.com:28000", ("db.example.com", 28000)),
            ("::1", ("::1", 27017)),
            ("[::1]", ("::1", 27017)),
            ("[::1]:28000", ("::1", 28000)),
        ];
        for (given, (host, port)) in cases {
            assert_eq!(parse(given).unwrap(), (host.to_owned(), port), "{given}");
        }
        for bad in [
            "",
            ":1",
            "host:",
            "host:0",
            "host:65536",
            "host:x",
            "[::1",
            "[::1]x",
            "[]:1",
        ] {
            let error = parse(bad).unwrap_err();
            assert_eq!(error.exit_status(), ExitStatus::BadOptions, "{bad}");
        }
    }

    /// A peer that reads a request and answers with these bytes; the error that comes of it.
    async fn answered(
        answer: impl Fn(i32) -> Vec<u8> + Send + 'static,
    ) -> Result<Document, ConnectionError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let peer = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut header = [0; HEADER_BYTES];
            stream.read_exact(&mut header).await.unwrap();
            let header = Header::decode(&header).unwrap();
            let mut rest = vec![0; header.length - HEADER_BYTES];
            stream.read_exact(&mut rest).await.unwrap();
            // Whoever hangs up early does not want to hear it.
            let _ = stream.write_all(&answer(header.request_id)).await;
        });
        let mut connection = Connection::open(&address).await.unwrap();
        let result = connection.run(&doc! { "ping": 1 }, LIMIT).await;
        peer.await.unwrap();
        result
    }

    fn message(response_to: i32, body: &Document) -> Vec<u8> {
        let mut out = Vec::new();
        let body = RawDocumentBuf::try_from(body).unwrap();
        wire::msg::encode(&mut out, 7, response_to, &body);
        out
    }

    #[tokio::test]
    async fn answers_and_refusals() {
        let reply = answered(|id| message(id, &doc! { "a": 1, "ok": 1.0 })).await;
        assert_eq!(reply.unwrap().get_i32("a").unwrap(), 1);
        let refusal =
            doc! { "ok": 0.0, "code": 20, "codeName": "IllegalOperation", "errmsg": "no" };
        let error = answered(move |id| message(id, &refusal)).await.unwrap_err();
        assert!(
            matches!(&error, ConnectionError::Refused { code: 20, .. }),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains("refuses ping: no (IllegalOperation"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn what_is_no_answer() {
        let cases: [fn(i32) -> Vec<u8>; 6] = [
            |_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            |id| message(id + 1, &doc! { "ok": 1.0 }),
            // 47 MB are announced; nobody reserves them.
            |id| {
                let mut huge = message(id, &doc! { "ok": 1.0 });
                huge[..4].copy_from_slice(&47_000_000_i32.to_le_bytes());
                huge
            },
            |id| {
                let mut cut = message(id, &doc! { "ok": 1.0 });
                cut.pop();
                cut
            },
            |_| Vec::new(),
            |id| {
                let mut broken = message(id, &doc! { "ok": 1.0 });
                let last = broken.len() - 1;
                broken[last] = 7;
                broken
            },
        ];
        for case in cases {
            let error = answered(case).await.unwrap_err();
            assert_eq!(
                error.exit_status(),
                ExitStatus::ServerUnreachable,
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn nobody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let error = Connection::open(&address).await.map(drop).unwrap_err();
        assert!(error.to_string().contains(&address), "{error}");
    }
}
