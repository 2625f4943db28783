//! Query (KMIP 1.4, section 4.25; 2.1, section 6.1.37).

use kmip::operations::QueryRequest;
use kmip::registry::{ObjectType, Operation, QueryFunction};

use crate::{Result, Session};

/// What a server says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerInformation {
    /// The operations it offers to us.
    pub operations: Vec<Operation>,
    /// The object types it offers to us.
    pub object_types: Vec<ObjectType>,
    /// Who made it.
    pub vendor: Option<String>,
}

impl Session {
    /// Asks what the server offers.
    ///
    /// # Errors
    /// `Refused`, and what can happen to a connection.
    pub async fn query(&mut self) -> Result<ServerInformation> {
        let request = QueryRequest {
            query_functions: vec![
                QueryFunction::QueryOperations,
                QueryFunction::QueryObjects,
                QueryFunction::QueryServerInformation,
            ],
        };
        let response = self.call(request).await?;
        Ok(ServerInformation {
            operations: response.operations,
            object_types: response.object_types,
            vendor: response.vendor_identification,
        })
    }
}
