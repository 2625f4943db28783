//! Passwords of clients: kept as Argon2id hashes (RFC 9106), in PHC's form
//! `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use parking_lot::Mutex;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const HASH_BYTES: usize = 32;
const SALT_BYTES: usize = 16;

/// What a hash of somebody else's may cost us: 256 MiB, 10 passes, 8 lanes.
const MOST: (u32, u32, u32) = (256 * 1024, 10, 8);

/// Held by the one that computes a hash.
static SLOW: Mutex<()> = Mutex::new(());

/// The hash of a password.
pub struct PasswordHash {
    params: Params,
    salt: Vec<u8>,
    hash: Vec<u8>,
    /// SHA-256 of salt and the password that was right last: requests repeat it, and Argon2 is slow on purpose.
    right: Mutex<Option<[u8; 32]>>,
}

impl PasswordHash {
    /// Hashes a password with a new salt.
    ///
    /// # Errors
    /// No random numbers, or no memory.
    pub fn new(password: &[u8]) -> Result<Self, String> {
        let mut salt = vec![0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|error| error.to_string())?;
        let params = Params::new(
            Params::DEFAULT_M_COST,
            Params::DEFAULT_T_COST,
            Params::DEFAULT_P_COST,
            Some(HASH_BYTES),
        )
        .map_err(|error| error.to_string())?;
        let hash = argon2id(&params, password, &salt, HASH_BYTES)?.to_vec();
        Ok(Self {
            params,
            salt,
            hash,
            right: Mutex::default(),
        })
    }

    /// Reads what [`PasswordHash`]'s `Display` wrote, or another program.
    ///
    /// # Errors
    /// What is wrong with it; never quotes it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let malformed = || {
            "the passwordHash is not of the form $argon2id$v=19$m=…,t=…,p=…$SALT$HASH; kmipd password makes one".to_owned()
        };
        let mut parts = text.split('$');
        let head = (parts.next(), parts.next(), parts.next());
        if head != (Some(""), Some("argon2id"), Some("v=19")) {
            return Err(malformed());
        }
        let mut costs = [None; 3];
        for cost in parts.next().ok_or_else(malformed)?.split(',') {
            let (name, number) = cost.split_once('=').ok_or_else(malformed)?;
            let number = number.parse::<u32>().map_err(|_| malformed())?;
            let place = ["m", "t", "p"].iter().position(|known| *known == name);
            *place
                .and_then(|place| costs.get_mut(place))
                .ok_or_else(malformed)? = Some(number);
        }
        let [Some(memory), Some(passes), Some(lanes)] = costs else {
            return Err(malformed());
        };
        if memory > MOST.0 || passes > MOST.1 || lanes > MOST.2 {
            return Err(format!(
                "the passwordHash costs too much: at most m={},t={},p={}",
                MOST.0, MOST.1, MOST.2
            ));
        }
        let mut decode = || {
            let part = parts.next().ok_or_else(malformed)?;
            BASE64_STANDARD_NO_PAD.decode(part).map_err(|_| malformed())
        };
        let (salt, hash) = (decode()?, decode()?);
        if parts.next().is_some() || salt.len() < 8 || !(16..=64).contains(&hash.len()) {
            return Err(malformed());
        }
        Ok(Self {
            params: Params::new(memory, passes, lanes, Some(hash.len()))
                .map_err(|_| malformed())?,
            salt,
            hash,
            right: Mutex::default(),
        })
    }

    /// Whether it is the hash of this password.
    pub fn verify(&self, password: &[u8]) -> bool {
        let fast = self.fast(password);
        if let Some(right) = *self.right.lock() {
            // A password that differs from the one that is known to be right is wrong.
            return bool::from(right.ct_eq(&fast));
        }
        // One at a time: whoever sends wrong passwords takes one processor and one share of memory, not all.
        let _turn = SLOW.lock();
        let is_right = argon2id(&self.params, password, &self.salt, self.hash.len())
            .is_ok_and(|hash| bool::from(hash.ct_eq(&self.hash)));
        if is_right {
            *self.right.lock() = Some(fast);
        }
        is_right
    }

    fn fast(&self, password: &[u8]) -> [u8; 32] {
        let text = Zeroizing::new([self.salt.as_slice(), password].concat());
        let mut fast = [0; 32];
        fast.copy_from_slice(digest(&SHA256, &text).as_ref());
        fast
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "$argon2id$v=19$m={},t={},p={}${}${}",
            self.params.m_cost(),
            self.params.t_cost(),
            self.params.p_cost(),
            BASE64_STANDARD_NO_PAD.encode(&self.salt),
            BASE64_STANDARD_NO_PAD.encode(&self.hash)
        )
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(<redacted>)")
    }
}

/// Argon2id; `params` bound what it costs.
pub(crate) fn argon2id(
    params: &Params,
    password: &[u8],
    salt: &[u8],
    bytes: usize,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut out = Zeroizing::new(vec![0; bytes]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into(password, salt, &mut out)
        .map_err(|error| error.to_string())?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_written_read_verified() {
        let made = PasswordHash::new(b"correct horse").unwrap();
        let read = PasswordHash::parse(&made.to_string()).unwrap();
        assert!(!read.verify(b"wrong"));
        assert!(read.verify(b"correct horse"));
        assert!(read.verify(b"correct horse"));
        assert!(!read.verify(b"wrong"));
        assert!(!format!("{read:?}").contains(&made.to_string()[30..]));
    }

    /// `echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32`, from the reference implementation's tests.
    #[test]
    fn somebody_elses() {
        let hash = PasswordHash::parse(
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        )
        .unwrap();
        assert!(hash.verify(b"password"));
    }

    #[test]
    fn refused() {
        for bad in [
            "",
            "plain",
            "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=2$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$",
        ] {
            assert!(PasswordHash::parse(bad).is_err(), "{bad}");
        }
    }
}
