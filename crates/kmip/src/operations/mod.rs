//! The operations: one file each, and one table that registers them.

use crate::codec::Structure;
use crate::error::DecodeError;
use crate::registry::{Operation, ProtectionStorageMask, Tag};
use crate::ttlv::{Element, Item, Writer};

/// A request's payload and the response that belongs to it.
pub trait Request: Structure + Into<RequestPayload> {
    /// The operation.
    const OPERATION: Operation;
    /// The payload of a successful response.
    type Response: Structure
        + Into<ResponsePayload>
        + TryFrom<ResponsePayload, Error = WrongPayload>;
}

/// A payload is not that of the operation asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the payload is of {got:?}, expected that of {expected:?}")]
pub struct WrongPayload {
    /// The operation of the payload; `None` when it is not known.
    pub got: Option<Operation>,
    /// The operation that was asked for.
    pub expected: Operation,
}

/// A payload of an operation that is not known: its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPayload {
    /// The operation; a response may lack it.
    pub operation: Option<Operation>,
    /// What is in it.
    pub items: Vec<Item>,
}

/// A payload that cannot be read. The rest of the message is fine: a server answers this item with an error and goes
/// on with the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedPayload {
    /// The operation.
    pub operation: Operation,
    /// What is wrong.
    pub error: DecodeError,
}

macro_rules! operations {
    ($( $operation:ident: $module:ident, $request:ident, $response:ident; )*) => {
        $(
            mod $module;
            pub use $module::*;

            impl Request for $request {
                const OPERATION: Operation = Operation::$operation;
                type Response = $response;
            }

            impl From<$request> for RequestPayload {
                fn from(payload: $request) -> Self {
                    Self::$operation(payload)
                }
            }

            impl From<$response> for ResponsePayload {
                fn from(payload: $response) -> Self {
                    Self::$operation(payload)
                }
            }

            impl TryFrom<ResponsePayload> for $response {
                type Error = WrongPayload;

                fn try_from(payload: ResponsePayload) -> Result<Self, WrongPayload> {
                    match payload {
                        ResponsePayload::$operation(payload) => Ok(payload),
                        other => Err(WrongPayload {
                            got: other.operation(),
                            expected: Operation::$operation,
                        }),
                    }
                }
            }
        )*

        /// The payload of a request.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant, missing_docs, non_camel_case_types)]
        #[non_exhaustive]
        pub enum RequestPayload {
            $( $operation($request), )*
            /// Of an operation that is not known.
            Unknown(UnknownPayload),
            /// Not readable.
            Malformed(MalformedPayload),
        }

        /// The payload of a response.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant, missing_docs, non_camel_case_types)]
        #[non_exhaustive]
        pub enum ResponsePayload {
            $( $operation($response), )*
            /// Of an operation that is not known.
            Unknown(UnknownPayload),
            /// Not readable.
            Malformed(MalformedPayload),
        }

        operations!(@payload RequestPayload, $($operation),*);
        operations!(@payload ResponsePayload, $($operation),*);

        /// Every operation that has typed payloads.
        pub const OPERATIONS: &[Operation] = &[$( Operation::$operation ),*];
    };
    (@payload $payload:ident, $($operation:ident),*) => {
        impl $payload {
            /// The operation; `None` for a response that does not say.
            #[must_use]
            pub fn operation(&self) -> Option<Operation> {
                match self {
                    $( Self::$operation(_) => Some(Operation::$operation), )*
                    Self::Unknown(payload) => payload.operation,
                    Self::Malformed(payload) => Some(payload.operation),
                }
            }

            /// Reads the payload of `operation`. Fails only when it is no structure.
            pub(crate) fn decode(
                operation: Option<Operation>,
                element: &Element<'_>,
            ) -> Result<Self, DecodeError> {
                let fields = element.structure()?;
                let within = element.tag();
                let decoded = match operation {
                    $(
                        Some(Operation::$operation) =>
                            Structure::decode_fields(fields, within).map(Self::$operation),
                    )*
                    operation => Structure::decode_fields(fields, within)
                        .map(|items| Self::Unknown(UnknownPayload { operation, items })),
                };
                match (decoded, operation) {
                    (Ok(payload), _) => Ok(payload),
                    (Err(error), Some(operation)) => {
                        Ok(Self::Malformed(MalformedPayload { operation, error }))
                    }
                    (Err(error), None) => Err(error),
                }
            }

            /// Writes the payload and, after its own fields, extensions.
            pub(crate) fn write(&self, tag: Tag, extensions: &[Item], writer: &mut Writer) {
                if let Self::Malformed(_) = self {
                    let what = "a payload that could not be read";
                    writer.fail(crate::EncodeError::Unencodable { what });
                }
                writer.whole(|writer| writer.structure(tag, |writer| {
                    match self {
                        $( Self::$operation(payload) => payload.encode_fields(writer), )*
                        Self::Unknown(payload) => payload.items.encode_fields(writer),
                        Self::Malformed(_) => {}
                    }
                    extensions.iter().for_each(|item| item.write(writer));
                }));
            }

            /// Items with tags of extensions in the payload of an operation that is known.
            pub(crate) fn extensions(&self, element: &Element<'_>) -> Result<Vec<Item>, DecodeError> {
                match self {
                    Self::Unknown(_) | Self::Malformed(_) => Ok(Vec::new()),
                    _ => element
                        .structure()?
                        .filter(|field| field.tag().is_extension())
                        .map(|field| Item::from_element(&field))
                        .collect(),
                }
            }
        }
    };
}

