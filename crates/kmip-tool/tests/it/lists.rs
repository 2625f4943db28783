//! Locate, query, versions.

use kmip_client::ErrorKind;
use kmip_tool::Cause;
use serde_json::Value;

use crate::rig::Rig;

fn ids(document: &Value) -> Vec<String> {
    let objects = document["objects"].as_array().unwrap();
    let id = |object: &Value| object["uniqueIdentifier"].as_str().unwrap().to_owned();
    objects.iter().map(id).collect()
}

#[tokio::test]
async fn each_filter_and_several() {
    let rig = Rig::start().await;
    let a = rig
        .create(&["--name", "a", "--group", "g", "--activate"])
        .await;
    let b = rig
        .create(&["--name", "b", "--group", "g", "--length", "128"])
        .await;
    let c = rig
        .create(&["--algorithm", "HMAC_SHA256", "--usage", "MACGenerate"])
        .await;
    let secret = rig
        .run_with(
            &["register", "--type", "secret-data", "--name", "s", "--json"],
            b"a password",
            false,
        )
        .await
        .id();
    for (filters, expected) in [
        (&["--name", "a"][..], vec![&a]),
        (&["--state", "active"], vec![&a]),
        (
            &["--state", "pre-active", "--type", "symmetric-key"],
            vec![&b, &c],
        ),
        (&["--type", "SecretData"], vec![&secret]),
        (&["--algorithm", "AES"], vec![&a, &b]),
        (&["--length", "128"], vec![&b]),
        (&["--group", "g"], vec![&a, &b]),
        (&["--group", "g", "--length", "256"], vec![&a]),
        (&["--name", "nobody"], vec![]),
        (&[], vec![&a, &b, &c, &secret]),
    ] {
        let mut arguments = vec!["locate", "--json"];
        arguments.extend(filters);
        let document = rig.run(&arguments).await.json();
        let mut found = ids(&document);
        found.sort();
        let mut expected: Vec<String> = expected.into_iter().cloned().collect();
        expected.sort();
        assert_eq!(found, expected, "{filters:?}");
        assert_eq!(document["dismissed"], 0);
        assert_eq!(document["more"], false);
    }
    let text = rig.run(&["locate", "--name", "nobody"]).await.text();
    assert_eq!(text, "no objects\n");
}

#[tokio::test]
async fn pages() {
    let rig = Rig::start().await;
    for n in 0..5 {
        rig.create(&["--name", &format!("n{n}"), "--group", "g"])
            .await;
    }
    for filter in [&[][..], &["--group", "g"]] {
        let page = async |extra: &[&str]| {
            let mut arguments = vec!["locate", "--json"];
            arguments.extend(filter);
            arguments.extend(extra);
            rig.run(&arguments).await.json()
        };
        let all = ids(&page(&[]).await);
        assert_eq!(all.len(), 5);
        let first = page(&["--max", "2"]).await;
        assert_eq!(ids(&first), all[..2]);
        assert_eq!(first["more"], true);
        let second = page(&["--max", "2", "--offset", "2"]).await;
        assert_eq!(ids(&second), all[2..4]);
        let last = page(&["--max", "2", "--offset", "4"]).await;
        assert_eq!(ids(&last), all[4..]);
        assert_eq!(last["more"], false);
        assert!(ids(&page(&["--offset", "9"]).await).is_empty());
    }
}

#[tokio::test]
async fn destroyed_objects_are_found_by_who_asks_for_them() {
    let rig = Rig::start().await;
    let id = rig.create(&["--name", "gone"]).await;
    rig.run(&["destroy", &id]).await.text();
    assert!(ids(&rig.run(&["locate", "--json"]).await.json()).is_empty());
    let found = rig
        .run(&["locate", "--state", "Destroyed", "--json"])
        .await
        .json();
    assert_eq!(ids(&found), [id]);
}

