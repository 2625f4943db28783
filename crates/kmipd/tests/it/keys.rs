//! Where the key-encryption key comes from.

use kmip_client::NewSymmetricKey;

use crate::rig::{Rig, password_hash};

#[tokio::test]
async fn from_a_passphrase() {
    let rig = Rig::new();
    tls::write_private(&rig.path().join("passphrase"), b"open sesame\n").unwrap();
    rig.configure("    file: kek\n", "    passphrase: {file: passphrase}\n");
    let server = rig.start();
    let id = rig
        .connect(&server, "strongroom")
        .await
        .create_symmetric_key(&NewSymmetricKey::aes256("k"))
        .await
        .unwrap();
    server.stop();
    let server = rig.start();
    let mut session = rig.connect(&server, "strongroom").await;
    session.get_symmetric_key(&id).await.unwrap();
    server.stop();

    tls::write_private(&rig.path().join("passphrase"), b"open rice\n").unwrap();
    let config = rig.layout().config();
    for arguments in [
        vec!["--config", config.to_str().unwrap()],
        vec!["check", "--config", config.to_str().unwrap()],
    ] {
        let (status, complaint) = rig.fails(&arguments);
        assert_eq!(status, 5, "{complaint}");
        assert!(complaint.contains("passphrase is wrong"), "{complaint}");
        assert!(!complaint.contains("rice"), "{complaint}");
    }
}

#[tokio::test]
async fn from_another_kmip_server() {
    let upper = Rig::new();
    upper.client(&["add", "lower"]);
    let upper_server = upper.start();
    let mut session = upper.connect(&upper_server, "lower").await;
    let key = session
        .create_symmetric_key(&NewSymmetricKey::aes256("kek of the lower server"))
        .await
        .unwrap();
    session.activate(&key).await.unwrap();

    let lower = Rig::new();
    lower.configure(
        "    file: kek\n",
        &format!(
            "    kmip:\n      servers: '{}'\n      caFile: {}\n      certificateFile: {}\n      keyIdentifier: '{key}'\n",
            upper_server.address,
            upper.layout().ca().display(),
            upper.layout().issued("lower").display()
        ),
    );
    let server = lower.start();
    let id = lower
        .connect(&server, "strongroom")
        .await
        .create_symmetric_key(&NewSymmetricKey::aes256("k"))
        .await
        .unwrap();
    server.stop();
    let server = lower.start();
    let mut session = lower.connect(&server, "strongroom").await;
    session.get_symmetric_key(&id).await.unwrap();
    server.stop();
    // Without the other server there is no key.
    upper_server.stop();
    let config = lower.layout().config();
    let (status, complaint) = lower.fails(&["--config", config.to_str().unwrap()]);
    assert_eq!(status, 5, "{complaint}");
    assert!(complaint.contains("storage.key.kmip"), "{complaint}");
}

#[test]
fn a_password_is_hashed() {
    let hash = password_hash("correct horse\n");
    let hash = kmipd::password::PasswordHash::parse(&hash).unwrap();
    assert!(hash.verify(b"correct horse"));
}
