//! The databases of a store: opened when they are used, closed when they are not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use document::ErrorCode;
use document::limits::MAX_DATABASE_NAME_BYTES;
use parking_lot::{Mutex, RwLock};

use super::{StoreInner, blocking, create_tree, open_tree, remove_tree};
use crate::database::{Database, DatabaseInner};
use crate::error::{Error, Result};
use crate::gate::CommitGate;
use crate::keys::TreeId;

/// A database that has a name.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) tree: TreeId,
    /// The database, if it is open.
    open: RwLock<Option<Arc<DatabaseInner>>>,
    /// Held by what opens or closes it.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// What every commit passes. Here, because it outlives the database's being open.
    pub(super) gate: Arc<CommitGate>,
    is_dropped: AtomicBool,
    used: Mutex<Instant>,
}

impl Entry {
    pub(super) fn new(name: String, tree: TreeId) -> Self {
        Self {
            name,
            tree,
            open: RwLock::new(None),
            changing: tokio::sync::Mutex::new(()),
            gate: Arc::default(),
            is_dropped: AtomicBool::new(false),
            used: Mutex::new(Instant::now()),
        }
    }

    /// The database, if it is open.
    pub(super) fn opened(&self) -> Option<Arc<DatabaseInner>> {
        self.open.read().clone()
    }

    /// Whether its name is gone.
    pub(super) fn is_dropped(&self) -> bool {
        self.is_dropped.load(Ordering::Acquire)
    }

    /// Closes the database. What still uses it meets [`Error::Closed`].
    pub(super) async fn close(&self) -> Result<()> {
        let _changing = self.changing.lock().await;
        let open = self.open.write().take();
        match open {
            Some(database) => database.tree.close().await,
            None => Ok(()),
        }
    }

    /// Closes the database if nobody holds it and nobody did for `idle`.
    pub(super) async fn close_if_idle(&self, idle: Duration) -> Result<()> {
        if self.open.read().is_none() || self.used.lock().elapsed() < idle {
            return Ok(());
        }
        let _changing = self.changing.lock().await;
        let unused = {
            let mut open = self.open.write();
            // Nobody can get at it while it is locked.
            open.take_if(|database| Arc::strong_count(database) == 1)
        };
        match unused {
            Some(database) => {
                tracing::debug!(tree = %self.tree, "closing an idle database");
                database.tree.close().await
            }
            None => Ok(()),
        }
    }
}

impl StoreInner {
    pub(super) async fn database(self: &Arc<Self>, name: &str) -> Result<Option<Database>> {
        self.check_open()?;
        let Some(entry) = self.databases.read().get(name).cloned() else {
            return Ok(None);
        };
        *entry.used.lock() = Instant::now();
        if let Some(inner) = entry.opened() {
            return Ok(Some(Database { inner }));
        }
        let _changing = entry.changing.lock().await;
        if entry.is_dropped() {
            return Ok(None);
        }
        self.check_open()?;
        if let Some(inner) = entry.opened() {
            return Ok(Some(Database { inner }));
        }
        let (store, tree) = (Arc::clone(self), entry.tree);
        let opened = blocking(move || {
            open_tree(&*store.engine, &store.path, &store.encryption, tree, false)
        })
        .await?;
        let shared = Arc::clone(&self.shared);
        let gate = Arc::clone(&entry.gate);
        let inner = DatabaseInner::open(entry.name.clone(), opened, shared, gate).await?;
        let inner = Arc::new(inner);
        *entry.open.write() = Some(Arc::clone(&inner));
        Ok(Some(Database { inner }))
    }

    pub(super) async fn create(self: &Arc<Self>, name: &str) -> Result<Database> {
        let _ddl = self.ddl.lock().await;
        if let Some(database) = self.database(name).await? {
            return Ok(database);
        }
        check_name(name)?;
        self.check_case(name)?;
        let tree =
            TreeId::random().map_err(|source| Error::io("the system's random source", source))?;
        let store = Arc::clone(self);
        let created =
            blocking(move || create_tree(&*store.engine, &store.path, &store.encryption, tree))
                .await;
        let opened = match created {
            Ok(opened) => opened,
            Err(error) => {
                self.remove(tree).await;
                return Err(error);
            }
        };
        if let Err(error) = self.server.add(name, tree).await {
            // Whether the name is there is open: what is left is settled at the next start.
            let _ = opened.close().await;
            return Err(error);
        }
        let shared = Arc::clone(&self.shared);
        let entry = Entry::new(name.to_owned(), tree);
        let gate = Arc::clone(&entry.gate);
        let inner = Arc::new(DatabaseInner::open(name.to_owned(), opened, shared, gate).await?);
        *entry.open.write() = Some(Arc::clone(&inner));
        self.databases
            .write()
            .insert(name.to_owned(), Arc::new(entry));
        Ok(Database { inner })
    }

    pub(super) async fn drop_database(self: &Arc<Self>, name: &str) -> Result<bool> {
        let _ddl = self.ddl.lock().await;
        self.check_open()?;
        let Some(entry) = self.databases.read().get(name).cloned() else {
            return Ok(false);
        };
        self.server.remove(name).await?;
        entry.is_dropped.store(true, Ordering::Release);
        self.databases.write().remove(name);
        if let Err(error) = entry.close().await {
            tracing::warn!(tree = %entry.tree, %error, "closing a dropped database");
        }
        let (store, tree) = (Arc::clone(self), entry.tree);
        blocking(move || remove_tree(&store.path, &store.encryption, tree)).await?;
        Ok(true)
    }

    /// Removes a tree that got no name, as far as that goes now.
    async fn remove(self: &Arc<Self>, tree: TreeId) {
        let store = Arc::clone(self);
        let removed = blocking(move || remove_tree(&store.path, &store.encryption, tree)).await;
        if let Err(error) = removed {
            tracing::warn!(%tree, %error, "left for the next start to remove");
        }
    }

    fn check_case(&self, name: &str) -> Result<()> {
        let databases = self.databases.read();
        let other = databases
            .keys()
            .find(|other| other.eq_ignore_ascii_case(name));
        match other {
            None => Ok(()),
            Some(other) => Err(Error::refused(
                ErrorCode::DatabaseDifferCase,
                format!(
                    "db already exists with different case already have: [{other}] trying to \
                     create [{name}]"
                ),
            )),
        }
    }
}

/// What MongoDB takes for the name of a database.
fn check_name(name: &str) -> Result<()> {
    let is_valid = !name.is_empty()
        && name.len() <= MAX_DATABASE_NAME_BYTES
        && !name.contains(['/', '\\', '.', ' ', '"', '$', '\0']);
    if is_valid {
        return Ok(());
    }
    Err(Error::refused(
        ErrorCode::InvalidNamespace,
        format!(
            "Invalid database name: '{name}': a name has 1 to {MAX_DATABASE_NAME_BYTES} bytes and \
             none of /\\. \"$ or NUL"
        ),
    ))
}
