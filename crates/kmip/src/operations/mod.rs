//! The operations: one file each, and one table that registers them.

// Not by the table: rustfmt sees no module that a macro declares.
mod activate;
mod add_attribute;
mod adjust_attribute;
mod archive;
mod cancel;
mod certify;
mod check;
mod create;
mod create_key_pair;
mod create_split_key;
mod decrypt;
mod delegated_login;
mod delete_attribute;
mod derive_key;
mod destroy;
mod discover_versions;
mod encrypt;
mod export;
mod get;
mod get_attribute_list;
mod get_attributes;
mod get_constraints;
mod get_usage_allocation;
mod hash;
mod import;
mod interop;
mod join_split_key;
mod locate;
mod log;
mod login;
mod logout;
mod mac;
mod mac_verify;
mod modify_attribute;
mod notify;
mod obtain_lease;
mod ping;
mod pkcs_11;
mod poll;
mod process;
mod put;
mod query;
mod query_asynchronous_requests;
mod re_certify;
mod re_key;
mod re_key_key_pair;
mod re_provision;
mod recover;
mod register;
mod revoke;
mod rng_retrieve;
mod rng_seed;
mod set_attribute;
mod set_constraints;
mod set_defaults;
mod set_endpoint_role;
mod sign;
mod signature_verify;
mod validate;

pub use activate::*;
pub use add_attribute::*;
pub use adjust_attribute::*;
pub use archive::*;
pub use cancel::*;
pub use certify::*;
pub use check::*;
pub use create::*;
pub use create_key_pair::*;
pub use create_split_key::*;
pub use decrypt::*;
pub use delegated_login::*;
pub use delete_attribute::*;
pub use derive_key::*;
pub use destroy::*;
pub use discover_versions::*;
pub use encrypt::*;
pub use export::*;
pub use get::*;
pub use get_attribute_list::*;
pub use get_attributes::*;
pub use get_constraints::*;
pub use get_usage_allocation::*;
pub use hash::*;
pub use import::*;
pub use interop::*;
pub use join_split_key::*;
pub use locate::*;
pub use log::*;
pub use login::*;
pub use logout::*;
pub use mac::*;
pub use mac_verify::*;
pub use modify_attribute::*;
pub use notify::*;
pub use obtain_lease::*;
pub use ping::*;
pub use pkcs_11::*;
pub use poll::*;
pub use process::*;
pub use put::*;
pub use query::*;
pub use query_asynchronous_requests::*;
pub use re_certify::*;
pub use re_key::*;
pub use re_key_key_pair::*;
pub use re_provision::*;
pub use recover::*;
pub use register::*;
pub use revoke::*;
pub use rng_retrieve::*;
pub use rng_seed::*;
pub use set_attribute::*;
pub use set_constraints::*;
pub use set_defaults::*;
pub use set_endpoint_role::*;
pub use sign::*;
pub use signature_verify::*;
pub use validate::*;

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
    ($( $operation:ident: $request:ident, $response:ident; )*) => {
        $(
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
                // Payloads are large: one that is read is moved once, into its place.
                match operation {
                    $(
                        Some(operation @ Operation::$operation) => {
                            Ok(match Structure::decode_fields(fields, within) {
                                Ok(payload) => Self::$operation(payload),
                                Err(error) => Self::Malformed(MalformedPayload { operation, error }),
                            })
                        }
                    )*
                    Some(operation) => Ok(match Structure::decode_fields(fields, within) {
                        Ok(items) => Self::Unknown(UnknownPayload { operation: Some(operation), items }),
                        Err(error) => Self::Malformed(MalformedPayload { operation, error }),
                    }),
                    None => Structure::decode_fields(fields, within)
                        .map(|items| Self::Unknown(UnknownPayload { operation: None, items })),
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

            /// Items with tags that are not known in the payload of an operation that is.
            pub(crate) fn extensions(&self, element: &Element<'_>) -> Result<Vec<Item>, DecodeError> {
                match self {
                    Self::Unknown(_) | Self::Malformed(_) => Ok(Vec::new()),
                    _ => {
                        let mut kept = Vec::new();
                        for field in element.structure()? {
                            $crate::codec::keep_unknown(&mut kept, &field)?;
                        }
                        Ok(kept)
                    }
                }
            }
        }
    };
}

