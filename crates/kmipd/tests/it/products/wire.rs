//! Requests written out as they are on the wire, and answers read item by item: nothing here knows what the server's
//! own message types make of them. Each answer is held against the version that it is in.

use kmip::registry::{ResultReason, ResultStatus, Tag};
use kmip::text::xml;
use kmip::ttlv::{self, Item, ItemValue};
use kmip::{Limits, ProtocolVersion};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::rig::{Rig, Running};

/// The last tag of each version: they were given out in order (the tables of tags in the specifications).
const LAST_TAG: &[((i32, i32), u32)] = &[
    ((1, 0), 0x42_00A1),
    ((1, 1), 0x42_00B7),
    ((1, 2), 0x42_00D3),
    ((1, 3), 0x42_00F7),
    ((1, 4), 0x42_0124),
    ((2, 0), 0x42_0165),
    ((2, 1), 0x42_0176),
];

/// The names of the attributes, by the version that brought them (the tables of attributes in the specifications).
const ATTRIBUTES: &[((i32, i32), &[&str])] = &[
    (
        (1, 0),
        &[
            "Unique Identifier",
            "Name",
            "Object Type",
            "Cryptographic Algorithm",
            "Cryptographic Length",
            "Cryptographic Parameters",
            "Cryptographic Domain Parameters",
            "Certificate Type",
            "Certificate Identifier",
            "Certificate Subject",
            "Certificate Issuer",
            "Digest",
            "Operation Policy Name",
            "Cryptographic Usage Mask",
            "Lease Time",
            "Usage Limits",
            "State",
            "Initial Date",
            "Activation Date",
            "Process Start Date",
            "Protect Stop Date",
            "Deactivation Date",
            "Destroy Date",
            "Compromise Occurrence Date",
            "Compromise Date",
            "Revocation Reason",
            "Archive Date",
            "Object Group",
            "Link",
            "Application Specific Information",
            "Contact Information",
            "Last Change Date",
        ],
    ),
    (
        (1, 1),
        &[
            "Certificate Length",
            "X.509 Certificate Identifier",
            "X.509 Certificate Subject",
            "X.509 Certificate Issuer",
            "Digital Signature Algorithm",
            "Fresh",
        ],
    ),
    (
        (1, 2),
        &[
            "Alternative Name",
            "Key Value Present",
            "Key Value Location",
            "Original Creation Date",
        ],
    ),
    ((1, 3), &["Random Number Generator"]),
    (
        (1, 4),
        &[
            "PKCS#12 Friendly Name",
            "Description",
            "Comment",
            "Sensitive",
            "Always Sensitive",
            "Extractable",
            "Never Extractable",
        ],
    ),
];

/// A Text String.
pub(super) fn text(tag: &str, value: &str) -> String {
    format!("<{tag} type=\"TextString\" value=\"{value}\"/>")
}

/// An Integer, or a mask by its bits' names.
pub(super) fn integer(tag: &str, value: impl std::fmt::Display) -> String {
    format!("<{tag} type=\"Integer\" value=\"{value}\"/>")
}

/// An Enumeration.
pub(super) fn enumeration(tag: &str, value: &str) -> String {
    format!("<{tag} type=\"Enumeration\" value=\"{value}\"/>")
}

/// A Byte String.
pub(super) fn bytes(tag: &str, value: &[u8]) -> String {
    let value = hex::encode(value);
    format!("<{tag} type=\"ByteString\" value=\"{value}\"/>")
}

/// A Date-Time, in seconds since 1970.
pub(super) fn date(tag: &str, seconds: i64) -> String {
    format!("<{tag} type=\"DateTime\" value=\"0x{seconds:016x}\"/>")
}

/// A Structure.
pub(super) fn structure(tag: &str, items: &[String]) -> String {
    format!("<{tag}>{}</{tag}>", items.concat())
}

/// An attribute of 1.x; the value has the tag `AttributeValue`.
pub(super) fn attribute(name: &str, value: String) -> String {
    structure("Attribute", &[text("AttributeName", name), value])
}

/// The attributes that every product says of an AES key of 256 bits, in 1.x.
pub(super) fn aes256() -> Vec<String> {
    vec![
        attribute(
            "Cryptographic Algorithm",
            enumeration("AttributeValue", "AES"),
        ),
        attribute("Cryptographic Length", integer("AttributeValue", 256)),
        attribute(
            "Cryptographic Usage Mask",
            integer("AttributeValue", "Encrypt Decrypt"),
        ),
    ]
}

