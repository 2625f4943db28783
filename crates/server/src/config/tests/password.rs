//! The password of the client certificate's key: where it comes from, and that it is shown nowhere.

use super::*;

#[test]
fn a_password_is_shown_nowhere() {
    for extra in [
        &["--kmipClientCertificatePassword", "-hunter2"][..],
        &["--kmipClientCertificatePassword=-hunter2"],
    ] {
        let options = options(&[&KMIP[..], extra].concat(), "");
        assert_eq!(
            kmip(&options)
                .client_certificate_password
                .as_ref()
                .unwrap()
                .expose(),
            "-hunter2"
        );
        let shown = format!("{options:?} {}", options.cmd_line_opts.parsed());
        assert!(!shown.contains("hunter2"), "{shown}");
        let argv = options.cmd_line_opts.argv().join(" ");
        assert!(
            argv.contains("--kmipClientCertificatePassword") && argv.contains(REDACTED),
            "{argv}"
        );
        let parsed = options
            .cmd_line_opts
            .parsed()
            .get_document("security")
            .unwrap();
        let shown = parsed
            .get_document("kmip")
            .unwrap()
            .get_str("clientCertificatePassword");
        assert_eq!(shown.unwrap(), REDACTED);
    }
}

/// With this in [`CLIENT_CERTIFICATE_PASSWORD`].
fn environment(password: &str) -> Environment {
    Environment {
        client_certificate_password: Some(Password::new(password.to_owned())),
    }
}

#[test]
fn a_password_comes_from_one_of_three_places() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, "hunter2-file\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = file.to_str().unwrap();
    let in_file = ["--kmipClientCertificatePasswordFile", file];
    let given = ["--kmipClientCertificatePassword", "hunter2-given"];
    let (none, some) = (Environment::default(), environment("hunter2-variable"));

    let password = |extra: &[&str], environment: &Environment| {
        let kmip = load_kmip(extra, environment).unwrap();
        let password = kmip.client_certificate_password;
        let shown = password.map(|password| password.expose().to_owned());
        (shown, kmip.password_in_arguments)
    };
    assert_eq!(password(&[], &none), (None, false));
    let expected = (Some("hunter2-file".to_owned()), false);
    assert_eq!(password(&in_file, &none), expected);
    let expected = (Some("hunter2-given".to_owned()), true);
    assert_eq!(password(&given, &none), expected);
    let expected = (Some("hunter2-variable".to_owned()), false);
    assert_eq!(password(&[], &some), expected);

    for (extra, environment, parts) in [
        (
            [in_file, given].concat(),
            &none,
            ["--kmipClientCertificatePassword and", in_file[0]],
        ),
        (
            given.to_vec(),
            &some,
            [given[0], CLIENT_CERTIFICATE_PASSWORD],
        ),
        (
            in_file.to_vec(),
            &some,
            [in_file[0], CLIENT_CERTIFICATE_PASSWORD],
        ),
    ] {
        let error = load_kmip(&extra, environment).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Inconsistent);
        let message = format!("{error} {error:?}");
        assert!(!message.contains("hunter2"), "{message}");
        for part in parts {
            assert!(message.contains(part), "{message}");
        }
    }

    let missing = ["--kmipClientCertificatePasswordFile", "/nowhere/password"];
    let error = load_kmip(&missing, &none).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PasswordFile);
    let message = error.to_string();
    for part in ["--kmipClientCertificatePasswordFile", "/nowhere/password"] {
        assert!(message.contains(part), "{message}");
    }
    // In the file it is not in the argument list.
    let yaml = "security:\n  enableEncryption: true\n  kmip: {serverName: h, clientCertificateFile: c, clientCertificatePassword: p}\n";
    assert!(!kmip(&options(&[], yaml)).password_in_arguments);
}
