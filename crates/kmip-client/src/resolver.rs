//! From the names of servers to their addresses.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use crate::{Error, ErrorKind, Result, ServerAddress};

type Resolve = dyn Fn(&ServerAddress) -> Addresses + Send + Sync;
type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Finds the addresses of a server: by default as the operating system does, or in a way of one's own (a service
/// registry, a name server of the network that the KMIP servers are in). The server's certificate must be for the
/// name, whatever address it is found at.
#[derive(Clone, Default)]
pub struct Resolver(Option<Arc<Resolve>>);

impl Resolver {
    /// Asks `resolve` for the addresses, with their ports, in the order in which they are to be tried.
    ///
    /// ```
    /// use kmip_client::Resolver;
    ///
    /// let resolver = Resolver::new(|server| {
    ///     let port = server.port();
    ///     async move { Ok(vec![([192, 0, 2, 7], port).into(), ([192, 0, 2, 8], port).into()]) }
    /// });
    /// # drop(resolver);
    /// ```
    pub fn new<F>(resolve: impl Fn(&ServerAddress) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        Self(Some(Arc::new(move |server| Box::pin(resolve(server)))))
    }

    /// The addresses of a server, each once; at least one.
    pub(crate) async fn addresses(
        &self,
        server: &ServerAddress,
        deadline: Instant,
    ) -> Result<Vec<SocketAddr>> {
        let failed = |message: String| Error::new(ErrorKind::Resolve, message);
        let mut addresses = match timeout_at(deadline, self.lookup(server)).await {
            Err(_) => return Err(failed("its name was not resolved in time".to_owned())),
            Ok(Err(error)) => return Err(failed(format!("its name cannot be resolved: {error}"))),
            Ok(Ok(found)) => found,
        };
        let mut seen = std::collections::HashSet::new();
        addresses.retain(|address| seen.insert(*address));
        match addresses.is_empty() {
            true => Err(failed("its name has no address".to_owned())),
            false => Ok(addresses),
        }
    }

    async fn lookup(&self, server: &ServerAddress) -> io::Result<Vec<SocketAddr>> {
        match &self.0 {
            Some(resolve) => resolve(server).await,
            None => {
                let found = tokio::net::lookup_host((server.host(), server.port())).await?;
                Ok(found.collect())
            }
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Some(_) => "Resolver(..)",
            None => "Resolver(system)",
        })
    }
}