/// A Name of 1.x.
pub(super) fn name(value: &str) -> String {
    let items = [
        text("NameValue", value),
        enumeration("NameType", "UninterpretedTextString"),
    ];
    attribute("Name", structure("AttributeValue", &items))
}

/// A custom attribute that is a text, or any other in 1.x that is.
pub(super) fn text_attribute(name: &str, value: &str) -> String {
    attribute(name, text("AttributeValue", value))
}

/// A plain symmetric key of AES, raw.
pub(super) fn symmetric_key(material: &[u8]) -> String {
    let block = [
        enumeration("KeyFormatType", "Raw"),
        structure("KeyValue", &[bytes("KeyMaterial", material)]),
        enumeration("CryptographicAlgorithm", "AES"),
        integer("CryptographicLength", material.len() * 8),
    ];
    structure("SymmetricKey", &[structure("KeyBlock", &block)])
}

/// An object by its identifier.
pub(super) fn object(id: &str) -> String {
    text("UniqueIdentifier", id)
}

/// A Revoke's payload.
pub(super) fn revocation(id: &str, code: &str) -> String {
    let reason = structure(
        "RevocationReason",
        &[enumeration("RevocationReasonCode", code)],
    );
    object(id) + &reason
}

/// A product's connection.
pub(super) struct Product {
    stream: TlsStream<TcpStream>,
    version: ProtocolVersion,
    /// What its headers have between Protocol Version and Batch Count.
    header: String,
}

impl Product {
    pub(super) async fn connect(
        rig: &Rig,
        server: &Running,
        client: &str,
        version: (i32, i32),
    ) -> Self {
        Self {
            stream: rig.raw(server, client).await,
            version: ProtocolVersion::new(version.0, version.1),
            header: String::new(),
        }
    }

    pub(super) fn with_header(mut self, header: String) -> Self {
        self.header = header;
        self
    }

    /// One operation, whatever comes of it.
    pub(super) async fn ask(&mut self, operation: &str, payload: &str) -> Answer {
        let mut answers = self.batch(&[(operation, payload)]).await;
        assert_eq!(answers.len(), 1);
        answers.remove(0)
    }

    /// One operation that succeeds.
    pub(super) async fn does(&mut self, operation: &str, payload: &str) -> Answer {
        let answer = self.ask(operation, payload).await;
        assert_eq!(answer.reason, None, "{operation}: {answer:?}");
        assert_eq!(answer.status, ResultStatus::Success, "{operation}");
        answer
    }

    /// One operation that is refused, with that reason.
    pub(super) async fn refused(
        &mut self,
        operation: &str,
        payload: &str,
        reason: ResultReason,
    ) -> Answer {
        let answer = self.ask(operation, payload).await;
        assert_eq!(
            answer.status,
            ResultStatus::OperationFailed,
            "{operation}: {answer:?}"
        );
        assert_eq!(answer.reason, Some(reason), "{operation}: {answer:?}");
        assert!(answer.payload.is_empty(), "{operation}: {answer:?}");
        answer
    }

    /// Several operations in one message. A single one has no Unique Batch Item ID, as most products have it.
    pub(super) async fn batch(&mut self, operations: &[(&str, &str)]) -> Vec<Answer> {
        let items: String = operations
            .iter()
            .enumerate()
            .map(|(place, (operation, payload))| {
                let mut item = vec![enumeration("Operation", operation)];
                if operations.len() > 1 {
                    item.push(bytes("UniqueBatchItemID", &batch_item_id(place)));
                }
                item.push(format!("<RequestPayload>{payload}</RequestPayload>"));
                structure("BatchItem", &item)
            })
            .collect();
        let message = self.send(&items, operations.len()).await;
        self.read(&message, operations.len() > 1)
    }

    async fn send(&mut self, items: &str, count: usize) -> Item {
        let version = structure(
            "ProtocolVersion",
            &[
                integer("ProtocolVersionMajor", self.version.major),
                integer("ProtocolVersionMinor", self.version.minor),
            ],
        );
        let header = structure(
            "RequestHeader",
            &[version, self.header.clone(), integer("BatchCount", count)],
        );
        let request = format!("<RequestMessage>{header}{items}</RequestMessage>");
        let request = xml::to_ttlv(&request, &Limits::DEFAULT)
            .unwrap_or_else(|error| panic!("{error}: {request}"));
        self.stream.write_all(request.as_slice()).await.unwrap();
        self.stream.flush().await.unwrap();
        let mut header = [0; 8];
        self.stream.read_exact(&mut header).await.unwrap();
        let total = ttlv::message_bytes(header, &Limits::DEFAULT).unwrap();
        let mut message = header.to_vec();
        message.resize(total, 0);
        self.stream.read_exact(&mut message[8..]).await.unwrap();
        Item::from_element(&ttlv::check(&message, &Limits::DEFAULT).unwrap()).unwrap()
    }

