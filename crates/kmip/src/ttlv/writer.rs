//! Writing, with the version gate.

use super::{Buffer, ItemType, padded};
use crate::error::EncodeError;
use crate::registry::{Entry, Enumeration, Tag, enumeration_of, mask_of};
use crate::secret::SecretBytes;
use crate::version::ProtocolVersion;

/// What happens to something that the message's version does not have: not yet, or no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newer {
    /// The message is refused: what a client means must not change silently. For requests.
    Refuse,
    /// It is left out: a client of an older version cannot understand it. For responses.
    Omit,
    /// It is written. For translating a message as it is.
    Keep,
}

/// Writes items into a [`Buffer`], and lets nothing through that the message's version does not have.
///
/// The first error sticks and is reported by [`Writer::finish`]; nothing in between needs checking.
pub struct Writer {
    buffer: Buffer,
    version: ProtocolVersion,
    newer: Newer,
    error: Option<EncodeError>,
    lacks: Option<Tag>,
}

impl Writer {
    /// A writer for a message of `version` that reuses `buffer`, whose contents are cleared.
    #[must_use]
    pub fn new(mut buffer: Buffer, version: ProtocolVersion, newer: Newer) -> Self {
        buffer.clear();
        Self {
            buffer,
            version,
            newer,
            error: None,
            lacks: None,
        }
    }

