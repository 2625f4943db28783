//! Attributes: their names as people write them, values from text, values to show.

use kmip::codec::{Field, Interval};
use kmip::registry::{AlternativeNameType, Tag};
use kmip::structures::AlternativeName;
use kmip::ttlv::{Buffer, ItemValue, Newer, Writer, check};
use kmip::{Attribute, AttributeName, AttributeValue, Attributes, Limits, Name, ProtocolVersion};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::secrecy::Secrecy;
use crate::shown::Shown;
use crate::words::{date_time, enumeration, normalized, usage};

/// The attribute with this name: `Cryptographic Length`, `CryptographicLength`, `cryptographic-length`; `x-Purpose`.
/// A name that is not in the standard is sent as it is.
pub(crate) fn name_of(text: &str) -> AttributeName {
    match AttributeName::from_1_x(text) {
        AttributeName::Named(_) => {}
        known => return known,
    }
    let wanted = normalized(text);
    Tag::all()
        .map(|info| info.tag)
        .find(|tag| {
            let name = AttributeName::Standard(*tag).to_string();
            let is_attribute = AttributeName::from_1_x(&name) == AttributeName::Standard(*tag);
            is_attribute && (normalized(&name) == wanted || normalized(&tag.to_string()) == wanted)
        })
        .map_or_else(|| AttributeName::from_1_x(text), AttributeName::Standard)
}

/// What JSON calls the attribute: the canonical name of its tag, or its name in 1.x.
pub(crate) fn json_name(name: &AttributeName) -> String {
    match name {
        AttributeName::Standard(tag) => tag.to_string(),
        other => other.to_string(),
    }
}

/// `NAME=VALUE`.
///
/// # Errors
/// What is wrong with it, without the value.
pub(crate) fn assignment(text: &str) -> Result<AttributeValue, String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("expected NAME=VALUE, such as ObjectGroup=payroll")?;
    value_of(&name_of(name.trim()), value)
}

/// The attribute with this value.
///
/// # Errors
/// As for [`assignment`].
pub(crate) fn value_of(name: &AttributeName, value: &str) -> Result<AttributeValue, String> {
    use AttributeValue as V;
    let text = || value.to_owned();
    let number = || {
        value
            .parse::<i32>()
            .map_err(|_| "expected a number".to_owned())
    };
    let seconds = || {
        value
            .parse()
            .map(Interval)
            .map_err(|_| "expected a number of seconds".to_owned())
    };
    let boolean = || match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    };
    let attribute = match name {
        AttributeName::Vendor { vendor, name } => Ok(V::Vendor {
            vendor: vendor.clone(),
            name: name.clone(),
            value: ItemValue::TextString(text()),
        }),
        AttributeName::Named(_) => {
            Err("there is no attribute of this name (those of one's own begin with x-)".to_owned())
        }
        AttributeName::Standard(tag) => match *tag {
            Tag::Name => Ok(V::Name(Name::text(value))),
            Tag::AlternativeName => Ok(V::AlternativeName(AlternativeName {
                value: text(),
                name_type: AlternativeNameType::UninterpretedTextString,
            })),
            Tag::Comment => Ok(V::Comment(text())),
            Tag::ContactInformation => Ok(V::ContactInformation(text())),
            Tag::Description => Ok(V::Description(text())),
            Tag::ObjectGroup => Ok(V::ObjectGroup(text())),
            Tag::OperationPolicyName => Ok(V::OperationPolicyName(text())),
            Tag::PKCS_12FriendlyName => Ok(V::PKCS12FriendlyName(text())),
            Tag::ActivationDate => date_time(value).map(V::ActivationDate),
            Tag::ProcessStartDate => date_time(value).map(V::ProcessStartDate),
            Tag::ProtectStopDate => date_time(value).map(V::ProtectStopDate),
            Tag::DeactivationDate => date_time(value).map(V::DeactivationDate),
            Tag::OriginalCreationDate => date_time(value).map(V::OriginalCreationDate),
            Tag::CryptographicAlgorithm => enumeration(value).map(V::CryptographicAlgorithm),
            Tag::CryptographicLength => number().map(V::CryptographicLength),
            Tag::CryptographicUsageMask => usage(value).map(V::CryptographicUsageMask),
            Tag::Extractable => boolean().map(V::Extractable),
            Tag::QuantumSafe => boolean().map(V::QuantumSafe),
            Tag::RotateAutomatic => boolean().map(V::RotateAutomatic),
            Tag::Sensitive => boolean().map(V::Sensitive),
            Tag::LeaseTime => seconds().map(V::LeaseTime),
            Tag::ProtectionPeriod => seconds().map(V::ProtectionPeriod),
            Tag::RotateInterval => seconds().map(V::RotateInterval),
            Tag::RotateOffset => seconds().map(V::RotateOffset),
            Tag::State => enumeration(value).map(V::State),
            Tag::ObjectType => enumeration(value).map(V::ObjectType),
            _ => Err("its value cannot be given as text: use strongroom kmip raw".to_owned()),
        },
    };
    attribute.map_err(|reason| format!("{}: {reason}", json_name(name)))
}

