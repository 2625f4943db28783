//! The life of a key.

use kmip_client::ErrorKind;
use kmip_tool::Cause;
use serde_json::json;

use crate::rig::Rig;

#[tokio::test]
async fn from_creation_to_destruction_by_name() {
    let rig = Rig::start().await;
    let made = rig
        .run(&["create", "--name", "payroll", "--length", "128", "--json"])
        .await
        .json();
    let id = made["uniqueIdentifier"].as_str().unwrap().to_owned();
    assert_eq!(made["activated"], false);
    assert_eq!(made["name"], "payroll");
    assert_eq!(made["server"], rig.address.to_string());
    assert_eq!(made["protocolVersion"], "2.1");

    let after = |state: &str| {
        json!({
            "server": rig.address.to_string(),
            "protocolVersion": "2.1",
            "uniqueIdentifier": id,
            "state": state,
        })
    };
    let run = async |arguments: &[&str]| rig.run(arguments).await.json();
    assert_eq!(
        run(&["activate", "payroll", "--json"]).await,
        after("Active")
    );
    // Once more is no error: it is so.
    assert_eq!(run(&["activate", &id, "--json"]).await, after("Active"));

    // An Active key is not destroyed, and the message says what to do.
    let failure = rig.run(&["destroy", "payroll"]).await.failure();
    let text = failure.to_string();
    assert!(
        matches!(failure.cause(), Cause::Kmip(ErrorKind::Refused { .. })),
        "{failure:?}"
    );
    assert!(
        text.contains("revoke it first") && text.contains("Destroy"),
        "{text}"
    );

    let revoked = rig
        .run(&[
            "revoke",
            "payroll",
            "--reason",
            "cessation-of-operation",
            "--message",
            "moved",
            "--json",
        ])
        .await
        .json();
    assert_eq!(revoked, after("Deactivated"));
    let told = run(&["attributes", &id, "Revocation Reason", "--json"]).await;
    assert_eq!(
        told["attributes"],
        json!({"RevocationReason": [{
            "RevocationReasonCode": "CessationOfOperation", "RevocationMessage": "moved",
        }]})
    );
    let destroyed = run(&["destroy", "payroll", "--json"]).await;
    assert_eq!(destroyed, after("Destroyed"));

    let failure = rig.run(&["get", &id]).await.failure();
    assert!(
        matches!(failure.cause(), Cause::Kmip(ErrorKind::NotFound)),
        "{failure:?}"
    );
    assert!(failure.to_string().contains("Get"), "{failure}");
}

#[tokio::test]
async fn a_compromise_has_a_date() {
    let rig = Rig::start().await;
    let id = rig.create(&["--activate"]).await;
    let failure = rig
        .run(&["revoke", &id, "--compromise-date", "2026-01-02T03:04:05Z"])
        .await
        .failure();
    assert!(failure.to_string().contains("KeyCompromise"), "{failure}");
    let revoked = rig
        .run(&[
            "revoke",
            &id,
            "--reason",
            "KeyCompromise",
            "--compromise-date",
            "2026-01-02T03:04:05Z",
            "--json",
        ])
        .await
        .json();
    assert_eq!(revoked["state"], "Compromised");
    let text = rig
        .run(&["attributes", &id, "CompromiseOccurrenceDate"])
        .await
        .text();
    assert_eq!(text, "Compromise Occurrence Date  2026-01-02T03:04:05Z\n");
}

#[tokio::test]
async fn destroy_asks_for_yes_at_a_terminal_only() {
    let rig = Rig::start().await;
    let id = rig.create(&[]).await;
    let failure = rig.run_with(&["destroy", &id], b"", true).await.failure();
    assert!(matches!(failure.cause(), Cause::Options));
    assert!(failure.to_string().contains("--yes"), "{failure}");
    assert_eq!(
        rig.run(&["locate", "--json"]).await.json()["objects"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let ran = rig.run_with(&["destroy", &id, "--yes"], b"", true).await;
    assert!(ran.text().contains("Destroyed"));
}

#[tokio::test]
async fn what_is_created_is_as_asked_for() {
    let rig = Rig::start().await;
    let id = rig
        .create(&[
            "--algorithm",
            "hmac-sha256",
            "--length",
            "512",
            "--usage",
            "MACGenerate,MACVerify",
            "--name",
            "n1",
            "--group",
            "g1",
            "--attribute",
            "x-Purpose=tests",
            "--attribute",
            "ContactInformation=ops",
            "--activate",
        ])
        .await;
    let told = rig
        .run(&[
            "attributes",
            &id,
            "--json",
            "CryptographicAlgorithm",
            "Cryptographic Length",
            "cryptographic-usage-mask",
            "Name",
            "Object Group",
            "State",
            "x-Purpose",
            "ContactInformation",
        ])
        .await
        .json();
    assert_eq!(
        told["attributes"],
        json!({
            "CryptographicAlgorithm": ["HMAC_SHA256"],
            "CryptographicLength": [512],
            "CryptographicUsageMask": [["MACGenerate", "MACVerify"]],
            "Name": [{"NameValue": "n1", "NameType": "UninterpretedTextString"}],
            "ObjectGroup": ["g1"],
            "State": ["Active"],
            "x-Purpose": ["tests"],
            "ContactInformation": ["ops"],
        })
    );
}

#[tokio::test]
async fn attributes_are_changed() {
    for version in ["1.2", "1.4", "2.1"] {
        let rig = Rig::start().await;
        let id = rig.create(&["--name", "n1"]).await;
        let told = rig
            .run(&[
                "attributes",
                &id,
                "Contact Information",
                "Name",
                "--json",
                "--kmipProtocolVersion",
                version,
                "--set",
                "ContactInformation=first",
                "--add",
                "Name=n2",
            ])
            .await
            .json();
        assert_eq!(told["protocolVersion"], version);
        assert_eq!(told["attributes"]["ContactInformation"], json!(["first"]));
        assert_eq!(told["attributes"]["Name"].as_array().unwrap().len(), 2);
        // Set again: it has one.
        let text = rig
            .run(&[
                "attributes",
                &id,
                "ContactInformation",
                "--kmip-version",
                version,
                "--set",
                "contact information=second",
            ])
            .await
            .text();
        assert_eq!(text, "Contact Information  second\n", "{version}");
        // Both names lead to it.
        for name in ["n1", "n2"] {
            let got = rig.run(&["get", name, "--json"]).await.json();
            assert_eq!(got["uniqueIdentifier"], id.as_str());
        }
        let failure = rig
            .run(&["attributes", &id, "--set", "State=Active"])
            .await
            .failure();
        assert!(
            matches!(failure.cause(), Cause::Kmip(ErrorKind::Refused { .. })),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn a_name_that_is_in_use_is_not_taken_for_a_lost_answer() {
    let rig = Rig::start().await;
    let first = rig.create(&["--name", "same"]).await;
    let ran = rig.run(&["create", "--name", "same"]).await;
    // Our server holds to unique names; the tool said so before.
    assert!(ran.stderr.contains(&first), "{ran:?}");
    assert!(matches!(
        ran.failure().cause(),
        Cause::Kmip(ErrorKind::Refused { .. })
    ));
}