    fn read(&self, message: &Item, has_ids: bool) -> Vec<Answer> {
        assert_eq!(message.tag, Tag::ResponseMessage);
        self.check_header(message);
        self.check_age(message);
        children(message)
            .iter()
            .skip(1)
            .enumerate()
            .map(|(place, item)| {
                let answer = Answer::new(item);
                let id = find(item, &[Tag::UniqueBatchItemID]);
                let expected = has_ids.then(|| ItemValue::ByteString(batch_item_id(place).into()));
                assert_eq!(id.map(|id| id.value.clone()), expected);
                answer
            })
            .collect()
    }

    /// The header has what its version has, and nothing else: strict clients read it item by item.
    fn check_header(&self, message: &Item) {
        let header = &children(message)[0];
        assert_eq!(
            shape(header),
            "ResponseHeader(ProtocolVersion(ProtocolVersionMajor ProtocolVersionMinor) TimeStamp BatchCount)"
        );
        for (tag, expected) in [
            (Tag::ProtocolVersionMajor, self.version.major),
            (Tag::ProtocolVersionMinor, self.version.minor),
        ] {
            let number = find(header, &[Tag::ProtocolVersion, tag]).unwrap();
            assert_eq!(number.value, ItemValue::Integer(expected));
        }
        let ItemValue::DateTime(time) = find(header, &[Tag::TimeStamp]).unwrap().value else {
            panic!("the time stamp is no time");
        };
        let now = OffsetDateTime::now_utc().unix_timestamp();
        assert!((now - 300..=now + 1).contains(&time), "{time} at {now}");
        let count = find(header, &[Tag::BatchCount]).unwrap();
        let items = i32::try_from(children(message).len() - 1).unwrap();
        assert_eq!(count.value, ItemValue::Integer(items));
    }

    /// Nothing in the answer is newer than its version.
    fn check_age(&self, message: &Item) {
        let version = (self.version.major, self.version.minor);
        let last = LAST_TAG.iter().find(|(of, _)| *of == version).unwrap().1;
        visit(message, &mut |item| {
            assert!(item.tag.0 <= last, "{} in {version:?}", item.tag);
            if let (Tag::AttributeName, ItemValue::TextString(name)) = (item.tag, &item.value) {
                let is_custom = name.starts_with("x-") || name.starts_with("y-");
                let is_known = ATTRIBUTES
                    .iter()
                    .filter(|(since, _)| *since <= version)
                    .any(|(_, names)| names.contains(&name.as_str()));
                assert!(is_custom || is_known, "{name} in {version:?}");
            }
        });
    }
}

fn batch_item_id(place: usize) -> Vec<u8> {
    vec![0xB0, u8::try_from(place).unwrap()]
}

/// The answer to one operation.
pub(super) struct Answer {
    pub(super) status: ResultStatus,
    pub(super) reason: Option<ResultReason>,
    message: Option<String>,
    pub(super) payload: Vec<Item>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?} {:?}", self.status, self.reason, self.message)
    }
}

impl Answer {
    fn new(item: &Item) -> Self {
        use kmip::registry::Enumeration;
        // In the order of the specification: strict clients know no other.
        let order = [
            Tag::Operation,
            Tag::UniqueBatchItemID,
            Tag::ResultStatus,
            Tag::ResultReason,
            Tag::ResultMessage,
            Tag::ResponsePayload,
        ];
        let places: Vec<usize> = children(item)
            .iter()
            .map(|field| order.iter().position(|tag| *tag == field.tag).unwrap())
            .collect();
        assert!(places.is_sorted_by(|a, b| a < b), "{}", shape(item));
        let code = |tag| match find(item, &[tag]).map(|item| &item.value) {
            Some(ItemValue::Enumeration(code)) => Some(*code),
            _ => None,
        };
        Self {
            status: ResultStatus::from_code(code(Tag::ResultStatus).expect("a status")),
            reason: code(Tag::ResultReason).map(ResultReason::from_code),
            message: find(item, &[Tag::ResultMessage])
                .and_then(|item| item.value.as_text())
                .map(str::to_owned),
            payload: find(item, &[Tag::ResponsePayload])
                .map(|payload| children(payload).to_vec())
                .unwrap_or_default(),
        }
    }

    /// The tags of the payload, in order, with those inside of them.
    pub(super) fn shape(&self) -> String {
        let shapes: Vec<String> = self.payload.iter().map(shape).collect();
        shapes.join(" ")
    }

