//! The one table of MongoDB's error codes.
//!
//! Source: the manual's page "Error Codes". A row is added when something here answers with it.

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// A MongoDB error code: what a driver or an application switches on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* #[allow(missing_docs, reason = "the name is MongoDB's own")] $name,)*
            /// A code without a name: MongoDB numbers many refusals of expressions and stages
            /// (five digits) and names them `Location` and the number.
            Location(i32),
        }

        impl ErrorCode {
            /// Every named code.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name,)*];

            /// The number in a reply's `code`.
            pub const fn code(self) -> i32 {
                match self {
                    $(ErrorCode::$name => $code,)*
                    ErrorCode::Location(code) => code,
                }
            }

            /// The text in a reply's `codeName`.
            pub fn name(self) -> std::borrow::Cow<'static, str> {
                match self {
                    $(ErrorCode::$name => stringify!($name).into(),)*
                    ErrorCode::Location(code) => format!("Location{code}").into(),
                }
            }
        }
    };
}

error_codes! {
    InternalError = 1,
    BadValue = 2,
    NoSuchKey = 4,
    GraphContainsCycle = 5,
    HostUnreachable = 6,
    HostNotFound = 7,
    UnknownError = 8,
    FailedToParse = 9,
    CannotMutateObject = 10,
    UserNotFound = 11,
    UnsupportedFormat = 12,
    Unauthorized = 13,
    TypeMismatch = 14,
    Overflow = 15,
    InvalidLength = 16,
    ProtocolError = 17,
    AuthenticationFailed = 18,
    CannotReuseObject = 19,
    IllegalOperation = 20,
    EmptyArrayOperation = 21,
    InvalidBSON = 22,
    LockTimeout = 24,
    NamespaceNotFound = 26,
    IndexNotFound = 27,
    PathNotViable = 28,
    NonExistentPath = 29,
    InvalidPath = 30,
    CannotBackfillArray = 34,
    NotSingleValueField = 54,
    NotExactValueField = 111,
    CannotCreateIndex = 67,
    IndexAlreadyExists = 68,
    InvalidOptions = 72,
    InvalidNamespace = 73,
    IndexOptionsConflict = 85,
    IndexKeySpecsConflict = 86,
    CursorNotFound = 43,
    NamespaceExists = 48,
    MaxTimeMSExpired = 50,
    DollarPrefixedFieldName = 52,
    InvalidIdField = 53,
    EmptyFieldName = 56,
    DottedFieldName = 57,
    CommandNotFound = 59,
    DatabaseNotFound = 60,
    ImmutableField = 66,
    OperationFailed = 96,
    WriteConflict = 112,
    ConflictingUpdateOperators = 40,
    CommandNotSupported = 115,
    ConflictingOperationInProgress = 117,
    InvalidViewDefinition = 182,
    DocumentValidationFailure = 121,
    CommandNotSupportedOnView = 166,
    OptionNotSupportedOnView = 167,
    CannotIndexParallelArrays = 171,
    InvalidPipelineOperator = 168,
    ExceededMemoryLimit = 146,
    ConversionFailure = 241,
    QueryPlanKilled = 175,
    NoQueryExecutionPlans = 291,
    QueryExceededMemoryLimitNoDiskUseAllowed = 292,
    BSONObjectTooLarge = 10334,
    InvalidIndexSpecificationOption = 197,
    Interrupted = 11601,
    InterruptedAtShutdown = 11600,
    DuplicateKey = 11000,
    DatabaseDifferCase = 13297,
    IndexBuildAborted = 276,
    NotImplemented = 238,
    APIVersionError = 322,
    APIStrictError = 323,
    APIDeprecationError = 324,
    TransactionTooOld = 225,
    NoSuchTransaction = 251,
    NotAReplicaSet = 123,
    NoReplicationEnabled = 76,
    DatabaseDropPending = 215,
    AmbiguousIndexKeyPattern = 181,
    CursorInUse = 12051,
    NetworkTimeout = 89,
    UnsupportedOpQueryCommand = 352,
    UserWritesBlocked = 371,
    TransactionTooLarge = 257,
    InvalidUUID = 207,
    KeyNotFound = 211,
    OutOfDiskSpace = 14031,
    /// An unknown field in a command or stage.
    IDLUnknownField = 40415,
    /// A required field is missing from a command.
    IDLFailedToParse = 40414,
}
