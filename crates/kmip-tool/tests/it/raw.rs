//! Requests as they are.

use kmip_client::ErrorKind;
use kmip_tool::Cause;

use crate::rig::Rig;

const QUERY: &str = r#"<RequestMessage>
  <RequestHeader>
    <ProtocolVersion>
      <ProtocolVersionMajor type="Integer" value="1"/>
      <ProtocolVersionMinor type="Integer" value="2"/>
    </ProtocolVersion>
    <BatchCount type="Integer" value="1"/>
  </RequestHeader>
  <BatchItem>
    <Operation type="Enumeration" value="Query"/>
    <RequestPayload>
      <QueryFunction type="Enumeration" value="QueryObjects"/>
    </RequestPayload>
  </BatchItem>
</RequestMessage>
"#;

#[tokio::test]
async fn every_form_in_and_out() {
    let rig = Rig::start().await;
    let tree = rig.run_with(&["raw"], QUERY.as_bytes(), false).await.text();
    assert!(
        tree.starts_with("ResponseMessage\n  ResponseHeader\n"),
        "{tree}"
    );
    assert!(tree.contains("      ObjectType: SymmetricKey\n"), "{tree}");
    let xml = rig
        .run_with(&["raw", "--output", "xml"], QUERY.as_bytes(), false)
        .await
        .text();
    assert!(
        xml.contains(r#"<ObjectType type="Enumeration" value="SymmetricKey"/>"#),
        "{xml}"
    );

    let ttlv = kmip::text::xml::to_ttlv(QUERY, &kmip::Limits::DEFAULT).unwrap();
    let element = kmip::ttlv::check(ttlv.as_slice(), &kmip::Limits::DEFAULT).unwrap();
    let json = kmip::text::json::from_ttlv(&element).unwrap();
    let hex: String = ttlv
        .as_slice()
        .iter()
        .map(|byte| format!("{byte:02X}\n"))
        .collect();
    for input in [json.as_bytes(), hex.as_bytes(), ttlv.as_slice()] {
        let document = rig.run_with(&["raw", "--json"], input, false).await.json();
        assert_eq!(document["protocolVersion"], "1.2");
        assert_eq!(document["response"]["tag"], "ResponseMessage");
        assert!(document["response"].to_string().contains("SymmetricKey"));
    }
    let printed = rig
        .run_with(
            &["raw", "--output", "hex", "--show-material"],
            QUERY.as_bytes(),
            false,
        )
        .await
        .text();
    assert!(printed.starts_with("42007b01"), "{printed}");
    let failure = rig
        .run_with(&["raw", "--output", "hex"], QUERY.as_bytes(), false)
        .await
        .failure();
    assert!(failure.to_string().contains("--show-material"), "{failure}");
}

#[tokio::test]
async fn a_refusal_is_printed_and_fails() {
    let rig = Rig::start().await;
    let request = QUERY.replace("\"Query\"", "\"Get\"").replace(
        r#"<QueryFunction type="Enumeration" value="QueryObjects"/>"#,
        r#"<UniqueIdentifier type="TextString" value="no such"/>"#,
    );
    let ran = rig.run_with(&["raw"], request.as_bytes(), false).await;
    assert!(ran.stdout.contains("ResultReason: ItemNotFound"), "{ran:?}");
    let failure = ran.failure();
    assert!(
        matches!(failure.cause(), Cause::Kmip(ErrorKind::NotFound)),
        "{failure:?}"
    );
    assert!(
        failure.to_string().contains("Get: refused, ItemNotFound"),
        "{failure}"
    );
}

#[tokio::test]
async fn what_is_no_request_is_not_sent() {
    let rig = Rig::start().await;
    for (input, reason) in [
        (&b"<RequestMessage>"[..], "XML"),
        (b"{\"tag\": 7}", "JSON"),
        (b"hello", "not hexadecimal"),
        (b"<ResponseMessage/>", "not a RequestMessage"),
        (b"", "cut short"),
    ] {
        let failure = rig.run_with(&["raw"], input, false).await.failure();
        assert!(matches!(failure.cause(), Cause::Options), "{failure:?}");
        assert!(failure.to_string().contains(reason), "{failure}");
    }
}
