//! Which MongoDB this server speaks as, and which server it is.

/// The version of MongoDB whose surface is implemented: what drivers and tools decide by.
pub const MONGODB_VERSION: &str = "7.0.0";

/// The same, in numbers.
pub const MONGODB_VERSION_ARRAY: [i32; 4] = [7, 0, 0, 0];

/// The feature compatibility version that goes with it.
pub const FEATURE_COMPATIBILITY_VERSION: &str = "7.0";

/// The wire version of MongoDB 7.0.
pub const MAX_WIRE_VERSION: i32 = 21;

/// This server's own version.
pub const STRONGROOM_VERSION: &str = env!("CARGO_PKG_VERSION");
