//! Values from words: enumerations by their KMIP names, masks, times.

use kmip::DateTime;
use kmip::registry::{CryptographicUsageMask, Enumeration};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How many possible values a message lists.
const LISTED: usize = 40;

/// `Pre-Active`, `pre_active` and `PreActive` are the same word.
pub(crate) fn normalized(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The value with this canonical name, however it is capitalised and hyphenated; or a number, `0x80000001`.
///
/// # Errors
/// The names there are.
pub(crate) fn enumeration<E: Enumeration>(text: &str) -> Result<E, String> {
    if let Some(code) = text
        .strip_prefix("0x")
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
    {
        return Ok(E::from_code(code));
    }
    let wanted = normalized(text);
    E::ENTRIES
        .iter()
        .find(|entry| normalized(entry.name) == wanted)
        .map(|entry| E::from_code(entry.code))
        .ok_or_else(|| {
            let names: Vec<&str> = E::ENTRIES
                .iter()
                .take(LISTED)
                .map(|entry| entry.name)
                .collect();
            let more = if E::ENTRIES.len() > LISTED {
                ", …"
            } else {
                ""
            };
            format!(
                "not a {}: expected {}{more} or a number as 0x80000001",
                E::NAME,
                names.join(", ")
            )
        })
}

/// The bits of a usage mask, separated by commas, blanks or bars.
///
/// # Errors
/// The names there are.
pub(crate) fn usage(text: &str) -> Result<CryptographicUsageMask, String> {
    let mut mask = CryptographicUsageMask::default();
    let words = text.split([',', '|', ' ']).filter(|word| !word.is_empty());
    for word in words {
        let entry = CryptographicUsageMask::ENTRIES
            .iter()
            .find(|entry| normalized(entry.name) == normalized(word));
        match entry {
            Some(entry) => mask |= CryptographicUsageMask(entry.code),
            None => {
                let names: Vec<&str> = CryptographicUsageMask::ENTRIES
                    .iter()
                    .map(|entry| entry.name)
                    .collect();
                return Err(format!(
                    "not a bit of the CryptographicUsageMask: expected some of {}",
                    names.join(",")
                ));
            }
        }
    }
    if mask.is_empty() {
        return Err("a usage mask has at least one bit".to_owned());
    }
    Ok(mask)
}

/// A time: `2026-11-23T18:00:00Z`, `@` and seconds since 1970, or `now`.
///
/// # Errors
/// These three forms.
pub(crate) fn date_time(text: &str) -> Result<DateTime, String> {
    let seconds = match text.strip_prefix('@') {
        _ if text == "now" => Some(OffsetDateTime::now_utc().unix_timestamp()),
        Some(seconds) => seconds.parse().ok(),
        None => OffsetDateTime::parse(text, &Rfc3339)
            .ok()
            .map(OffsetDateTime::unix_timestamp),
    };
    seconds
        .map(DateTime)
        .ok_or_else(|| "expected a time as 2026-11-23T18:00:00Z, @seconds or now".to_owned())
}

#[cfg(test)]
mod tests {
    use kmip::registry::{ObjectType, State};

    use super::*;

    #[test]
    fn enumerations_by_any_spelling() {
        for text in ["PreActive", "pre-active", "Pre-Active", "PRE_ACTIVE", "0x1"] {
            assert_eq!(enumeration(text), Ok(State::PreActive), "{text}");
        }
        assert_eq!(enumeration("symmetric key"), Ok(ObjectType::SymmetricKey));
        assert_eq!(enumeration("0x80000001"), Ok(State::Other(0x8000_0001)));
        let error = enumeration::<State>("Broken").unwrap_err();
        assert!(error.contains("PreActive, Active"), "{error}");
    }

    #[test]
    fn masks_and_times() {
        let both = CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt;
        for text in ["Encrypt,Decrypt", "encrypt | decrypt", "Decrypt Encrypt"] {
            assert_eq!(usage(text), Ok(both), "{text}");
        }
        assert!(usage("").is_err());
        assert!(usage("Encrypt,Paint").unwrap_err().contains("WrapKey"));
        assert_eq!(date_time("1970-01-01T00:01:00Z"), Ok(DateTime(60)));
        assert_eq!(date_time("@-5"), Ok(DateTime(-5)));
        assert!(date_time("now").unwrap().0 > 1_700_000_000);
        assert!(date_time("yesterday").is_err());
    }
}
