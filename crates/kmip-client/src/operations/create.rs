//! Create (KMIP 1.4, section 4.1; 2.1, section 6.1.8).

use kmip::operations::CreateRequest;
use kmip::registry::ObjectType;

use super::named::{Sought, attributes};
use crate::{NewSymmetricKey, Result, Session};

impl Session {
    /// Has the server make a symmetric key, and returns its unique identifier. The key is
    /// Pre-Active. The Name must be one that nothing else has: a lost answer is recovered by it, as for
    /// [`Session::create`].
    ///
    /// # Errors
    /// As for [`Session::create`].
    pub async fn create_symmetric_key(&mut self, key: &NewSymmetricKey) -> Result<String> {
        let request = CreateRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: attributes(key),
            protection_storage_masks: None,
        };
        self.create(request, Some(&[])).await
    }

    /// Has the server make an object with whatever attributes, and returns its unique identifier.
    ///
    /// If the answer is lost, the server is asked for objects of the type and the (first) Name that was asked for: one that
    /// is there is the new one; when there is none and the connection had broken, Create is sent once more; after a
    /// time-out it is not, since the server may still be at work. `namesakes` are the unique identifiers of the objects
    /// that have the Name already, none for a Name of its own; `None` if that is not known. Then, and without a
    /// Name, nobody can tell whether there is a new object, and the error says so.
    ///
    /// # Errors
    /// `Refused`; `Configuration` for an attribute that the session's version lacks; `AmbiguousName`, if several
    /// objects may be the new one; what can happen to a connection. [`Error::outcome_is_unknown`] tells whether the
    /// object may come to exist.
    ///
    /// [`Error::outcome_is_unknown`]: crate::Error::outcome_is_unknown
    pub async fn create(
        &mut self,
        request: CreateRequest,
        namesakes: Option<&[String]>,
    ) -> Result<String> {
        let sought = Sought {
            object_type: request.object_type,
            name: request.attributes.names().next().cloned(),
            namesakes,
            object: None,
        };
        self.make(request, |response| response.unique_identifier, &sought)
            .await
    }
}
