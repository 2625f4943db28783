//! Finding a server that answers.

use std::sync::Arc;

use tls::{LoadedClient, Reloading};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use crate::connection::{Connection, Host};
use crate::negotiate::negotiate;
use crate::session::after;
use crate::{
    ClientConfig, Error, ErrorKind, Result, ServerAddress, Session, SymmetricKey, backoff,
};

/// A KMIP client. Clones share everything.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: ClientConfig,
    tls: Reloading<LoadedClient>,
}

/// A connection whose version is agreed on.
pub(crate) struct Established {
    pub(crate) connection: Connection,
    pub(crate) version: kmip::ProtocolVersion,
}

impl Client {
    /// Reads the certificate files. Does not connect yet.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`]: no server, or a file that cannot be used.
    pub fn new(config: ClientConfig) -> Result<Self> {
        if config.servers.is_empty() {
            return Err(Error::new(
                ErrorKind::Configuration,
                "no KMIP server is configured",
            ));
        }
        let tls = config.tls.clone().reloading()?;
        Ok(Self(Arc::new(Inner { config, tls })))
    }

    /// The settings.
    pub fn config(&self) -> &ClientConfig {
        &self.0.config
    }

    /// When our own certificate expires, in seconds since 1970. `None` without a certificate. Looks at the files, and reads
    /// those that have changed, while the caller waits.
    pub fn certificate_not_after_unix_secs(&self) -> Option<i64> {
        self.0
            .tls
            .current()
            .value
            .certificate
            .as_ref()
            .map(|own| own.not_after_unix_secs)
    }

    /// Connects to the first server that works: in the order of the list, each with every address that its name has,
    /// and with `connect_retries` more rounds, with a pause between rounds. A server works when TLS has
    /// succeeded on both sides and it has answered a KMIP request in a version that we speak: so this is also
    /// the check of connection and authentication that is due before a key is created. A server whose failure
    /// will not go away by itself (an untrusted certificate, say) is not tried again.
    ///
    /// # Errors
    /// The failure of the only server, or all servers' last failures in one ([`Error::failures`]).
    pub async fn connect(&self) -> Result<Session> {
        let config = &self.0.config;
        let rounds = config.connect_retries.saturating_add(1);
        let mut failures: Vec<Option<Error>> = vec![None; config.servers.len()];
        for round in 1..=rounds {
            if round > 1 {
                tokio::time::sleep(backoff::pause(round - 1, config.max_backoff)).await;
            }
            for (server, failure) in config.servers.iter().zip(&mut failures) {
                if failure
                    .as_ref()
                    .is_some_and(|error| !error.kind().is_transient())
                {
                    continue;
                }
                match self.attempt(server).await {
                    Ok(established) => {
                        debug!(%server, version = %established.version, "connected to the KMIP server");
                        return Ok(Session::new(self.clone(), server.clone(), established));
                    }
                    Err(error) => {
                        let error = error.at_attempt(round, rounds);
                        warn!(%error, "a KMIP server cannot be used");
                        *failure = Some(error);
                    }
                }
            }
            if failures
                .iter()
                .flatten()
                .all(|error| !error.kind().is_transient())
            {
                break;
            }
        }
        Err(Error::of_all(failures.into_iter().flatten().collect()))
    }

    /// Connects to this server alone, once: for a tool that looks at each server, and for a key that the first server
    /// of the list does not have.
    ///
    /// # Errors
    /// The server's failure.
    pub async fn connect_to(&self, server: &ServerAddress) -> Result<Session> {
        let established = self.attempt(server).await?;
        Ok(Session::new(self.clone(), server.clone(), established))
    }