#[tokio::test]
async fn what_the_server_offers() {
    let rig = Rig::start().await;
    for version in ["1.0", "1.3", "2.1"] {
        let offered = rig
            .run(&["query", "--json", "--kmipProtocolVersion", version])
            .await
            .json();
        let has = |field: &str, word: &str| {
            let words = offered[field].as_array().unwrap();
            words.iter().any(|value| value == word)
        };
        assert!(
            has("operations", "Create") && has("objectTypes", "SymmetricKey"),
            "{offered}"
        );
        assert!(
            offered["vendorIdentification"]
                .as_str()
                .unwrap()
                .starts_with("Strongroom"),
            "{offered}"
        );
    }
    let text = rig.run(&["query"]).await.text();
    assert!(
        text.contains("Vendor") && text.contains("Create, CreateKeyPair, Register"),
        "{text}"
    );
}

#[tokio::test]
async fn versions() {
    let rig = Rig::start().await;
    let spoken = rig.run(&["versions", "--json"]).await.json();
    assert_eq!(spoken["negotiated"], "2.1");
    assert_eq!(spoken["serverVersions"].as_array().unwrap().len(), 7);
    let old = rig
        .run(&["versions", "--json", "--kmip-version", "1.0"])
        .await
        .json();
    assert_eq!(
        (&old["negotiated"], &old["serverVersions"]),
        (&"1.0".into(), &Value::Null)
    );
    for legacy in [
        &["--kmipUseLegacyProtocol"][..],
        &["--kmipUseLegacyProtocol", "true"],
    ] {
        let arguments = [&["versions", "--json"], legacy].concat();
        assert_eq!(rig.run(&arguments).await.json()["negotiated"], "1.1");
    }
    let text = rig.run(&["versions"]).await.text();
    assert_eq!(
        text,
        "In use      2.1\nServer      2.1, 2.0, 1.4, 1.3, 1.2, 1.1, 1.0\nStrongroom  2.1, 2.0, 1.4, 1.3, 1.2, 1.1, 1.0\n"
    );
}

#[tokio::test]
async fn rekey_replaces() {
    let rig = Rig::start().await;
    let old = rig
        .create(&["--name", "r", "--group", "g", "--activate"])
        .await;
    let document = rig
        .run(&["rekey", "r", "--activate", "--json"])
        .await
        .json();
    let new = document["uniqueIdentifier"].as_str().unwrap();
    assert_ne!(new, old);
    assert_eq!(document["replaced"], old.as_str());
    assert_eq!(document["activated"], true);
    // The Name leads to the new one; each leads to the other.
    let got = rig.run(&["get", "r", "--json"]).await.json();
    assert_eq!(got["uniqueIdentifier"], new);
    let link = async |id: &str| rig.run(&["attributes", id, "Link"]).await.text();
    assert_eq!(
        link(&old).await,
        format!("Link  ReplacementObjectLink: {new}\n")
    );
    assert_eq!(
        link(new).await,
        format!("Link  ReplacedObjectLink: {old}\n")
    );
    let named = rig.run(&["locate", "--name", "r", "--json"]).await.json();
    assert_eq!(ids(&named), [new]);
    assert_eq!(named["objects"][0]["state"], "Active");
    assert_eq!(named["objects"][0]["objectGroups"][0], "g");
    let text = rig.run(&["rekey", new]).await.text();
    assert!(text.contains("Replaces") && text.contains(new), "{text}");
}

#[tokio::test]
async fn rekey_is_for_symmetric_keys() {
    let rig = Rig::start().await;
    let arguments = ["register", "--type", "secret-data", "--name", "s", "--json"];
    let id = rig.run_with(&arguments, b"a password", false).await.id();
    let failure = rig.run(&["rekey", "s"]).await.failure();
    assert!(
        matches!(failure.cause(), Cause::Kmip(ErrorKind::Refused { .. })),
        "{failure:?}"
    );
    let text = failure.to_string();
    assert!(
        text.contains("ReKey") && text.contains("only symmetric keys"),
        "{text}"
    );
    let json: Value = serde_json::from_str(&failure.to_json(92, "KmipRefused")).unwrap();
    assert_eq!(json["error"]["uniqueIdentifier"], id.as_str());
    assert_eq!(json["error"]["operation"], "ReKey");
    let objects = rig.run(&["locate", "--json"]).await.json();
    assert_eq!(ids(&objects), [id]);
}
