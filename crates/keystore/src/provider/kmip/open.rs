//! Opening the master key that a keystore names.
//!
//! Unique identifiers are unique on one server. Servers that do not replicate may each have a key of the same one (PyKMIP
//! counts 1, 2, 3), so that the identifier alone does not say that it is the right key: its Name does, and in the
//! end only what it opens.

use kmip_client::{ObjectAttributes, ServerAddress};
use uuid::Uuid;

use super::announced::has_other_names;
use super::{Fetched, KmipKeyError, KmipKeys, WrapContext};
use crate::format::MasterKeyRef;
use crate::memory::MasterKey;
use crate::tree_id::TreeId;

/// What is opened.
struct Saved<'a> {
    key: &'a MasterKeyRef,
    context: WrapContext,
    /// Whether a key may be used only in the state Active.
    looks_at_state: bool,
}

/// What a server's key of the right identifier turns out to be.
enum Opened {
    Right(Fetched),
    /// Another key; or what may be another key.
    Wrong(Result<Fetched, KmipKeyError>),
    /// The server failed.
    Unknown(kmip_client::Error),
    /// It cannot be used.
    Failed(KmipKeyError),
}

impl KmipKeys {
    /// Gets the master key that a keystore names: fetches it, or has the server unwrap it. `tree` is the tree whose
    /// own it is, `None` for the dbpath's. Whoever can tell whether it is the right one uses
    /// [`KmipKeys::open_right_key`].
    ///
    /// # Errors
    /// As [`KmipKeys::fetch`]; [`KmipKeyError::NotUnwrapped`].
    pub async fn open_key(
        &mut self,
        key: &MasterKeyRef,
        dbpath_id: Uuid,
        tree: Option<TreeId>,
    ) -> Result<Fetched, KmipKeyError> {
        self.open_right_key(key, dbpath_id, tree, |_| true).await
    }

    /// As [`KmipKeys::open_key`], for whoever can tell whether it is the key that the keystore was written under: while
    /// `is_right` says that it is not, the next server of the list is asked for its key of the same identifier. If no
    /// server has the right one, the first wrong one is returned, for whoever opens the keystore with it to say so.
    ///
    /// # Errors
    /// As [`KmipKeys::open_key`].
    pub async fn open_right_key(
        &mut self,
        key: &MasterKeyRef,
        dbpath_id: Uuid,
        tree: Option<TreeId>,
        is_right: impl Fn(&MasterKey) -> bool + Send + Sync,
    ) -> Result<Fetched, KmipKeyError> {
        let saved = Saved::new(key, dbpath_id, tree, true);
        self.open_saved(&saved, &is_right).await
    }

    /// As [`KmipKeys::open_key`], whatever the key's state: for a key that is about to be replaced. (A server
    /// may nevertheless refuse to decrypt with a key that is not Active.)
    ///
    /// # Errors
    /// As [`KmipKeys::open_key`], without [`KmipKeyError::NotActive`].
    pub async fn open_key_in_any_state(
        &mut self,
        key: &MasterKeyRef,
        dbpath_id: Uuid,
        tree: Option<TreeId>,
    ) -> Result<Fetched, KmipKeyError> {
        let saved = Saved::new(key, dbpath_id, tree, false);
        self.open_saved(&saved, &|_| true).await
    }

    /// Connects to the server that has the key that a keystore names, whatever the key's state. A key of another Name is
    /// taken for another one if some server has one of the right Name.
    ///
    /// # Errors
    /// [`KmipKeyError::NotFound`]; those of the client.
    pub(crate) async fn locate_saved(&mut self, key: &MasterKeyRef) -> Result<(), KmipKeyError> {
        let name = key.name.as_deref();
        let Some(identifier) = &key.identifier else {
            let name = name.unwrap_or_default();
            let found = self.find(name).await?;
            return found.map(drop).map_err(|not_there| not_there.error(name));
        };
        let mut tour = self.tour();
        let mut renamed = None;
        while let Some(found) = self.go_on_to_holder(identifier, &mut tour).await {
            if !has_other_names(&found, name) {
                return Ok(());
            }
            renamed.get_or_insert(self.session.server().clone());
        }
        match renamed {
            Some(server) => Ok(self.go_to(&server, &mut tour).await?),
            None => Err(self.come_home(tour)?.error(identifier)),
        }
    }