/// Attributes to show, grouped by name in the order of their first occurrence.
#[derive(Default)]
pub(crate) struct ShownAttributes(Vec<(AttributeName, Vec<Shown>)>);

impl ShownAttributes {
    pub(crate) fn new(attributes: &Attributes, secrecy: Secrecy) -> Self {
        let mut all = Self::default();
        for attribute in attributes {
            let name = attribute.value.attribute_name();
            let Some(value) = shown(attribute, secrecy) else {
                continue;
            };
            match all.0.iter_mut().find(|(other, _)| *other == name) {
                Some((_, values)) => values.push(value),
                None => all.0.push((name, vec![value])),
            }
        }
        all
    }

    /// Names and values, one value each.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (name, values) in &self.0 {
            for value in values {
                pairs.push((name.to_string(), for_people(name, value)));
            }
        }
        pairs
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A name that is just text is shown as that text; a link as what it leads to.
fn for_people(name: &AttributeName, value: &Shown) -> String {
    let AttributeName::Standard(tag) = name else {
        return value.one_line();
    };
    let Shown::Structure(fields) = value else {
        let unit = match *tag {
            Tag::CryptographicLength => " bits",
            Tag::CertificateLength => " bytes",
            Tag::LeaseTime | Tag::RotateInterval | Tag::RotateOffset | Tag::ProtectionPeriod => {
                " s"
            }
            _ => "",
        };
        return format!("{}{unit}", value.one_line());
    };
    match (*tag, fields.as_slice()) {
        (Tag::Name, [(_, text), (_, Shown::Word(kind))])
        | (Tag::AlternativeName, [(_, text), (_, Shown::Word(kind))]) => {
            if kind == "UninterpretedTextString" {
                text.one_line()
            } else {
                format!("{} ({kind})", text.one_line())
            }
        }
        (Tag::Link, [(_, kind), (_, other)]) => {
            format!("{}: {}", kind.one_line(), other.one_line())
        }
        _ => value.one_line(),
    }
}

fn shown(attribute: &Attribute, secrecy: Secrecy) -> Option<Shown> {
    // The version that has them all; nothing is left out of a message that nobody gets.
    let mut writer = Writer::new(Buffer::new(), ProtocolVersion::V2_1, Newer::Keep);
    let meaning = match &attribute.value {
        AttributeValue::Vendor { value, .. } | AttributeValue::Named { value, .. } => {
            value.write(Tag::AttributeValue, &mut writer);
            Tag::AttributeValue
        }
        AttributeValue::Tagged(item) => {
            item.write(&mut writer);
            item.tag
        }
        _ => {
            let alone = Attributes::new().with(attribute.clone());
            alone.put(Tag::Attributes, &mut writer);
            Tag::Attributes
        }
    };
    let buffer = writer.finish().ok()?;
    let limits = Limits {
        message_bytes: usize::MAX,
        items: usize::MAX,
        depth: Limits::MAX_DEPTH,
        ..Limits::DEFAULT
    };
    let element = check(buffer.as_slice(), &limits).ok()?;
    let element = match meaning {
        Tag::Attributes => element.structure().ok()?.next()?,
        _ => element,
    };
    Some(Shown::new(&element, element.tag(), secrecy))
}

impl Serialize for ShownAttributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, values) in &self.0 {
            map.serialize_entry(&json_name(name), values)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use kmip::SecretBytes;
    use kmip::registry::{CryptographicUsageMask, LinkType};
    use kmip::structures::Link;

