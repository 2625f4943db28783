//! The configuration file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kmip_client::ServerAddress;

use super::*;

#[test]
fn the_newer_document_file() {
    let options = options(
        &[],
        "    security:
      enableEncryption: true
      kmip:
        serverName: kmip1.example.com,kmip2.example.com
        port: 5696
        clientCertificateFile: /path/client_certificate.pem
        serverCAFile: /path/ca.pem
        keyIdentifier: key_name
        clientCertificatePassword: 'se: cret'
        connectRetries: 3
        connectTimeoutMS: 1000
        rotateMasterKey: false
",
    );
    let kmip = kmip(&options);
    let hosts: Vec<&str> = kmip.servers.iter().map(ServerAddress::host).collect();
    assert_eq!(hosts, ["kmip1.example.com", "kmip2.example.com"]);
    assert_eq!(kmip.connect_retries, 3);
    assert_eq!(kmip.connect_timeout, Duration::from_secs(1));
    assert_eq!(
        kmip.client_certificate_password.as_ref().unwrap().expose(),
        "se: cret"
    );
}

#[test]
fn the_older_document_file() {
    let options = options(
        &[],
        "security:
  enableEncryption: true
  kmip:
    serverName: 128.0.0.2
    port: 5696
    clientCertificateFile: /path/client_certificate.pem
    clientKeyFile: /path/client_key.pem
    serverCAFile: /path/ca.pem
    keyIdentifier: key_name
",
    );
    let kmip = kmip(&options);
    assert_eq!(
        kmip.client_key_file.as_deref(),
        Some(Path::new("/path/client_key.pem"))
    );
    assert_eq!(kmip.key_identifier.as_deref(), Some("key_name"));
}

#[test]
fn dotted_keys_comments_and_empty_sections() {
    let yaml = "# a comment\nnet.port: 5\nsecurity:\n#  enableEncryption: true\nstorage:\n  journal.commitIntervalMs: 7 # ms\nsetParameter:\n  cursorTimeoutMillis: 1000\n";
    let options = options(&[], yaml);
    assert_eq!(options.net.port, 5);
    assert_eq!(
        options.storage.journal_commit_interval,
        Duration::from_millis(7)
    );
    assert_eq!(options.parameters.cursor_timeout, Duration::from_secs(1));
}

#[test]
fn stock_files_of_mongod_are_understood() {
    let stock = "storage:\n  dbPath: /var/lib/mongodb\nsystemLog:\n  destination: file\n  logAppend: true\n  path: /var/log/mongodb/mongod.log\nnet:\n  port: 27017\n  bindIp: 127.0.0.1\nprocessManagement:\n  fork: false\n  pidFilePath: /run/mongod.pid\nsecurity:\n  authorization: disabled\n";
    let options = options(&[], stock);
    assert_eq!(
        options.process.pid_file_path,
        Some(PathBuf::from("/run/mongod.pid"))
    );
}

#[test]
fn a_huge_or_binary_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x");
    let args = [
        "strongroomd".to_owned(),
        "-f".to_owned(),
        file.display().to_string(),
    ];
    std::fs::write(&file, vec![b'#'; 2 * 1024 * 1024]).unwrap();
    assert_eq!(
        load(&args, &Environment::default()).unwrap_err().kind(),
        ErrorKind::ConfigFile
    );
    std::fs::write(&file, b"net:\n  port: \xff\n").unwrap();
    let message = load(&args, &Environment::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("UTF-8") && message.contains("line 2"),
        "{message}"
    );
}

#[test]
fn deep_nesting_ends_with_an_error() {
    let mut yaml = String::new();
    for depth in 0..200 {
        yaml.push_str(&" ".repeat(depth));
        yaml.push_str("security:\n");
    }
    assert!(load_with(&[], &yaml).is_err());
    assert!(load_with(&[], &"{a: ".repeat(5000)).is_err());
    assert!(load_with(&[], &"[".repeat(5000)).is_err());
}

#[test]
fn any_file_is_read_or_refused() {
    bolero::check!()
        .with_iterations(2000)
        .with_type::<String>()
        .for_each(|text| {
            let _ = yaml::parse(text, Path::new("fuzz"));
        });
}
