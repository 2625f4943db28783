//! One line of the file, and how it is tied to the line before:
//!
//! ```text
//! {"seq":7,"time":…, … ,"prev":"sha256:H6","hash":"sha256:H7"}
//! ```
//!
//! `hash` is the SHA-256 (or, with a key, the HMAC-SHA-256, and `hmac:` in front) of the line's bytes before
//! `,"hash":`. `prev` is the `hash` of the line before, [`GENESIS`] for the first.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use serde::Deserialize;

/// `prev` of the first line of all.
pub(super) const GENESIS: &str = "none";

/// Between what is hashed and the hash.
const BEFORE_HASH: &str = ",\"hash\":\"";

/// Longest line, in bytes. Ours stay far below: what clients can choose is bounded.
pub(super) const MAX_LINE_BYTES: usize = 1 << 20;

/// What the lines are hashed with.
#[derive(Clone)]
pub struct ChainKey(Option<hmac::Key>);

impl ChainKey {
    /// SHA-256: shows damage, and changes by those who do not compute the rest of the chain anew.
    pub fn none() -> Self {
        Self(None)
    }

    /// HMAC-SHA-256: shows every change by those who do not have the key.
    pub fn hmac(key: &[u8]) -> Self {
        Self(Some(hmac::Key::new(hmac::HMAC_SHA256, key)))
    }

    fn hash(&self, bytes: &[u8]) -> String {
        match &self.0 {
            None => format!("sha256:{}", hex::encode(digest(&SHA256, bytes))),
            Some(key) => format!("hmac:{}", hex::encode(hmac::sign(key, bytes))),
        }
    }
}

impl fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            None => "ChainKey(none)",
            Some(_) => "ChainKey(<redacted>)",
        })
    }
}

/// A place in the chain: the line that was last.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) hash: String,
}

impl Link {
    /// Before the first line.
    pub(super) fn genesis() -> Self {
        Self {
            seq: 0,
            hash: GENESIS.to_owned(),
        }
    }
}

/// Makes the line after `last` of a body, which is a JSON object with at least one field. Without the line's end.
pub(super) fn make(key: &ChainKey, last: &Link, body: &str) -> (String, Link) {
    let seq = last.seq + 1;
    make_numbered(key, last, seq, body)
}

/// The same with a number that does not follow: lines are missing between the two.
pub(super) fn make_numbered(key: &ChainKey, last: &Link, seq: u64, body: &str) -> (String, Link) {
    let fields = body
        .strip_prefix('{')
        .and_then(|body| body.strip_suffix('}'))
        .unwrap_or_default();
    let mut line = format!("{{\"seq\":{seq},{fields},\"prev\":\"{}\"", last.hash);
    let hash = key.hash(line.as_bytes());
    line.push_str(BEFORE_HASH);
    line.push_str(&hash);
    line.push_str("\"}");
    (line, Link { seq, hash })
}

/// What a line says about its place.
#[derive(Debug, Deserialize)]
pub(super) struct Parsed {
    pub(super) seq: u64,
    pub(super) time: String,
    pub(super) event: String,
    /// Of an event `torn`.
    #[serde(default)]
    pub(super) sha256: Option<String>,
    pub(super) prev: String,
    pub(super) hash: String,
}

/// Reads a line.
///
/// # Errors
/// Why it is no line of an audit log.
pub(super) fn parse(line: &[u8]) -> Result<Parsed, String> {
    serde_json::from_slice(line).map_err(|_| "it is no line of an audit log".to_owned())
}

/// Whether the line's hash is that of its bytes.
///
/// # Errors
/// Why it is not.
pub(super) fn check(key: &ChainKey, line: &[u8], parsed: &Parsed) -> Result<(), String> {
    let (kind, wanted) = match (&key.0, parsed.hash.split_once(':')) {
        (None, Some(("hmac", _))) => {
            return Err("its hash is an HMAC, and no key was given (--hmac-key-file)".to_owned());
        }
        (Some(_), Some(("sha256", _))) => {
            return Err("its hash is not an HMAC, although a key was given".to_owned());
        }
        (_, Some(parts)) => parts,
        (_, None) => return Err("its hash is of no known kind".to_owned()),
    };
    let changed = || "it has been changed: its hash is another one".to_owned();
    let text = std::str::from_utf8(line).map_err(|_| changed())?;
    let (hashed, rest) = text.rsplit_once(BEFORE_HASH).ok_or_else(changed)?;
    // The hash must be the last field, or something could be put behind it.
    if rest != format!("{kind}:{wanted}\"}}") {
        return Err(changed());
    }
    let is_right = match &key.0 {
        None => key.hash(hashed.as_bytes()) == parsed.hash,
        Some(key) => {
            hex::decode(wanted).is_ok_and(|tag| hmac::verify(key, hashed.as_bytes(), &tag).is_ok())
        }
    };
    if is_right { Ok(()) } else { Err(changed()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_and_checked() {
        for key in [ChainKey::none(), ChainKey::hmac(&[7; 32])] {
            let body = r#"{"time":"t","event":"start","detail":"with ,\"hash\":\" in it"}"#;
            let (line, link) = make(&key, &Link::genesis(), body);
            let parsed = parse(line.as_bytes()).unwrap();
            assert_eq!((parsed.seq, parsed.prev.as_str()), (1, GENESIS));
            assert_eq!(parsed.hash, link.hash);
            check(&key, line.as_bytes(), &parsed).unwrap();
            for changed in [
                line.replace("start", "stop"),
                line.replace("none", "nine"),
                format!("{} }}", line.trim_end_matches('}')),
                line.replace("\"}", "\",\"more\":1}"),
            ] {
                if let Ok(parsed) = parse(changed.as_bytes()) {
                    check(&key, changed.as_bytes(), &parsed).unwrap_err();
                }
            }
            let other = ChainKey::hmac(&[8; 32]);
            check(&other, line.as_bytes(), &parsed).unwrap_err();
        }
    }

    /// Whatever the file holds: an answer, never a panic.
    #[test]
    fn any_bytes() {
        let key = ChainKey::none();
        let (line, _) = make(&key, &Link::genesis(), r#"{"time":"t","event":"start"}"#);
        bolero::check!()
            .with_iterations(2_000)
            .with_type::<Vec<(u16, u8)>>()
            .for_each(|edits| {
                let mut bytes = line.clone().into_bytes();
                for (position, value) in edits {
                    let position = usize::from(*position) % bytes.len();
                    bytes[position] = *value;
                }
                if let Ok(parsed) = parse(&bytes)
                    && bytes != line.as_bytes()
                {
                    check(&ChainKey::none(), &bytes, &parsed).unwrap_err();
                }
            });
    }
}
