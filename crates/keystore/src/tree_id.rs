//! The identifier of a tree of the storage engine: of one database.

use std::fmt;

/// 16 random bytes that name a tree: its directory in the dbpath and its entries in the keystore.
/// They say nothing about the database's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeId(pub [u8; 16]);

impl TreeId {
    /// A new identifier from the system's random number generator.
    ///
    /// # Errors
    /// [`crate::Error::Random`] when the system has no random numbers to give.
    pub fn random() -> Result<TreeId, crate::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| crate::Error::Random)?;
        Ok(TreeId(bytes))
    }

    /// Reads the 32 hexadecimal digits that [`Display`](fmt::Display) writes; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<TreeId> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        // One spelling only: the text is a directory's name.
        (!text.bytes().any(|b| b.is_ascii_uppercase())).then_some(TreeId(bytes))
    }
}

impl fmt::Display for TreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::TreeId;

    #[test]
    fn hex_round_trip() {
        let id = TreeId::random().unwrap();
        assert_eq!(TreeId::from_hex(&id.to_string()), Some(id));
        for bad in [
            "",
            "00",
            "zz000000000000000000000000000000",
            "AB000000000000000000000000000000",
        ] {
            assert_eq!(TreeId::from_hex(bad), None, "{bad}");
        }
    }
}
