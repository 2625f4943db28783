//! `security.kmip`, from either source.

use std::time::Duration;

use super::*;
use crate::encryption::OnKeyStateLoss;

#[test]
fn a_number_as_key_identifier_keeps_its_text() {
    let yaml = "security: {enableEncryption: true, kmip: {serverName: h, clientCertificateFile: c, keyIdentifier: 0012}}";
    assert_eq!(
        kmip(&options(&[], yaml)).key_identifier.as_deref(),
        Some("0012")
    );
    // Blank means: create one.
    let yaml = yaml.replace("0012", "''");
    assert_eq!(kmip(&options(&[], &yaml)).key_identifier, None);
}

#[test]
fn a_polling_interval_of_zero_or_less_turns_it_off() {
    for seconds in ["0", "-1"] {
        let options = options(
            &[&KMIP[..], &["--kmipKeyStatePollingSeconds", seconds]].concat(),
            "",
        );
        assert_eq!(kmip(&options).key_state_polling, None);
    }
}

#[test]
fn kmip_protocol_versions() {
    use kmip::ProtocolVersion as V;
    use kmip_client::VersionPolicy::{AtMost, Exactly, Negotiate};
    for (given, expected) in [
        (&[][..], Negotiate),
        (&["--kmipUseLegacyProtocol=false"], Negotiate),
        (&["--kmipUseLegacyProtocol"], AtMost(V::V1_1)),
        (&["--kmipProtocolVersion", "1.4"], Exactly(V::V1_4)),
        (&["--kmipProtocolVersion=2.1"], Exactly(V::V2_1)),
        (
            &["--kmipProtocolVersion", "1.0", "--kmipUseLegacyProtocol"],
            Exactly(V::V1_0),
        ),
        (
            &[
                "--kmipProtocolVersion",
                "2.0",
                "--kmipUseLegacyProtocol",
                "false",
            ],
            Exactly(V::V2_0),
        ),
    ] {
        let options = options(&[&KMIP[..], given].concat(), "");
        assert_eq!(kmip(&options).version, expected, "{given:?}");
    }
    // YAML reads 2.0 as a number unless it is quoted: both are understood.
    for version in ["2.0", "\"2.0\"", "'2.0'"] {
        let yaml = format!(
            "security: {{enableEncryption: true, kmip: {{serverName: h, clientCertificateFile: c, protocolVersion: {version}}}}}"
        );
        let options = options(&[], &yaml);
        assert_eq!(kmip(&options).version, Exactly(V::V2_0), "{version}");
    }
}

#[test]
fn what_a_lost_key_leads_to() {
    let none = Environment::default();
    let kmip = load_kmip(&[], &none).unwrap();
    assert_eq!(kmip.on_key_state_loss, OnKeyStateLoss::Shutdown);
    assert_eq!(kmip.key_state_grace, Duration::ZERO);
    assert!(!kmip.wrap_on_server);
    let extra = [
        "--kmipOnKeyStateLoss",
        "readOnly",
        "--kmipKeyStateGraceSeconds",
        "90",
        "--kmipWrapOnServer",
    ];
    let kmip = load_kmip(&extra, &none).unwrap();
    assert_eq!(kmip.on_key_state_loss, OnKeyStateLoss::ReadOnly);
    assert_eq!(kmip.key_state_grace, Duration::from_secs(90));
    assert!(kmip.wrap_on_server);

    let error = load_kmip(&["--kmipOnKeyStateLoss", "ignore"], &none)
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("`readOnly`"), "{error}");
    // Without checks nothing would ever follow.
    for off in [
        ["--kmipKeyStatePollingSeconds", "0"],
        ["--kmipActivateKeys", "false"],
    ] {
        for option in [
            ["--kmipOnKeyStateLoss", "warn"],
            ["--kmipKeyStateGraceSeconds", "1"],
        ] {
            let error = load_kmip(&[off, option].concat(), &none)
                .map(drop)
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Inconsistent);
            let message = error.to_string();
            assert!(message.contains(option[0]), "{message}");
            assert!(message.contains("keyStatePollingSeconds"), "{message}");
        }
    }
}