    /// The version of the message.
    #[must_use]
    pub const fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// The finished message.
    ///
    /// # Errors
    /// The first thing that could not be written.
    pub fn finish(self) -> Result<Buffer, EncodeError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.buffer),
        }
    }

    /// Notes an error; the first one stays.
    pub fn fail(&mut self, error: EncodeError) {
        self.error.get_or_insert(error);
    }

    /// Whether something that exists since `since` may be written. Notes the error when it must not be left out.
    pub fn admits(&mut self, since: ProtocolVersion, what: impl FnOnce() -> String) -> bool {
        if self.version.at_least(since) || self.newer == Newer::Keep {
            return true;
        }
        if self.newer == Newer::Refuse {
            let version = self.version;
            self.fail(EncodeError::TooNew {
                what: what(),
                since,
                version,
            });
        }
        false
    }

    /// Whether something whose last version is `until` may be written. Notes the error when it must not be left out.
    pub fn admits_until(&mut self, until: ProtocolVersion, what: impl FnOnce() -> String) -> bool {
        if until.at_least(self.version) || self.newer == Newer::Keep {
            return true;
        }
        if self.newer == Newer::Refuse {
            let version = self.version;
            self.fail(EncodeError::Gone {
                what: what(),
                until,
                version,
            });
        }
        false
    }

    /// Whether something of the registry may be written.
    #[inline]
    pub(crate) fn admits_span(
        &mut self,
        since: Option<ProtocolVersion>,
        until: Option<ProtocolVersion>,
        what: impl FnOnce() -> String,
    ) -> bool {
        match (since, until) {
            (Some(since), _) if !self.version.at_least(since) => self.admits(since, what),
            (_, Some(until)) if !until.at_least(self.version) => self.admits_until(until, what),
            _ => true,
        }
    }

    #[inline]
    fn admits_tag(&mut self, tag: Tag) -> bool {
        tag.info()
            .is_none_or(|info| self.admits_span(Some(info.since), info.until, || tag.to_string()))
    }

    #[inline]
    fn header(tag: Tag, item_type: ItemType, length: u32) -> [u8; 8] {
        let [_, t0, t1, t2] = tag.0.to_be_bytes();
        let [l0, l1, l2, l3] = length.to_be_bytes();
        [t0, t1, t2, item_type.code(), l0, l1, l2, l3]
    }

    #[inline]
    fn fixed(&mut self, tag: Tag, item_type: ItemType, length: u32, value: [u8; 8]) {
        if self.admits_tag(tag) {
            let mut item = [0; 16];
            let (head, body) = item.split_at_mut(8);
            head.copy_from_slice(&Self::header(tag, item_type, length));
            body.copy_from_slice(&value);
            self.buffer.extend(&item);
        }
    }

    #[inline]
    fn four(&mut self, tag: Tag, item_type: ItemType, [a, b, c, d]: [u8; 4]) {
        self.fixed(tag, item_type, 4, [a, b, c, d, 0, 0, 0, 0]);
    }

    fn variable(&mut self, tag: Tag, item_type: ItemType, value: &[u8]) {
        if !self.admits_tag(tag) {
            return;
        }
        let Ok(length) = u32::try_from(value.len()) else {
            self.fail(EncodeError::TooLong { tag });
            return;
        };
        self.buffer.extend(&Self::header(tag, item_type, length));
        self.buffer.extend(value);
        if let Some(padding) = [0_u8; 7].get(..padded(value.len()) - value.len()) {
            self.buffer.extend(padding);
        }
    }

    /// Writes a Structure whose items `fill` writes.
    pub fn structure(&mut self, tag: Tag, fill: impl FnOnce(&mut Self)) {
        if !self.admits_tag(tag) {
            return;
        }
        let start = self.open(tag);
        fill(self);
        self.close(tag, start);
    }

    /// Begins a Structure; what it returns is for [`Writer::close`].
    pub(crate) fn open(&mut self, tag: Tag) -> usize {
        self.buffer
            .extend(&Self::header(tag, ItemType::Structure, 0));
        self.buffer.len()
    }

    /// Ends the Structure that began at `start`.
    pub(crate) fn close(&mut self, tag: Tag, start: usize) {
        match u32::try_from(self.buffer.len() - start) {
            Ok(length) => self.buffer.patch(start - 4, length.to_be_bytes()),
            Err(_) => self.fail(EncodeError::TooLong { tag }),
        }
    }

    /// Has the buffer wiped: what is in it has no type that would say whether it is a secret.
    pub(crate) fn mark_secret(&mut self) {
        self.buffer.mark_secret();
    }

    /// Takes back everything written after the buffer had `length` bytes.
    pub(crate) fn rewind(&mut self, length: usize) {
        self.buffer.truncate(length);
    }

    /// Runs `write` for a field that must be there. If it was left out, what it belongs to cannot be written: that is for
    /// whoever may leave that out.
    #[inline]
    pub(crate) fn required(&mut self, tag: Tag, write: impl FnOnce(&mut Self)) {
        let before = self.buffer.len();
        write(self);
        if self.buffer.len() == before && self.newer == Newer::Omit {
            self.lacks.get_or_insert(tag);
        }
    }

    /// Runs `write` for something that may be left out, and takes it back if it lacks a field that must be there.
    #[inline]
    pub(crate) fn optional(&mut self, write: impl FnOnce(&mut Self)) {
        let (before, lacks) = (self.buffer.len(), self.lacks.take());
        write(self);
        if self.lacks.is_some() {
            self.buffer.truncate(before);
        }
        self.lacks = lacks;
    }

    /// Runs `write` for something that must be whole: a payload.
    pub(crate) fn whole(&mut self, write: impl FnOnce(&mut Self)) {
        write(self);
        if let Some(tag) = self.lacks.take() {
            let version = self.version;
            self.fail(EncodeError::Inexpressible { tag, version });
        }
    }

    /// How much is written.
    pub(crate) fn written(&self) -> usize {
        self.buffer.len()
    }

    /// Gives the Integer that was written last another value.
    pub(crate) fn overwrite_last(&mut self, value: i32) {
        if let Some(position) = self.buffer.len().checked_sub(8) {
            self.buffer.patch(position, value.to_be_bytes());
        }
    }

    /// Writes an Integer.
    pub fn integer(&mut self, tag: Tag, value: i32) {
        self.four(tag, ItemType::Integer, value.to_be_bytes());
    }

    /// Writes a mask. Bits that the version does not have are taken out where the rest may be written.
    pub fn mask(&mut self, tag: Tag, bits: u32, entries: &'static [Entry]) {
        let mut allowed = bits;
        for entry in entries.iter().filter(|entry| bits & entry.code != 0) {
            let what = || format!("{tag} {}", entry.name);
            if !self.admits_span(Some(entry.since), entry.until, what) {
                allowed &= !entry.code;
            }
        }
        self.four(tag, ItemType::Integer, allowed.to_be_bytes());
    }

    /// Writes a Long Integer.
    pub fn long_integer(&mut self, tag: Tag, value: i64) {
        self.fixed(tag, ItemType::LongInteger, 8, value.to_be_bytes());
    }

    /// Writes a Big Integer: two's complement, big endian; sign-extended to a multiple of 8 bytes.
    pub fn big_integer(&mut self, tag: Tag, value: &[u8]) {
        let fill = if value.first().is_some_and(|byte| byte & 0x80 != 0) {
            0xFF
        } else {
            0
        };
        let missing = padded(value.len().max(1)) - value.len();
        if missing == 0 {
            self.variable(tag, ItemType::BigInteger, value);
        } else if self.admits_tag(tag) {
            let Ok(length) = u32::try_from(value.len() + missing) else {
                self.fail(EncodeError::TooLong { tag });
                return;
            };
            self.buffer
                .extend(&Self::header(tag, ItemType::BigInteger, length));
            if let Some(sign) = [fill; 8].get(..missing) {
                self.buffer.extend(sign);
            }
            self.buffer.extend(value);
        }
    }

    /// Writes an Enumeration whose value the version has.
    pub fn enumeration<E: Enumeration>(&mut self, tag: Tag, value: E) {
        let what = || format!("{} {}", E::NAME, value.name().unwrap_or_default());
        if self.admits_span(value.since(), value.until(), what) {
            self.enumeration_code(tag, value.code());
        }
    }

    /// Writes an Enumeration by its code.
    pub fn enumeration_code(&mut self, tag: Tag, code: u32) {
        self.four(tag, ItemType::Enumeration, code.to_be_bytes());
    }

    /// Writes an Enumeration by its code, whose meaning the tag gives.
    pub(crate) fn enumeration_of(&mut self, tag: Tag, code: u32) {
        if self.newer != Newer::Keep {
            let what = |name: &str| format!("{tag} {name}");
            let admitted = if matches!(tag, Tag::AttributeReference | Tag::Tag) {
                let meant = Tag(code);
                self.admits_span(meant.since(), meant.until(), || what(&meant.to_string()))
            } else {
                enumeration_of(tag)
                    .and_then(|table| table.entries.iter().find(|entry| entry.code == code))
                    .is_none_or(|entry| {
                        self.admits_span(Some(entry.since), entry.until, || what(entry.name))
                    })
            };
            if !admitted {
                return;
            }
        }
        self.enumeration_code(tag, code);
    }

    /// Writes an Integer that may be a mask: the tag says so.
    pub(crate) fn integer_of(&mut self, tag: Tag, value: i32) {
        match mask_of(tag) {
            Some(mask) if self.newer != Newer::Keep => self.mask(tag, value as u32, mask.entries),
            _ => self.integer(tag, value),
        }
    }

    /// Writes a Boolean.
    pub fn boolean(&mut self, tag: Tag, value: bool) {
        self.fixed(tag, ItemType::Boolean, 8, u64::from(value).to_be_bytes());
    }

    /// Writes a Text String.
    pub fn text(&mut self, tag: Tag, value: &str) {
        self.variable(tag, ItemType::TextString, value.as_bytes());
    }

    /// Writes a Byte String.
    pub fn bytes(&mut self, tag: Tag, value: &[u8]) {
        self.variable(tag, ItemType::ByteString, value);
    }

    /// Writes a Byte String and has the buffer wiped.
    pub fn secret_bytes(&mut self, tag: Tag, value: &SecretBytes) {
        self.buffer.mark_secret();
        self.variable(tag, ItemType::ByteString, value.expose());
    }

    /// Writes a Big Integer and has the buffer wiped.
    pub fn secret_big_integer(&mut self, tag: Tag, value: &SecretBytes) {
        self.buffer.mark_secret();
        self.big_integer(tag, value.expose());
    }

    /// Writes a Text String and has the buffer wiped.
    pub fn secret_text(&mut self, tag: Tag, value: &str) {
        self.buffer.mark_secret();
        self.text(tag, value);
    }

    /// Writes a Date-Time: seconds since 1970.
    pub fn date_time(&mut self, tag: Tag, seconds: i64) {
        self.fixed(tag, ItemType::DateTime, 8, seconds.to_be_bytes());
    }

    /// Writes an Interval: seconds.
    pub fn interval(&mut self, tag: Tag, seconds: u32) {
        self.four(tag, ItemType::Interval, seconds.to_be_bytes());
    }

    /// Writes a Date-Time Extended: microseconds since 1970. Of 2.0.
    pub fn date_time_extended(&mut self, tag: Tag, microseconds: i64) {
        if self.admits(ProtocolVersion::V2_0, || {
            format!("{tag} as DateTimeExtended")
        }) {
            self.fixed(
                tag,
                ItemType::DateTimeExtended,
                8,
                microseconds.to_be_bytes(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{CryptographicUsageMask, ObjectType, Operation};

    fn written(
        version: ProtocolVersion,
        newer: Newer,
        fill: impl FnOnce(&mut Writer),
    ) -> Result<Vec<u8>, EncodeError> {
        let mut writer = Writer::new(Buffer::new(), version, newer);
        fill(&mut writer);
        writer.finish().map(|buffer| buffer.as_slice().to_vec())
    }

    /// The examples of KMIP 1.4, section 9.1.2.
    #[test]
    fn the_specifications_examples() {
        let tag = Tag(0x42_0020);
        let check = |fill: fn(&mut Writer, Tag), hexed: &str| {
            let got = written(ProtocolVersion::V1_4, Newer::Refuse, |w| fill(w, tag)).unwrap();
            assert_eq!(
                hex::encode(got),
                hexed.replace([' ', '|'], "").to_lowercase()
            );
        };
        check(
            |w, t| w.integer(t, 8),
            "42 00 20 | 02 | 00 00 00 04 | 00 00 00 08 00 00 00 00",
        );
        check(
            |w, t| w.long_integer(t, 123_456_789_000_000_000),
            "420020 | 03 | 00000008 | 01B69B4BA5749200",
        );
        check(
            |w, t| {
                let value = hex::decode("03FD35EB6BC2DF4618080000").unwrap();
                w.big_integer(t, &value);
            },
            "420020 | 04 | 00000010 | 0000000003FD35EB6BC2DF4618080000",
        );
        check(
            |w, t| w.enumeration_code(t, 255),
            "420020 | 05 | 00000004 | 000000FF00000000",
        );
        check(
            |w, t| w.boolean(t, true),
            "420020 | 06 | 00000008 | 0000000000000001",
        );
        check(
            |w, t| w.text(t, "Hello World"),
            "420020 | 07 | 0000000B | 48656C6C6F20576F726C640000000000",
        );
        check(
            |w, t| w.bytes(t, &[1, 2, 3]),
            "420020 | 08 | 00000003 | 0102030000000000",
        );
        check(
            |w, t| w.date_time(t, 0x47DA_67F8),
            "420020 | 09 | 00000008 | 0000000047DA67F8",
        );
        check(
            |w, t| w.interval(t, 864_000),
            "420020 | 0A | 00000004 | 000D2F0000000000",
        );
        check(
            |w, t| {
                w.structure(t, |w| {
                    w.enumeration_code(Tag(0x42_0004), 254);
                    w.integer(Tag(0x42_0005), 255);
                });
            },
            "420020 | 01 | 00000020 | 420004 | 05 | 00000004 | 000000FE00000000 | 420005 | 02 | 00000004 | \
             000000FF00000000",
        );
    }

    #[test]
    fn big_integers_are_extended_by_their_sign() {
        let negative = written(ProtocolVersion::V1_0, Newer::Refuse, |w| {
            w.big_integer(Tag::Q, &[0x80])
        })
        .unwrap();
        assert_eq!(
            &negative[8..],
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x80]
        );
        let zero = written(ProtocolVersion::V1_0, Newer::Refuse, |w| {
            w.big_integer(Tag::Q, &[])
        })
        .unwrap();
        assert_eq!(&zero[8..], [0; 8]);
    }

    #[test]
    fn what_a_version_does_not_have_is_refused_or_left_out() {
        let fill = |w: &mut Writer| w.boolean(Tag::Sensitive, true);
        assert_eq!(
            written(ProtocolVersion::V1_3, Newer::Refuse, fill),
            Err(EncodeError::TooNew {
                what: "Sensitive".into(),
                since: ProtocolVersion::V1_4,
                version: ProtocolVersion::V1_3
            })
        );
        assert_eq!(
            written(ProtocolVersion::V1_3, Newer::Omit, fill),
            Ok(vec![])
        );
        assert_eq!(
            written(ProtocolVersion::V1_4, Newer::Refuse, fill)
                .unwrap()
                .len(),
            16
        );

        let fill = |w: &mut Writer| w.text(Tag::OperationPolicyName, "public");
        assert_eq!(
            written(ProtocolVersion::V2_0, Newer::Refuse, fill),
            Err(EncodeError::Gone {
                what: "OperationPolicyName".into(),
                until: ProtocolVersion::V1_4,
                version: ProtocolVersion::V2_0
            })
        );
        assert_eq!(
            written(ProtocolVersion::V2_0, Newer::Omit, fill),
            Ok(vec![])
        );
        assert!(written(ProtocolVersion::V1_4, Newer::Refuse, fill).is_ok());
        assert!(written(ProtocolVersion::V2_0, Newer::Keep, fill).is_ok());

        let fill = |w: &mut Writer| w.enumeration(Tag::ObjectType, ObjectType::Template);
        assert!(written(ProtocolVersion::V1_4, Newer::Refuse, fill).is_ok());
        assert!(written(ProtocolVersion::V2_1, Newer::Refuse, fill).is_err());
        assert_eq!(
            written(ProtocolVersion::V2_1, Newer::Omit, fill),
            Ok(vec![])
        );

        let fill = |w: &mut Writer| w.enumeration(Tag::Operation, Operation::Import);
        assert!(written(ProtocolVersion::V1_3, Newer::Refuse, fill).is_err());
        assert_eq!(
            written(ProtocolVersion::V1_3, Newer::Omit, fill),
            Ok(vec![])
        );

        let mask = CryptographicUsageMask::Encrypt | CryptographicUsageMask::Unrestricted;
        let fill = |w: &mut Writer| {
            w.mask(
                Tag::CryptographicUsageMask,
                mask.0,
                CryptographicUsageMask::ENTRIES,
            )
        };
        assert!(written(ProtocolVersion::V1_4, Newer::Refuse, fill).is_err());
        assert_eq!(
            written(ProtocolVersion::V1_4, Newer::Omit, fill).unwrap()[8..12],
            [0, 0, 0, 4]
        );

        let mask = CryptographicUsageMask::Encrypt | CryptographicUsageMask::TranslateWrap;
        let fill = |w: &mut Writer| {
            w.mask(
                Tag::CryptographicUsageMask,
                mask.0,
                CryptographicUsageMask::ENTRIES,
            )
        };
        assert!(written(ProtocolVersion::V1_4, Newer::Refuse, fill).is_ok());
        assert!(written(ProtocolVersion::V2_0, Newer::Refuse, fill).is_err());
        assert_eq!(
            written(ProtocolVersion::V2_0, Newer::Omit, fill).unwrap()[8..12],
            [0, 0, 0, 4]
        );
    }
}