    /// Reads a symmetric key from the first server that gives it: not every server of a list need have every
    /// key, and one that lets us connect may fail after that. Returns the session with that server as well.
    ///
    /// # Errors
    /// That of [`Client::connect`] if no server can be used; `NotFound` if every server says that it has no such key;
    /// otherwise what happened at the servers that could not be asked ([`Error::failures`] has all).
    pub async fn find_symmetric_key(
        &self,
        unique_identifier: &str,
    ) -> Result<(Session, SymmetricKey)> {
        let mut session = self.connect().await?;
        let first = session.server().clone();
        let mut failures = match session.get_symmetric_key(unique_identifier).await {
            Ok(key) => return Ok((session, key)),
            Err(error) => vec![error],
        };
        let others = self.0.config.servers.iter();
        for server in others.filter(|server| **server != first) {
            let got = match self.connect_to(server).await {
                Ok(mut session) => session
                    .get_symmetric_key(unique_identifier)
                    .await
                    .map(|key| (session, key)),
                Err(error) => Err(error),
            };
            match got {
                Ok(found) => return Ok(found),
                Err(error) => {
                    debug!(%error, "looking for the key on the next KMIP server");
                    failures.push(error);
                }
            }
        }
        Err(Error::of_no_server_with(unique_identifier, failures))
    }

    /// One attempt at one server, within `connect_timeout`.
    pub(crate) async fn attempt(&self, server: &ServerAddress) -> Result<Established> {
        self.attempt_any_address(server)
            .await
            .map_err(|error| error.at_server(server))
    }

    async fn attempt_any_address(&self, server: &ServerAddress) -> Result<Established> {
        let config = &self.0.config;
        let deadline = after(config.connect_timeout);
        let addresses = config.resolver.addresses(server, deadline).await?;
        let host = self.host(server, deadline).await?;
        let mut failures = Vec::new();
        let count = addresses.len();
        for (n, address) in addresses.into_iter().enumerate() {
            let target = host.clone().at(address);
            // An address that hangs must leave time for those behind it.
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(count - n).unwrap_or(1).max(1);
            match negotiate(target, config.version, Instant::now() + share).await {
                Ok((connection, version)) => {
                    return Ok(Established {
                        connection,
                        version,
                    });
                }
                Err(error) => failures.push(error.at_address(address)),
            }
        }
        // All addresses stand behind one name: the failure that says most speaks for it.
        let failure = failures
            .into_iter()
            .rev()
            .max_by_key(|error| error.kind().weight());
        Err(failure.unwrap_or_else(|| Error::new(ErrorKind::Resolve, "its name has no address")))
    }

    /// What connections to the server are made with; the certificate files are read again if they have changed.
    pub(crate) async fn host(&self, server: &ServerAddress, deadline: Instant) -> Result<Host> {
        let server_name = server.server_name().ok_or_else(|| {
            Error::new(
                ErrorKind::Configuration,
                "its name is not a host name or IP address",
            )
        })?;
        // Files may lie on a disk that hangs.
        let inner = self.0.clone();
        let reading = tokio::task::spawn_blocking(move || inner.tls.current());
        let current = match timeout_at(deadline, reading).await {
            Ok(Ok(current)) => current,
            Ok(Err(error)) => {
                let message = format!("the certificate files cannot be read: {error}");
                return Err(Error::new(ErrorKind::Configuration, message));
            }
            Err(_) => {
                let message = "the certificate files were not read in time";
                return Err(Error::new(ErrorKind::Timeout, message));
            }
        };
        if let Some(error) = current.stale {
            warn!(%error, "changed TLS files cannot be used; the ones read before are kept");
        }
        Ok(Host {
            server_name,
            tls: current.value.config.clone(),
            own_certificate: current.value.certificate.clone(),
            limits: self.0.config.limits,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What servers need that spawn tasks: this has to compile.
    #[test]
    fn futures_can_move_between_threads() {
        fn is_send<T: Send>(_: impl FnOnce(Client, Session) -> T) {}
        is_send(|client, _| async move { client.connect().await.map(drop) });
        is_send(|client, _| async move { client.find_symmetric_key("id").await.map(drop) });
        is_send(|_, mut session| async move {
            let key = crate::NewSymmetricKey::aes256("name");
            session.create_symmetric_key(&key).await.map(drop)
        });
    }
}