    use super::*;

    #[test]
    fn names_by_any_spelling() {
        for text in [
            "Cryptographic Length",
            "CryptographicLength",
            "cryptographic-length",
            "cryptographic_length",
        ] {
            assert_eq!(
                name_of(text),
                AttributeName::Standard(Tag::CryptographicLength),
                "{text}"
            );
        }
        assert_eq!(
            name_of("x509certificateissuer"),
            AttributeName::Standard(Tag::X_509CertificateIssuer)
        );
        assert_eq!(name_of("x-Purpose").to_string(), "x-Purpose");
        // The name of a tag that is no attribute.
        assert_eq!(
            name_of("BatchItem"),
            AttributeName::Named("BatchItem".into())
        );
    }

    #[test]
    fn assignments() {
        for (text, expected) in [
            (
                "Name=payroll=1",
                AttributeValue::Name(Name::text("payroll=1")),
            ),
            ("object-group=a", AttributeValue::ObjectGroup("a".into())),
            (
                "Cryptographic Usage Mask=Encrypt,Decrypt",
                AttributeValue::CryptographicUsageMask(
                    CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt,
                ),
            ),
            ("sensitive=true", AttributeValue::Sensitive(true)),
            ("LeaseTime=60", AttributeValue::LeaseTime(Interval(60))),
        ] {
            assert_eq!(assignment(text), Ok(expected), "{text}");
        }
        for (text, reason) in [
            ("Name", "NAME=VALUE"),
            ("Colour=swordfish", "no attribute of this name"),
            ("Sensitive=swordfish", "true or false"),
            ("ActivationDate=swordfish", "expected a time"),
            ("Digest=swordfish", "kmip raw"),
        ] {
            let error = assignment(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(!error.contains("swordfish"), "{error}");
        }
    }

    #[test]
    fn any_assignment() {
        bolero::check!()
            .with_iterations(2_000)
            .with_type::<(u8, String)>()
            .for_each(|(n, value)| {
                let tags: Vec<Tag> = Tag::all().map(|info| info.tag).collect();
                let tag = tags[usize::from(*n) % tags.len()];
                let _ = value_of(&AttributeName::Standard(tag), value);
                let _ = assignment(value);
            });
    }

    #[test]
    fn shown_for_people_and_scripts() {
        let attributes = Attributes::new()
            .with(AttributeValue::Name(Name::text("pay\x07roll")))
            .with(AttributeValue::CryptographicLength(256))
            .with(AttributeValue::Name(Name::text("second")))
            .with(AttributeValue::OperationPolicyName("default".into()))
            .with(AttributeValue::Link(Link {
                link_type: LinkType::ReplacementObjectLink,
                linked_object_identifier: "8".into(),
            }))
            .with(Attribute::vendor("x", "Purpose", "tests"))
            .with(Attribute::vendor(
                "acme",
                "Seed",
                ItemValue::ByteString(SecretBytes::from(b"swordfish")),
            ))
            .with(AttributeValue::Named {
                name: "Odd".into(),
                value: 7.into(),
            });
        let shown = ShownAttributes::new(&attributes, Secrecy::Judged);
        let pairs = shown.pairs();
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("Name", "pay\\u{7}roll"),
                ("Name", "second"),
                ("Cryptographic Length", "256 bits"),
                ("Operation Policy Name", "default"),
                ("Link", "ReplacementObjectLink: 8"),
                ("x-Purpose", "tests"),
                ("x-acme-Seed", "(9 bytes, hidden)"),
                ("Odd", "7"),
            ]
        );
        assert_eq!(
            serde_json::to_value(&shown).unwrap(),
            serde_json::json!({
                "Name": [
                    {"NameValue": "pay\u{7}roll", "NameType": "UninterpretedTextString"},
                    {"NameValue": "second", "NameType": "UninterpretedTextString"},
                ],
                "CryptographicLength": [256],
                "OperationPolicyName": ["default"],
                "Link": [{"LinkType": "ReplacementObjectLink", "LinkedObjectIdentifier": "8"}],
                "x-Purpose": ["tests"],
                "x-acme-Seed": [{"hiddenBytes": 9}],
                "Odd": [7],
            })
        );
    }
}