    async fn open_saved(
        &mut self,
        saved: &Saved<'_>,
        is_right: &(impl Fn(&MasterKey) -> bool + Send + Sync),
    ) -> Result<Fetched, KmipKeyError> {
        let Some(identifier) = &saved.key.identifier else {
            // No keystore of ours lacks it; whoever wrote this one can only be asked by Name.
            let name = saved.key.name.as_deref().unwrap_or_default();
            let found = self.find(name).await?;
            let found = found.map_err(|not_there| not_there.error(name))?;
            return self.open_found(found, saved).await;
        };
        let mut tour = self.tour();
        let mut others: Vec<(ServerAddress, ObjectAttributes)> = Vec::new();
        let mut wrong = None;
        while let Some(found) = self.go_on_to_holder(identifier, &mut tour).await {
            if has_other_names(&found, saved.key.name.as_deref()) {
                others.push((self.session.server().clone(), found));
                continue;
            }
            match self.try_to_open(found, saved, is_right).await {
                Opened::Right(fetched) => return Ok(fetched),
                Opened::Wrong(result) => {
                    wrong.get_or_insert(result);
                }
                Opened::Unknown(error) => tour.not_given(error),
                Opened::Failed(error) => {
                    let _ = self.come_home(tour);
                    return Err(error);
                }
            }
        }
        // Somebody may have changed the Name of the right one.
        for (server, found) in others {
            let opened = match self.go_to(&server, &mut tour).await {
                Ok(()) => self.try_to_open(found, saved, is_right).await,
                Err(error) => Opened::Unknown(error),
            };
            match opened {
                Opened::Right(fetched) => return Ok(fetched),
                Opened::Wrong(result) => {
                    wrong.get_or_insert(result);
                }
                Opened::Failed(error) => {
                    wrong.get_or_insert(Err(error));
                }
                Opened::Unknown(error) => tour.not_given(error),
            }
        }
        let not_there = self.come_home(tour);
        match wrong {
            Some(wrong) => wrong,
            None => Err(not_there?.error(identifier)),
        }
    }

    async fn try_to_open(
        &mut self,
        found: ObjectAttributes,
        saved: &Saved<'_>,
        is_right: &(impl Fn(&MasterKey) -> bool + Send + Sync),
    ) -> Opened {
        match self.open_found(found, saved).await {
            Ok(fetched) => match is_right(&fetched.key) {
                true => Opened::Right(fetched),
                false => Opened::Wrong(Ok(fetched)),
            },
            Err(error @ KmipKeyError::NotUnwrapped { .. }) => Opened::Wrong(Err(error)),
            Err(KmipKeyError::Client(error)) => Opened::Unknown(error),
            Err(error) => Opened::Failed(error),
        }
    }

    async fn open_found(
        &mut self,
        attributes: ObjectAttributes,
        saved: &Saved<'_>,
    ) -> Result<Fetched, KmipKeyError> {
        if saved.looks_at_state {
            self.check_state(&attributes)?;
        }
        let Some(wrapped) = saved.key.wrapped() else {
            return self.fetch_material(attributes).await;
        };
        self.check_kind(&attributes)?;
        let identifier = &attributes.unique_identifier;
        Ok(Fetched {
            key: self.unwrap(identifier, wrapped, &saved.context).await?,
            attributes,
            wrapped: Some(wrapped.clone()),
        })
    }
}

impl<'a> Saved<'a> {
    fn new(
        key: &'a MasterKeyRef,
        dbpath_id: Uuid,
        tree: Option<TreeId>,
        looks_at_state: bool,
    ) -> Saved<'a> {
        Saved {
            key,
            context: WrapContext {
                dbpath_id,
                tree,
                generation: key.generation,
            },
            looks_at_state,
        }
    }
}
