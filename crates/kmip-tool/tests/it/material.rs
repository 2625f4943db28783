//! Key material: in, out, and nowhere else.

use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::rig::Rig;

/// Recognisable in every encoding.
const KEY: &[u8; 32] = b"~swordfish-swordfish-swordfish~!";

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes in every form in which they could leak.
fn forms(bytes: &[u8]) -> Vec<String> {
    let listed = |n: usize| {
        let numbers: Vec<String> = bytes[..n].iter().map(ToString::to_string).collect();
        numbers.join(", ")
    };
    vec![
        String::from_utf8_lossy(&bytes[..9]).into_owned(),
        hexadecimal(&bytes[..8]),
        hexadecimal(&bytes[..8]).to_uppercase(),
        STANDARD.encode(&bytes[..9]),
        listed(6),
    ]
}

async fn register(rig: &Rig, arguments: &[&str], bytes: &[u8]) -> String {
    let mut all = vec!["register", "--json"];
    all.extend(arguments);
    rig.run_with(&all, bytes, false).await.id()
}

#[tokio::test]
async fn in_and_out_in_every_encoding() {
    let rig = Rig::start().await;
    let base64 = STANDARD.encode(KEY) + "\n";
    let hex = format!("{}\n", hexadecimal(KEY));
    for (n, (encoding, contents)) in [
        ("raw", &KEY[..]),
        ("hex", hex.as_bytes()),
        ("base64", base64.as_bytes()),
    ]
    .into_iter()
    .enumerate()
    {
        let file = rig.path(&format!("in-{n}"));
        std::fs::write(&file, contents).unwrap();
        let id = register(
            &rig,
            &[
                "--file",
                file.to_str().unwrap(),
                "--encoding",
                encoding,
                "--name",
                encoding,
            ],
            b"",
        )
        .await;
        let shown = rig
            .run(&["get", &id, "--show-material", "--json"])
            .await
            .json();
        assert_eq!(shown["material"], hexadecimal(KEY));
        assert_eq!(shown["encoding"], "hex");
        assert_eq!(shown["materialBytes"], 32);
        assert_eq!(shown["cryptographicAlgorithm"], "AES");
        assert_eq!(shown["cryptographicLength"], 256);

        let out = rig.path(&format!("out-{n}"));
        let ran = rig
            .run(&[
                "get",
                encoding,
                "--out",
                out.to_str().unwrap(),
                "--encoding",
                encoding,
            ])
            .await;
        let all = ran.everything();
        assert!(ran.text().contains("written to"), "{all}");
        assert!(forms(KEY).iter().all(|form| !all.contains(form)), "{all}");
        assert_eq!(std::fs::read(&out).unwrap(), contents, "{encoding}");
        assert_eq!(
            std::fs::metadata(&out).unwrap().permissions().mode() & 0o777,
            0o600
        );
        // What is there is not overwritten.
        let ran = rig.run(&["get", &id, "--out", out.to_str().unwrap()]).await;
        assert!(ran.failure().to_string().contains("not overwritten"));
        assert_eq!(std::fs::read(&out).unwrap(), contents);
    }
}

#[tokio::test]
async fn other_objects() {
    let rig = Rig::start().await;
    let secret = register(
        &rig,
        &["--type", "secret-data", "--secret-type", "seed"],
        &[7; 96],
    )
    .await;
    let opaque = register(&rig, &["--type", "opaque"], b"anything").await;
    for (id, object_type, bytes) in [(&secret, "SecretData", 96), (&opaque, "OpaqueObject", 8)] {
        let got = rig.run(&["get", id, "--json"]).await.json();
        assert_eq!(
            (&got["objectType"], &got["materialBytes"]),
            (&object_type.into(), &bytes.into())
        );
        assert!(got.get("material").is_none(), "{got}");
    }
    // What is public is shown: PEM in, PEM out.
    let pem = rig.authority().certificate_pem().replace("\r\n", "\n");
    let certificate = register(&rig, &["--name", "ca"], pem.as_bytes()).await;
    let got = rig.run(&["get", &certificate, "--json"]).await.json();
    assert_eq!(got["objectType"], "Certificate");
    assert_eq!(got["material"].as_str().unwrap(), pem);
    let text = rig.run(&["get", "ca"]).await.text();
    assert!(text.ends_with(&pem), "{text}");

    // A private key is not.
    let key =
        "-----BEGIN PRIVATE KEY-----\nc3dvcmRmaXNoLXN3b3JkZmlzaA==\n-----END PRIVATE KEY-----\n";
    let ran = rig.run_with(&["register"], key.as_bytes(), false).await;
    assert!(ran.failure().to_string().contains("--algorithm"));
    let private = register(
        &rig,
        &["--algorithm", "RSA", "--length", "2048"],
        key.as_bytes(),
    )
    .await;
    let hidden = rig.run(&["get", &private]).await;
    assert!(!hidden.everything().contains("c3dvcmRm"), "{hidden:?}");
    let shown = rig
        .run(&["get", &private, "--show-material", "--encoding", "pem"])
        .await
        .text();
    assert!(shown.ends_with(key), "{shown}");
}

