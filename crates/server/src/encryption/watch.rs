//! The tasks that look after keys and certificates while the server runs.

use std::sync::Arc;
use std::time::Duration;

use storage::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Encryption, certificate, data_keys, databases};

/// Looks after the keys until it is dropped.
#[derive(Debug)]
pub struct Watch {
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Encryption {
    /// Begins to look after the master key, if it is on a KMIP server and `keyStatePollingSeconds` asks
    /// for it, and after the client certificate in any case. `stop` is told when the policy is to shut
    /// down.
    pub fn watch(self: &Arc<Self>, stop: Arc<watch::Sender<bool>>) -> Watch {
        let mut tasks = Vec::new();
        let Some(kmip) = &self.kmip else {
            return Watch { tasks };
        };
        self.check_certificate(true);
        if let Some(interval) = kmip.policy.polling {
            tasks.push(tokio::spawn(poll(Arc::clone(self), interval, stop)));
        }
        let encryption = Arc::clone(self);
        tasks.push(tokio::spawn(async move {
            loop {
                tokio::time::sleep(certificate::LOOK_EVERY).await;
                encryption.check_certificate(false);
            }
        }));
        Watch { tasks }
    }

    /// Begins to look after the master keys that databases of `store` have of their own: those that are lost
    /// lock their database, those that are back unlock it. And after data keys that are needed no more.
    pub fn watch_databases(self: &Arc<Self>, store: Store) -> Watch {
        let master_keys = tokio::spawn(databases::watch(Arc::clone(self), store.clone()));
        let data_keys = tokio::spawn(data_keys::watch(Arc::clone(self), store));
        Watch {
            tasks: vec![master_keys, data_keys],
        }
    }
}

async fn poll(encryption: Arc<Encryption>, interval: Duration, stop: Arc<watch::Sender<bool>>) {
    loop {
        let pause = encryption.next_look(interval);
        tokio::time::sleep(pause).await;
        if encryption.look_now().await {
            // The receivers may all be gone: then there is nothing left to stop.
            let _ = stop.send(true);
            return;
        }
        encryption.check_certificate(false);
    }
}
