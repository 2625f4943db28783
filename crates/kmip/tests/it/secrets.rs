//! Key material does not show.

use kmip::operations::{GetResponse, RequestPayload};
use kmip::{Limits, ProtocolVersion, RequestMessage, ResponseMessage, SecretBytes, text};

/// Debug of everything that can hold a key shows no byte of it, in decimal, hexadecimal or text.
#[test]
fn debug_shows_no_key() {
    let bytes = crate::messages::get_response(ProtocolVersion::V1_4);
    let message = ResponseMessage::decode(&bytes, &Limits::DEFAULT).expect("decodes");
    let shown = format!("{message:?} {message:#?}");
    assert!(shown.contains("secret bytes"), "{shown}");
    for trace in ["90, 90", "5a5a", "5A5A", "ZZ"] {
        assert!(!shown.contains(trace), "{shown}");
    }
    let item = message.batch_items.into_iter().next().expect("an item");
    let get = GetResponse::try_from(item.payload.expect("a payload")).expect("Get");
    let key = get
        .object
        .key_block()
        .and_then(|block| block.key_bytes())
        .expect("a key");
    assert_eq!(key.expose(), [0x5A; 32]);
    assert_eq!(*key, SecretBytes::from(&[0x5A; 32]));

    // The borrowed view and the owned tree too.
    let element = kmip::ttlv::check(&bytes, &Limits::DEFAULT).expect("well-formed");
    let item = kmip::ttlv::Item::from_element(&element).expect("well-formed");
    let shown = format!(
        "{element:?} {item:?} {:?}",
        element.structure().map(Iterator::last)
    );
    for trace in ["90, 90", "5a5a", "5A5A", "ZZ"] {
        assert!(!shown.contains(trace), "{shown}");
    }
}

#[test]
fn debug_shows_no_password_and_no_data() {
    let xml = r#"<RequestMessage><RequestHeader><ProtocolVersion>
        <ProtocolVersionMajor type="Integer" value="1"/><ProtocolVersionMinor type="Integer" value="4"/>
        </ProtocolVersion><Authentication><Credential>
        <CredentialType type="Enumeration" value="UsernameAndPassword"/><CredentialValue>
        <Username type="TextString" value="fred"/><Password type="TextString" value="swordfish"/>
        </CredentialValue></Credential></Authentication><BatchCount type="Integer" value="1"/></RequestHeader>
        <BatchItem><Operation type="Enumeration" value="Encrypt"/><RequestPayload>
        <Data type="ByteString" value="5a5a5a5a"/></RequestPayload></BatchItem></RequestMessage>"#;
    let ttlv = text::xml::to_ttlv(xml, &Limits::DEFAULT).expect("translates");
    let message = RequestMessage::decode(ttlv.as_slice(), &Limits::DEFAULT).expect("decodes");
    assert!(matches!(
        message.batch_items[0].payload,
        RequestPayload::Encrypt(_)
    ));
    let shown = format!("{message:?}");
    assert!(shown.contains("fred"), "{shown}");
    for trace in ["swordfish", "90, 90", "5a5a"] {
        assert!(!shown.contains(trace), "{shown}");
    }
    assert_eq!(
        format!("{:?}", message.encode().expect("encodes")),
        format!("Buffer({} bytes)", ttlv.len())
    );
}

/// In a tree, too, whose meaning nobody knows.
#[test]
fn debug_of_a_tree_shows_no_password() {
    let xml =
        r#"<CredentialValue><Password type="TextString" value="swordfish"/></CredentialValue>"#;
    let ttlv = text::xml::to_ttlv(xml, &Limits::DEFAULT).expect("translates");
    let element = kmip::ttlv::check(ttlv.as_slice(), &Limits::DEFAULT).expect("well-formed");
    let shown = format!("{:?}", kmip::ttlv::Item::from_element(&element));
    assert!(
        shown.contains("secret text") && !shown.contains("swordfish"),
        "{shown}"
    );
}

/// Keys that are structures: of the transparent formats, and of one that nobody knows.
#[test]
fn debug_of_a_structured_key_shows_nothing() {
    for (format, material) in [
        (
            "TransparentSymmetricKey",
            r#"<Key type="ByteString" value="5a5a5a5a"/>"#,
        ),
        (
            "TransparentECPrivateKey",
            r#"<RecommendedCurve type="Enumeration" value="P_256"/>
               <D type="BigInteger" value="5a5a5a5a5a5a5a5a"/>"#,
        ),
        (
            "0x80000001",
            r#"<Key type="ByteString" value="5a5a5a5a"/><D type="Integer" value="23130"/>
               <TTLV tag="0x540001"><KeyMaterial type="TextString" value="swordfish"/></TTLV>"#,
        ),
    ] {
        let xml = format!(
            r#"<ResponseMessage><ResponseHeader><ProtocolVersion>
            <ProtocolVersionMajor type="Integer" value="1"/><ProtocolVersionMinor type="Integer" value="4"/>
            </ProtocolVersion><TimeStamp type="DateTime" value="2020-01-01T00:00:00Z"/>
            <BatchCount type="Integer" value="1"/></ResponseHeader><BatchItem>
            <Operation type="Enumeration" value="Get"/><ResultStatus type="Enumeration" value="Success"/>
            <ResponsePayload><ObjectType type="Enumeration" value="PrivateKey"/>
            <UniqueIdentifier type="TextString" value="1"/><PrivateKey><KeyBlock>
            <KeyFormatType type="Enumeration" value="{format}"/>
            <KeyValue><KeyMaterial>{material}</KeyMaterial></KeyValue>
            </KeyBlock></PrivateKey></ResponsePayload></BatchItem></ResponseMessage>"#
        );
        let ttlv = text::xml::to_ttlv(&xml, &Limits::DEFAULT).expect("translates");
        let message = ResponseMessage::decode(ttlv.as_slice(), &Limits::DEFAULT).expect("decodes");
        let shown = format!("{message:?}");
        for trace in ["swordfish", "90, 90", "5a5a", "5A5A", "23130"] {
            assert!(!shown.contains(trace), "{shown}");
        }
        // Nothing is lost by it.
        let encoded = message.encode().expect("encodes");
        assert_eq!(encoded.as_slice(), ttlv.as_slice(), "{format}");
    }
}