#[tokio::test]
async fn files_that_are_no_keys() {
    let rig = Rig::start().await;
    for (arguments, contents, reason) in [
        (
            &["register"][..],
            &b"too short"[..],
            "AES keys have 16, 24 or 32",
        ),
        (&["register"], b"", "nothing in it"),
        (
            &["register", "--encoding", "hex"],
            b"xyz",
            "not hexadecimal",
        ),
        (&["register", "--length", "128"], KEY, "--length is 128"),
        (
            &["register", "--file", "/no/such/file"],
            b"",
            "/no/such/file",
        ),
        (
            &["register", "--type", "opaque"],
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "--type says",
        ),
        (
            &["register"],
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "decrypt it first",
        ),
        (&["register"], &[b'x'; (1 << 20) + 1], "longer than"),
    ] {
        let ran = rig.run_with(arguments, contents, false).await;
        let failure = ran.failure();
        assert!(matches!(failure.cause(), kmip_tool::Cause::Options));
        assert!(failure.to_string().contains(reason), "{failure}");
    }
    let failure = rig.run_with(&["register"], b"", true).await.failure();
    assert!(failure.to_string().contains("--file"), "{failure}");
    assert_eq!(rig.run(&["locate"]).await.text(), "no objects\n");
}

/// No output without --show-material has the key, whatever the form: standard output, standard error, errors, `-vv`.
#[tokio::test]
async fn nothing_shows_it_unasked() {
    let rig = Rig::start().await;
    let file = rig.path("key");
    std::fs::write(&file, KEY).unwrap();
    let file = file.to_str().unwrap();
    let id = register(&rig, &["--file", file, "--name", "secret key"], b"").await;
    let opaque = register(&rig, &["--type", "opaque"], KEY).await;
    let password = register(&rig, &["--type", "secret-data"], KEY).await;
    let get = |id: &str| {
        format!(
            r#"<RequestMessage><RequestHeader><ProtocolVersion>
            <ProtocolVersionMajor type="Integer" value="1"/><ProtocolVersionMinor type="Integer" value="4"/>
            </ProtocolVersion><BatchCount type="Integer" value="1"/></RequestHeader>
            <BatchItem><Operation type="Enumeration" value="Get"/><RequestPayload>
            <UniqueIdentifier type="TextString" value="{id}"/></RequestPayload></BatchItem></RequestMessage>"#
        )
    };
    let register_raw = format!(
        r#"<RequestMessage><RequestHeader><ProtocolVersion>
        <ProtocolVersionMajor type="Integer" value="9"/><ProtocolVersionMinor type="Integer" value="4"/>
        </ProtocolVersion><BatchCount type="Integer" value="1"/></RequestHeader>
        <BatchItem><Operation type="Enumeration" value="Register"/><RequestPayload>
        <KeyMaterial type="ByteString" value="{}"/></RequestPayload></BatchItem></RequestMessage>"#,
        hexadecimal(KEY)
    );
    let mut runs = vec![
        rig.run(&["register", "--file", file, "--name", "secret key"])
            .await,
        rig.run(&["register", "--file", file, "--encoding", "hex"])
            .await,
        rig.run(&["register", "--file", file, "--encoding", "base64"])
            .await,
        rig.run(&["register", "--file", file, "--encoding", "pem"])
            .await,
        rig.run(&["raw", "--file", file]).await,
        rig.run_with(&["raw"], register_raw.as_bytes(), false).await,
        rig.run(&["destroy", &id]).await,
    ];
    for id in [&id, &opaque, &password] {
        for arguments in [
            &["get", id][..],
            &["get", id, "--json"],
            &["get", id, "--encoding", "base64"],
            &["attributes", id],
            &["attributes", id, "--json"],
        ] {
            runs.push(rig.run(arguments).await);
        }
        for output in [
            &[][..],
            &["--output", "xml"],
            &["--output", "json"],
            &["--output", "hex"],
            &["--json"],
        ] {
            let mut arguments = vec!["raw"];
            arguments.extend(output);
            runs.push(rig.run_with(&arguments, get(id).as_bytes(), false).await);
        }
    }
    assert!(
        runs.iter().any(|ran| ran.log.contains("connected")),
        "the log is looked at"
    );
    for ran in &runs {
        let all = ran.everything();
        for form in forms(KEY) {
            assert!(!all.contains(&form), "{form} in {all}");
        }
    }
    // The same with it: or the test above could not fail.
    let shown = rig
        .run_with(&["raw", "--show-material"], get(&opaque).as_bytes(), false)
        .await
        .text();
    assert!(shown.contains(&hexadecimal(KEY)), "{shown}");
}
