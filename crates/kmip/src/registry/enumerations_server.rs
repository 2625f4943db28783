//! Enumerations of what a server says about itself (KMIP 2.1, section 11; 1.4, 9.1.3.2).

enumeration! {
    /// What Query asks for.
    pub enum QueryFunction {
        V1_0 { QueryOperations = 0x01, QueryObjects = 0x02, QueryServerInformation = 0x03,
               QueryApplicationNamespaces = 0x04 }
        V1_1 { QueryExtensionList = 0x05, QueryExtensionMap = 0x06 }
        V1_2 { QueryAttestationTypes = 0x07 }
        V1_3 {
            QueryRNGs = 0x08, QueryValidations = 0x09, QueryProfiles = 0x0A, QueryCapabilities = 0x0B,
            QueryClientRegistrationMethods = 0x0C,
        }
        V2_0 { QueryDefaultsInformation = 0x0D, QueryStorageProtectionMasks = 0x0E }
    }
}

enumeration! {
    /// Who validated a module.
    pub enum ValidationAuthorityType {
        V1_3 { Unspecified = 0x01, NISTCMVP = 0x02, CommonCriteria = 0x03 }
    }
}

enumeration! {
    /// What was validated.
    pub enum ValidationType {
        V1_3 { Unspecified = 0x01, Hardware = 0x02, Software = 0x03, Firmware = 0x04, Hybrid = 0x05 }
    }
}

enumeration! {
    /// What happens to a wrapped key that is registered.
    pub enum UnwrapMode {
        V1_3 { Unspecified = 0x01, Processed = 0x02, NotProcessed = 0x03 }
    }
}

enumeration! {
    /// What Destroy does.
    pub enum DestroyAction {
        V1_3 {
            Unspecified = 0x01, KeyMaterialDeleted = 0x02, KeyMaterialShredded = 0x03, MetaDataDeleted = 0x04,
            MetaDataShredded = 0x05, Deleted = 0x06, Shredded = 0x07,
        }
    }
}

enumeration! {
    /// How a server shreds.
    pub enum ShreddingAlgorithm {
        V1_3 { Unspecified = 0x01, Cryptographic = 0x02, Unsupported = 0x03 }
    }
}

enumeration! {
    /// How random number generators are shared.
    pub enum RNGMode {
        V1_3 { Unspecified = 0x01, SharedInstantiation = 0x02, NonSharedInstantiation = 0x03 }
    }
}

enumeration! {
    /// How clients become known to a server.
    pub enum ClientRegistrationMethod {
        V1_3 {
            Unspecified = 0x01, ServerPreGenerated = 0x02, ServerOnDemand = 0x03, ClientGenerated = 0x04,
            ClientRegistered = 0x05,
        }
    }
}

enumeration! {
    /// Which end of the connection sends requests.
    pub enum EndpointRole {
        V2_0 { Client = 0x01, Server = 0x02 }
    }
}

enumeration! {
    /// What Interop does to a test run.
    pub enum InteropFunction {
        V2_0 { Begin = 0x01, End = 0x02, Reset = 0x03 }
    }
}
