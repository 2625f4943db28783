//! Protocol versions.

use std::fmt;

/// A protocol version, as in the `ProtocolVersion` structure of every header.
///
/// Ordered, so that "since" questions are comparisons. Any pair of numbers can be held: a peer may speak a
/// version that this library does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolVersion {
    /// The major version; messages of one major version share their shape.
    pub major: i32,
    /// The minor version; a higher one only adds.
    pub minor: i32,
}

impl ProtocolVersion {
    /// KMIP 1.0 (October 2010).
    pub const V1_0: Self = Self::new(1, 0);
    /// KMIP 1.1 (January 2013).
    pub const V1_1: Self = Self::new(1, 1);
    /// KMIP 1.2 (May 2015).
    pub const V1_2: Self = Self::new(1, 2);
    /// KMIP 1.3 (December 2016).
    pub const V1_3: Self = Self::new(1, 3);
    /// KMIP 1.4 (November 2017).
    pub const V1_4: Self = Self::new(1, 4);
    /// KMIP 2.0 (October 2019).
    pub const V2_0: Self = Self::new(2, 0);
    /// KMIP 2.1 (December 2020).
    pub const V2_1: Self = Self::new(2, 1);

    /// Every version that this library can speak, newest first: the order in which a client offers them.
    pub const SUPPORTED: [Self; 7] = [
        Self::V2_1,
        Self::V2_0,
        Self::V1_4,
        Self::V1_3,
        Self::V1_2,
        Self::V1_1,
        Self::V1_0,
    ];

    /// The version `major.minor`.
    #[must_use]
    pub const fn new(major: i32, minor: i32) -> Self {
        Self { major, minor }
    }

    /// Whether this library can speak the version.
    #[must_use]
    pub fn is_supported(self) -> bool {
        Self::SUPPORTED.contains(&self)
    }

    /// Whether messages of this version carry attributes as typed fields (2.x) instead of names and values.
    #[must_use]
    pub const fn has_typed_attributes(self) -> bool {
        self.major >= 2
    }

    /// `self >= other`, usable in constants.
    #[must_use]
    pub const fn at_least(self, other: Self) -> bool {
        self.major > other.major || (self.major == other.major && self.minor >= other.minor)
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The text is not of the form `major.minor`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a protocol version: expected major.minor, such as 1.4")]
pub struct ParseVersionError;

impl std::str::FromStr for ProtocolVersion {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (major, minor) = text.split_once('.').ok_or(ParseVersionError)?;
        match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) if major >= 0 && minor >= 0 => Ok(Self { major, minor }),
            _ => Err(ParseVersionError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_text() {
        assert!(ProtocolVersion::V1_4 < ProtocolVersion::V2_0);
        assert!(ProtocolVersion::V2_1.at_least(ProtocolVersion::V1_4));
        assert!(!ProtocolVersion::V1_3.at_least(ProtocolVersion::V1_4));
        assert_eq!("1.4".parse(), Ok(ProtocolVersion::V1_4));
        assert_eq!("14".parse::<ProtocolVersion>(), Err(ParseVersionError));
        assert_eq!("-1.4".parse::<ProtocolVersion>(), Err(ParseVersionError));
        assert_eq!(ProtocolVersion::V2_1.to_string(), "2.1");
    }
}
