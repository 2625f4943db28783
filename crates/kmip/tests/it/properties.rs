//! Properties of the encodings over arbitrary trees.

use kmip::registry::Tag;
use kmip::ttlv::{Buffer, Item, ItemValue, Newer, Writer, check};
use kmip::{Limits, ProtocolVersion, SecretBytes, text};
use proptest::prelude::*;

fn tag() -> impl Strategy<Value = Tag> {
    prop_oneof![
        Just(Tag::NameValue),
        Just(Tag::AttributeValue),
        Just(Tag::CryptographicUsageMask),
        Just(Tag::State),
        Just(Tag::AttributeReference),
        (0x54_0000_u32..=0x54_FFFF).prop_map(Tag),
        (0x42_0001_u32..=0x42_0200).prop_map(Tag),
    ]
}

fn leaf() -> impl Strategy<Value = ItemValue> {
    prop_oneof![
        any::<i32>().prop_map(ItemValue::Integer),
        any::<i64>().prop_map(ItemValue::LongInteger),
        prop::collection::vec(any::<[u8; 8]>(), 1..5)
            .prop_map(|words| ItemValue::BigInteger(SecretBytes::new(words.concat()))),
        prop_oneof![any::<u32>(), 0..0x30_u32, 0x42_0000..0x42_0180_u32]
            .prop_map(ItemValue::Enumeration),
        any::<bool>().prop_map(ItemValue::Boolean),
        "[ -~\n\t\r<>&\"éß\u{1F511}]{0,20}".prop_map(ItemValue::TextString),
        Just(ItemValue::TextString("Cryptographic Usage Mask".into())),
        prop::collection::vec(any::<u8>(), 0..40)
            .prop_map(|bytes| ItemValue::ByteString(bytes.into())),
        any::<i64>().prop_map(ItemValue::DateTime),
        (-100_000_000_000_i64..300_000_000_000).prop_map(ItemValue::DateTime),
        any::<u32>().prop_map(ItemValue::Interval),
        any::<i64>().prop_map(ItemValue::DateTimeExtended),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let leaf = (tag(), leaf()).prop_map(|(tag, value)| Item::new(tag, value));
    leaf.prop_recursive(6, 60, 8, |inner| {
        (tag(), prop::collection::vec(inner, 0..8))
            .prop_map(|(tag, items)| Item::new(tag, ItemValue::Structure(items)))
    })
}

fn write(item: &Item) -> Buffer {
    let mut writer = Writer::new(Buffer::new(), ProtocolVersion::V2_1, Newer::Keep);
    item.write(&mut writer);
    writer.finish().expect("fits")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_tree_survives_every_encoding(item in item()) {
        let limits = Limits::DEFAULT;
        let ttlv = write(&item);
        let element = check(ttlv.as_slice(), &limits).unwrap();
        prop_assert_eq!(&Item::from_element(&element).unwrap(), &item);

        let xml = text::xml::from_ttlv(&element).unwrap();
        let from_xml = text::xml::to_ttlv(&xml, &limits).unwrap();
        prop_assert_eq!(from_xml.as_slice(), ttlv.as_slice(), "{}", xml);

        let json = text::json::from_ttlv(&element).unwrap();
        let from_json = text::json::to_ttlv(&json, &limits).unwrap();
        prop_assert_eq!(from_json.as_slice(), ttlv.as_slice(), "{}", json);
    }

    /// Cutting a message short never passes, wherever it is cut.
    #[test]
    fn no_part_of_a_message_is_a_message(item in item(), cut in any::<prop::sample::Index>()) {
        let ttlv = write(&item);
        let part = &ttlv.as_slice()[..cut.index(ttlv.len())];
        prop_assert!(check(part, &Limits::DEFAULT).is_err());
    }
}