    /// An item of the payload, from the outermost to the innermost tag.
    pub(super) fn find(&self, path: &[Tag]) -> &ItemValue {
        let item = self.payload.iter().find(|item| item.tag == path[0]);
        let item = item.and_then(|item| find(item, &path[1..]));
        &item
            .unwrap_or_else(|| panic!("no {path:?} in {}", self.shape()))
            .value
    }

    pub(super) fn text(&self, tag: Tag) -> String {
        self.find(&[tag]).as_text().unwrap().to_owned()
    }

    /// The Unique Identifier.
    pub(super) fn id(&self) -> String {
        self.text(Tag::UniqueIdentifier)
    }

    /// All Unique Identifiers, of a Locate.
    pub(super) fn ids(&self) -> Vec<String> {
        let ids = self.payload.iter();
        ids.filter(|item| item.tag == Tag::UniqueIdentifier)
            .map(|item| item.value.as_text().unwrap().to_owned())
            .collect()
    }

    /// The bytes of an item.
    pub(super) fn bytes(&self, path: &[Tag]) -> Vec<u8> {
        match self.find(path) {
            ItemValue::ByteString(bytes) => bytes.expose().to_vec(),
            other => panic!("{path:?} is {other:?}"),
        }
    }

    /// The code of an enumeration.
    pub(super) fn code(&self, path: &[Tag]) -> u32 {
        match self.find(path) {
            ItemValue::Enumeration(code) => *code,
            other => panic!("{path:?} is {other:?}"),
        }
    }

    /// The material of a Get.
    pub(super) fn material(&self, object: Tag) -> Vec<u8> {
        self.bytes(&[object, Tag::KeyBlock, Tag::KeyValue, Tag::KeyMaterial])
    }

    /// The attributes of 1.x: names, and values.
    pub(super) fn attributes(&self) -> Vec<(String, ItemValue)> {
        self.payload
            .iter()
            .filter(|item| item.tag == Tag::Attribute)
            .map(|attribute| {
                let name = find(attribute, &[Tag::AttributeName]).unwrap();
                let value = find(attribute, &[Tag::AttributeValue]).unwrap();
                (
                    name.value.as_text().unwrap().to_owned(),
                    value.value.clone(),
                )
            })
            .collect()
    }

    /// The values of an attribute of 1.x.
    pub(super) fn values(&self, name: &str) -> Vec<ItemValue> {
        self.attributes()
            .into_iter()
            .filter(|(own, _)| own == name)
            .map(|(_, value)| value)
            .collect()
    }

    /// The only value of an attribute of 1.x.
    pub(super) fn value(&self, name: &str) -> ItemValue {
        let mut values = self.values(name);
        assert_eq!(values.len(), 1, "{name}: {values:?}");
        values.remove(0)
    }
}

/// The items in a structure; none in what is none.
pub(super) fn children(item: &Item) -> &[Item] {
    match &item.value {
        ItemValue::Structure(items) => items,
        _ => &[],
    }
}

/// The first item below with these tags, one in the other.
pub(super) fn find<'a>(item: &'a Item, path: &[Tag]) -> Option<&'a Item> {
    let Some((first, rest)) = path.split_first() else {
        return Some(item);
    };
    let child = children(item).iter().find(|child| child.tag == *first)?;
    find(child, rest)
}

fn visit(item: &Item, seen: &mut impl FnMut(&Item)) {
    seen(item);
    for child in children(item) {
        visit(child, seen);
    }
}

/// `Tag(Child Child(…))`.
fn shape(item: &Item) -> String {
    let shapes: Vec<String> = children(item).iter().map(shape).collect();
    match shapes.as_slice() {
        [] => item.tag.to_string(),
        shapes => format!("{}({})", item.tag, shapes.join(" ")),
    }
}

/// The value of the State attribute, as an enumeration.
pub(super) const fn state(state: u32) -> ItemValue {
    ItemValue::Enumeration(state)
}

pub(super) const PRE_ACTIVE: u32 = 1;
pub(super) const ACTIVE: u32 = 2;
pub(super) const DEACTIVATED: u32 = 3;
pub(super) const COMPROMISED: u32 = 4;
pub(super) const DESTROYED: u32 = 5;

/// What a Get of a plain symmetric key looks like to a client that reads item by item.
pub(super) const SYMMETRIC_KEY: &str = "ObjectType UniqueIdentifier SymmetricKey(KeyBlock(KeyFormatType \
     KeyValue(KeyMaterial) CryptographicAlgorithm CryptographicLength))";