operations! {
    Create: create, CreateRequest, CreateResponse;
    CreateKeyPair: create_key_pair, CreateKeyPairRequest, CreateKeyPairResponse;
    Register: register, RegisterRequest, RegisterResponse;
    ReKey: re_key, ReKeyRequest, ReKeyResponse;
    ReKeyKeyPair: re_key_key_pair, ReKeyKeyPairRequest, ReKeyKeyPairResponse;
    DeriveKey: derive_key, DeriveKeyRequest, DeriveKeyResponse;
    Certify: certify, CertifyRequest, CertifyResponse;
    ReCertify: re_certify, ReCertifyRequest, ReCertifyResponse;
    Locate: locate, LocateRequest, LocateResponse;
    Check: check, CheckRequest, CheckResponse;
    Get: get, GetRequest, GetResponse;
    GetAttributes: get_attributes, GetAttributesRequest, GetAttributesResponse;
    GetAttributeList: get_attribute_list, GetAttributeListRequest, GetAttributeListResponse;
    AddAttribute: add_attribute, AddAttributeRequest, AddAttributeResponse;
    ModifyAttribute: modify_attribute, ModifyAttributeRequest, ModifyAttributeResponse;
    DeleteAttribute: delete_attribute, DeleteAttributeRequest, DeleteAttributeResponse;
    ObtainLease: obtain_lease, ObtainLeaseRequest, ObtainLeaseResponse;
    GetUsageAllocation: get_usage_allocation, GetUsageAllocationRequest, GetUsageAllocationResponse;
    Activate: activate, ActivateRequest, ActivateResponse;
    Revoke: revoke, RevokeRequest, RevokeResponse;
    Destroy: destroy, DestroyRequest, DestroyResponse;
    Archive: archive, ArchiveRequest, ArchiveResponse;
    Recover: recover, RecoverRequest, RecoverResponse;
    Validate: validate, ValidateRequest, ValidateResponse;
    Query: query, QueryRequest, QueryResponse;
    Cancel: cancel, CancelRequest, CancelResponse;
    Poll: poll, PollRequest, PollResponse;
    Notify: notify, NotifyRequest, NotifyResponse;
    Put: put, PutRequest, PutResponse;
    DiscoverVersions: discover_versions, DiscoverVersionsRequest, DiscoverVersionsResponse;
    Encrypt: encrypt, EncryptRequest, EncryptResponse;
    Decrypt: decrypt, DecryptRequest, DecryptResponse;
    Sign: sign, SignRequest, SignResponse;
    SignatureVerify: signature_verify, SignatureVerifyRequest, SignatureVerifyResponse;
    MAC: mac, MACRequest, MACResponse;
    MACVerify: mac_verify, MACVerifyRequest, MACVerifyResponse;
    RNGRetrieve: rng_retrieve, RNGRetrieveRequest, RNGRetrieveResponse;
    RNGSeed: rng_seed, RNGSeedRequest, RNGSeedResponse;
    Hash: hash, HashRequest, HashResponse;
    CreateSplitKey: create_split_key, CreateSplitKeyRequest, CreateSplitKeyResponse;
    JoinSplitKey: join_split_key, JoinSplitKeyRequest, JoinSplitKeyResponse;
    Import: import, ImportRequest, ImportResponse;
    Export: export, ExportRequest, ExportResponse;
    Log: log, LogRequest, LogResponse;
    Login: login, LoginRequest, LoginResponse;
    Logout: logout, LogoutRequest, LogoutResponse;
    DelegatedLogin: delegated_login, DelegatedLoginRequest, DelegatedLoginResponse;
    AdjustAttribute: adjust_attribute, AdjustAttributeRequest, AdjustAttributeResponse;
    SetAttribute: set_attribute, SetAttributeRequest, SetAttributeResponse;
    SetEndpointRole: set_endpoint_role, SetEndpointRoleRequest, SetEndpointRoleResponse;
    PKCS_11: pkcs_11, Pkcs11Request, Pkcs11Response;
    Interop: interop, InteropRequest, InteropResponse;
    ReProvision: re_provision, ReProvisionRequest, ReProvisionResponse;
    SetDefaults: set_defaults, SetDefaultsRequest, SetDefaultsResponse;
    SetConstraints: set_constraints, SetConstraintsRequest, SetConstraintsResponse;
    GetConstraints: get_constraints, GetConstraintsRequest, GetConstraintsResponse;
    QueryAsynchronousRequests: query_asynchronous_requests, QueryAsynchronousRequestsRequest, QueryAsynchronousRequestsResponse;
    Process: process, ProcessRequest, ProcessResponse;
    Ping: ping, PingRequest, PingResponse;
}

structure! {
    /// Acceptable ways of storing an object, best first (KMIP 2.1, 7.30). Of 2.0.
    #[derive(Default)]
    pub struct ProtectionStorageMasks {
        /// The ways.
        masks: Vec<ProtectionStorageMask> = ProtectionStorageMask,
    }
}