operations! {
    Create: CreateRequest, CreateResponse;
    CreateKeyPair: CreateKeyPairRequest, CreateKeyPairResponse;
    Register: RegisterRequest, RegisterResponse;
    ReKey: ReKeyRequest, ReKeyResponse;
    ReKeyKeyPair: ReKeyKeyPairRequest, ReKeyKeyPairResponse;
    DeriveKey: DeriveKeyRequest, DeriveKeyResponse;
    Certify: CertifyRequest, CertifyResponse;
    ReCertify: ReCertifyRequest, ReCertifyResponse;
    Locate: LocateRequest, LocateResponse;
    Check: CheckRequest, CheckResponse;
    Get: GetRequest, GetResponse;
    GetAttributes: GetAttributesRequest, GetAttributesResponse;
    GetAttributeList: GetAttributeListRequest, GetAttributeListResponse;
    AddAttribute: AddAttributeRequest, AddAttributeResponse;
    ModifyAttribute: ModifyAttributeRequest, ModifyAttributeResponse;
    DeleteAttribute: DeleteAttributeRequest, DeleteAttributeResponse;
    ObtainLease: ObtainLeaseRequest, ObtainLeaseResponse;
    GetUsageAllocation: GetUsageAllocationRequest, GetUsageAllocationResponse;
    Activate: ActivateRequest, ActivateResponse;
    Revoke: RevokeRequest, RevokeResponse;
    Destroy: DestroyRequest, DestroyResponse;
    Archive: ArchiveRequest, ArchiveResponse;
    Recover: RecoverRequest, RecoverResponse;
    Validate: ValidateRequest, ValidateResponse;
    Query: QueryRequest, QueryResponse;
    Cancel: CancelRequest, CancelResponse;
    Poll: PollRequest, PollResponse;
    Notify: NotifyRequest, NotifyResponse;
    Put: PutRequest, PutResponse;
    DiscoverVersions: DiscoverVersionsRequest, DiscoverVersionsResponse;
    Encrypt: EncryptRequest, EncryptResponse;
    Decrypt: DecryptRequest, DecryptResponse;
    Sign: SignRequest, SignResponse;
    SignatureVerify: SignatureVerifyRequest, SignatureVerifyResponse;
    MAC: MACRequest, MACResponse;
    MACVerify: MACVerifyRequest, MACVerifyResponse;
    RNGRetrieve: RNGRetrieveRequest, RNGRetrieveResponse;
    RNGSeed: RNGSeedRequest, RNGSeedResponse;
    Hash: HashRequest, HashResponse;
    CreateSplitKey: CreateSplitKeyRequest, CreateSplitKeyResponse;
    JoinSplitKey: JoinSplitKeyRequest, JoinSplitKeyResponse;
    Import: ImportRequest, ImportResponse;
    Export: ExportRequest, ExportResponse;
    Log: LogRequest, LogResponse;
    Login: LoginRequest, LoginResponse;
    Logout: LogoutRequest, LogoutResponse;
    DelegatedLogin: DelegatedLoginRequest, DelegatedLoginResponse;
    AdjustAttribute: AdjustAttributeRequest, AdjustAttributeResponse;
    SetAttribute: SetAttributeRequest, SetAttributeResponse;
    SetEndpointRole: SetEndpointRoleRequest, SetEndpointRoleResponse;
    PKCS_11: Pkcs11Request, Pkcs11Response;
    Interop: InteropRequest, InteropResponse;
    ReProvision: ReProvisionRequest, ReProvisionResponse;
    SetDefaults: SetDefaultsRequest, SetDefaultsResponse;
    SetConstraints: SetConstraintsRequest, SetConstraintsResponse;
    GetConstraints: GetConstraintsRequest, GetConstraintsResponse;
    QueryAsynchronousRequests: QueryAsynchronousRequestsRequest, QueryAsynchronousRequestsResponse;
    Process: ProcessRequest, ProcessResponse;
    Ping: PingRequest, PingResponse;
}

structure! {
    /// Acceptable ways of storing an object, best first (KMIP 2.1, 7.30). Of 2.0.
    #[derive(Default)]
    pub struct ProtectionStorageMasks {
        /// The ways.
        masks: Vec<ProtectionStorageMask> = ProtectionStorageMask,
    }
}
