//! One TLS connection that carries one message at a time each way.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use kmip::Limits;
use rustls_pki_types::ServerName;
use tls::CertificateInfo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result, tls_error};

/// The tag, type and length of the outermost item (KMIP 1.4, section 9.1.1).
const HEADER_BYTES: usize = kmip::ttlv::HEADER_BYTES;

/// What a connection to a server is made with, whichever of its addresses it is to.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) server_name: ServerName<'static>,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) own_certificate: Option<CertificateInfo>,
    pub(crate) limits: Limits,
}

impl Host {
    pub(crate) fn at(self, address: SocketAddr) -> Target {
        Target {
            address,
            host: self,
        }
    }
}

/// What a connection is made to and with.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) host: Host,
}

/// An established connection. After any error it is to be dropped: where the next answer begins is not known any more.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    target: Target,
    has_answered: bool,
}

impl Connection {
    /// TCP, then TLS.
    pub(crate) async fn open(target: Target, deadline: Instant) -> Result<Self> {
        let address = target.address;
        let tcp = match timeout_at(deadline, TcpStream::connect(address)).await {
            Err(_) => return Err(timed_out("no TCP connection")),
            Ok(Err(error)) => {
                return Err(Error::new(
                    ErrorKind::Connect,
                    format!("cannot connect: {error}"),
                ));
            }
            Ok(Ok(tcp)) => tcp,
        };
        // A request is one write and waits for its answer: Nagle's delay could only slow it down.
        let _ = tcp.set_nodelay(true);
        let connector = TlsConnector::from(target.host.tls.clone());
        let handshake = connector.connect(target.host.server_name.clone(), tcp);
        let stream = match timeout_at(deadline, handshake).await {
            Err(_) => return Err(timed_out("the TLS handshake was not completed")),
            Ok(Err(error)) => return Err(io_error(&error, &target.host, false)),
            Ok(Ok(stream)) => stream,
        };
        Ok(Self {
            stream,
            target,
            has_answered: false,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.target.address
    }

    pub(crate) fn limits(&self) -> Limits {
        self.target.host.limits
    }

    /// Sends one message and reads the one that answers it. The message goes out in one write:
    /// there are servers that lose the framing when it stalls in the middle.
    pub(crate) async fn exchange(
        &mut self,
        request: &[u8],
        deadline: Instant,
    ) -> Result<Zeroizing<Vec<u8>>> {
        match timeout_at(deadline, self.send(request)).await {
            Err(_) => return Err(timed_out("the request could not be sent")),
            Ok(Err(error)) => {
                // The reason for a broken connection (an alert that refuses our certificate) may be there to be read.
                return Err(self
                    .reason_to_read(deadline)
                    .await
                    .unwrap_or_else(|| self.error(&error)));
            }
            Ok(Ok(())) => {}
        }
        match timeout_at(deadline, self.receive()).await {
            Err(_) => Err(timed_out("no answer")),
            Ok(answer) => {
                let answer = answer?;
                self.has_answered = true;
                Ok(answer)
            }
        }
    }

    async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await?;
        self.stream.flush().await
    }

    async fn receive(&mut self) -> Result<Zeroizing<Vec<u8>>> {
        let mut header = [0_u8; HEADER_BYTES];
        self.fill(&mut header).await?;
        let total =
            kmip::ttlv::message_bytes(header, &self.target.host.limits).map_err(|error| {
                Error::new(
                    ErrorKind::Protocol,
                    format!("what answers does not speak KMIP: {error}"),
                )
            })?;
        // The length is within the limits; the memory is taken once, so that no copy of a key stays behind.
        let mut message = Zeroizing::new(vec![0; total]);
        let (start, rest) = message.split_at_mut(HEADER_BYTES.min(total));
        start.copy_from_slice(header.get(..start.len()).unwrap_or_default());
        self.fill(rest).await?;
        Ok(message)
    }

    async fn fill(&mut self, buffer: &mut [u8]) -> Result<()> {
        match self.stream.read_exact(buffer).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.error(&error)),
        }
    }

    async fn reason_to_read(&mut self, deadline: Instant) -> Option<Error> {
        let mut byte = [0_u8; 1];
        match timeout_at(deadline, self.stream.read(&mut byte)).await {
            Ok(Err(error)) if tls_error::rustls_error(&error).is_some() => Some(self.error(&error)),
            _ => None,
        }
    }

    fn error(&self, error: &io::Error) -> Error {
        io_error(error, &self.target.host, self.has_answered)
    }
}

fn timed_out(what: &str) -> Error {
    Error::new(ErrorKind::Timeout, format!("{what} in time"))
}

fn io_error(error: &io::Error, host: &Host, has_answered: bool) -> Error {
    if let Some(error) = tls_error::rustls_error(error) {
        return tls_error::classify(
            error,
            &host.server_name.to_str(),
            host.own_certificate.as_ref(),
        );
    }
    let hint = if has_answered {
        ""
    } else {
        "; a server that does so before its first answer often refuses the client certificate without saying so"
    };
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        _ => format!("the connection broke: {error}"),
    };
    Error::new(ErrorKind::ConnectionLost, what + hint)
}
