//! Finding a server that answers.

use std::net::SocketAddr;
use std::sync::Arc;

use tls::{LoadedClient, Reloading};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use crate::connection::{Connection, Target};
use crate::negotiate::negotiate;
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

    /// When our own certificate expires, in seconds since 1970. `None` without a certificate.
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

    /// Reads a symmetric key from the first server that has it: not every server of a list need have every
    /// key. Returns the session with that server as well.
    ///
    /// # Errors
    /// That of [`Client::connect`] if no server can be used; `NotFound` if every server says that it has no such key;
    /// otherwise what happened at the servers that could not be asked.
    pub async fn find_symmetric_key(
        &self,
        unique_identifier: &str,
    ) -> Result<(Session, SymmetricKey)> {
        let mut session = self.connect().await?;
        let first = session.server().clone();
        let mut failures = match session.get_symmetric_key(unique_identifier).await {
            Ok(key) => return Ok((session, key)),
            Err(error) if *error.kind() == ErrorKind::NotFound => vec![error],
            Err(error) => return Err(error),
        };
        for server in self
            .0
            .config
            .servers
            .iter()
            .filter(|server| **server != first)
        {
            let got = match self.connect_to(server).await {
                Ok(mut session) => session
                    .get_symmetric_key(unique_identifier)
                    .await
                    .map(|key| (session, key)),
                Err(error) => Err(error),
            };
            match got {
                Ok(found) => return Ok(found),
                Err(error) => failures.push(error),
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
        let deadline = Instant::now() + config.connect_timeout;
        let addresses = resolve(server, deadline).await?;
        let server_name = server.server_name().ok_or_else(|| {
            Error::new(
                ErrorKind::Configuration,
                "its name is not a host name or IP address",
            )
        })?;
        let current = self.0.tls.current();
        if let Some(error) = current.stale {
            warn!(%error, "changed TLS files cannot be used; the ones read before are kept");
        }
        let mut failures = Vec::new();
        let count = addresses.len();
        for (n, address) in addresses.into_iter().enumerate() {
            let target = Target {
                address,
                server_name: server_name.clone(),
                tls: current.value.config.clone(),
                own_certificate: current.value.certificate.clone(),
                limits: config.limits,
            };
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
}

async fn resolve(server: &ServerAddress, deadline: Instant) -> Result<Vec<SocketAddr>> {
    let lookup = tokio::net::lookup_host((server.host(), server.port()));
    match timeout_at(deadline, lookup).await {
        Err(_) => Err(Error::new(
            ErrorKind::Resolve,
            "its name was not resolved in time",
        )),
        Ok(Err(error)) => Err(Error::new(
            ErrorKind::Resolve,
            format!("its name cannot be resolved: {error}"),
        )),
        Ok(Ok(found)) => {
            let mut addresses: Vec<SocketAddr> = Vec::new();
            for address in found {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            if addresses.is_empty() {
                return Err(Error::new(ErrorKind::Resolve, "its name has no address"));
            }
            Ok(addresses)
        }
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
