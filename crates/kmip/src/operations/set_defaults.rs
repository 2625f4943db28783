//! Set Defaults (KMIP 2.1, 6.1.52). Of 2.1.

use super::DefaultsInformation;

structure! {
    /// Says which attributes objects get unless the client says otherwise.
    #[derive(Default)]
    pub struct SetDefaultsRequest {
        /// The attributes; none if absent.
        defaults_information: Option<DefaultsInformation> = DefaultsInformation,
    }
}

structure! {
    /// Nothing.
    #[derive(Default)]
    pub struct SetDefaultsResponse {
    }
}
