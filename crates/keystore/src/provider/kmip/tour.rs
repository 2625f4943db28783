//! From server to server: not every one of the list need have every key, nor answer.

use std::collections::VecDeque;

use kmip_client::{ObjectAttributes, ServerAddress, Session};

use super::find::may_be_absent;
use super::{KmipKeyError, KmipKeys, NotThere};

/// The servers of the list, one after another: first the one that is in use.
pub(super) struct Tour {
    /// Those that have not had their turn.
    rest: VecDeque<ServerAddress>,
    /// The session that was in use at first, once another one is.
    home: Option<Session>,
    /// Why the server that was in use at first could not tell, or one that has the key did not give it.
    failure: Option<kmip_client::Error>,
    told: Vec<String>,
}

impl Tour {
    /// The server in use has no such key.
    pub(super) fn absent(&mut self, keys: &KmipKeys) {
        self.told.push(keys.server());
    }

    /// The server in use could not tell.
    pub(super) fn failed(&mut self, keys: &KmipKeys, error: kmip_client::Error) {
        tracing::warn!(%error, "A KMIP server could not be asked for a key");
        self.told.push(format!(
            "{} (not asked: {})",
            keys.server(),
            error.message()
        ));
        if self.home.is_none() {
            self.failure.get_or_insert(error);
        }
    }

    /// The server in use has the key and did not give it.
    pub(super) fn not_given(&mut self, error: kmip_client::Error) {
        tracing::warn!(%error, "A KMIP server did not give a key that it has");
        self.failure.get_or_insert(error);
    }
}

impl KmipKeys {
    pub(super) fn tour(&self) -> Tour {
        let here = self.session.server();
        let servers = self.client.config().servers.iter();
        let others = servers.filter(|server| *server != here);
        Tour {
            rest: std::iter::once(here).chain(others).cloned().collect(),
            home: None,
            failure: None,
            told: Vec::new(),
        }
    }

    /// Goes on to the next server that lets us connect, at first to the one that is in use; `false` behind the last one.
    pub(super) async fn go_on(&mut self, tour: &mut Tour) -> bool {
        while let Some(server) = tour.rest.pop_front() {
            match self.go_to(&server, tour).await {
                Ok(()) => return true,
                Err(error) => tour
                    .told
                    .push(format!("{server} (not asked: {})", error.message())),
            }
        }
        false
    }

    /// Goes on to the next server that has an object of this unique identifier, and what it says about it; `None` behind
    /// the last one. Those that have none, and those that cannot tell, are noted.
    pub(super) async fn go_on_to_holder(
        &mut self,
        identifier: &str,
        tour: &mut Tour,
    ) -> Option<ObjectAttributes> {
        while self.go_on(tour).await {
            match self.session.get_attributes(identifier).await {
                Ok(found) => return Some(found),
                Err(error) if may_be_absent(error.kind()) => tour.absent(self),
                Err(error) => tour.failed(self, error),
            }
        }
        None
    }

    /// Goes to this server, whatever is next.
    pub(super) async fn go_to(
        &mut self,
        server: &ServerAddress,
        tour: &mut Tour,
    ) -> Result<(), kmip_client::Error> {
        if self.session.server() == server {
            return Ok(());
        }
        let session = self.client.connect_to(server).await?;
        let before = std::mem::replace(&mut self.session, session);
        tour.home.get_or_insert(before);
        Ok(())
    }

    /// Goes back to the server that was in use at first. Nobody has the key: an error if that server may have it.
    pub(super) fn come_home(&mut self, tour: Tour) -> Result<NotThere, KmipKeyError> {
        if let Some(home) = tour.home {
            self.session = home;
        }
        match tour.failure {
            Some(error) => Err(error.into()),
            None => Ok(NotThere(tour.told)),
        }
    }
}
