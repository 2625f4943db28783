//! From a name to addresses, and to the certificate that is for the name.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kmip::ProtocolVersion;
use kmip_client::{Client, ClientConfig, ErrorKind, Resolver};
use kmip_peer::{Act, Certificates, Peer, agree};
use tls::dev_pki::Request;
use tls::{ClientAuth, IdentityFiles, ServerTls, Trust};
use tokio::net::{TcpListener, TcpSocket};

use crate::rig::{Rig, ends};

/// The names that clients asked a peer for, in TLS.
type Asked = Arc<Mutex<Vec<Option<String>>>>;

/// A peer with a certificate for these names, on this address.
async fn peer(rig: &Rig, address: &str, names: &[&str], asked: &Asked) -> Peer {
    let tls = ServerTls {
        identity: IdentityFiles::combined(rig.server_file(&Request::server(names))),
        client_auth: ClientAuth::Required(Trust::only(rig.ca())),
    };
    let tls = tls.load().unwrap().config;
    let asked = asked.clone();
    Peer::start_on(
        TcpListener::bind(address).await.unwrap(),
        move || tls.clone(),
        move |request| {
            asked.lock().unwrap().push(request.server_name.clone());
            agree(request, ProtocolVersion::V1_4).unwrap_or(Act::Close)
        },
    )
}

/// A client that finds these addresses for whatever name.
fn client(rig: &Rig, name: &str, addresses: &[SocketAddr]) -> ClientConfig {
    let addresses = addresses.to_vec();
    ClientConfig {
        resolver: Resolver::new(move |server| {
            assert_eq!((server.host(), server.port()), ("kms.example", 5696));
            let addresses = addresses.clone();
            async move { Ok(addresses) }
        }),
        ..rig.config(name)
    }
}

#[tokio::test]
async fn an_ipv6_address_with_a_certificate_for_it() {
    let (rig, asked) = (Rig::new(), Asked::default());
    let there = peer(&rig, "[::1]:0", &["::1"], &asked).await;
    let name = format!("[::1]:{}", there.address.port());
    let session = ends(rig.client(&name).connect()).await.unwrap();
    assert_eq!(session.address(), there.address);
    assert_eq!(session.server().to_string(), name);
    // There is no name to ask for (RFC 6066, section 3).
    assert_eq!(*asked.lock().unwrap(), [None]);

    // A certificate for another address, and for a name.
    for names in [&["::2", "127.0.0.1"][..], &["localhost"]] {
        let there = peer(&rig, "[::1]:0", names, &asked).await;
        let name = format!("[::1]:{}", there.address.port());
        let error = ends(rig.client(&name).connect()).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::TlsWrongName, "{error}");
        assert!(error.to_string().contains(&name), "{error}");
    }
}

#[tokio::test]
async fn the_server_is_asked_for_by_its_name() {
    let (rig, asked) = (Rig::new(), Asked::default());
    let there = peer(&rig, "127.0.0.1:0", &["kms.example"], &asked).await;
    // A dot at the end is none of the name's.
    for name in ["kms.example:5696", "kms.example.:5696"] {
        let config = client(&rig, name, &[there.address]);
        let session = ends(Client::new(config).unwrap().connect()).await.unwrap();
        assert_eq!(session.address(), there.address);
    }
    let expected = Some("kms.example".to_owned());
    assert_eq!(*asked.lock().unwrap(), [expected.clone(), expected]);

    // By an address that the certificate is not for, and without a name.
    let address = there.address.to_string();
    let error = ends(rig.client(&address).connect()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TlsWrongName, "{error}");
}

/// Nobody listens at the first address, the second hangs, the third has a certificate for another name, the fourth
/// closes the connection; the fifth is found. IPv6 and IPv4 by turns.
#[tokio::test]
async fn every_address_of_a_name_is_tried() {
    let (rig, asked) = (Rig::new(), Asked::default());
    let nobody = TcpSocket::new_v6().unwrap();
    nobody.bind("[::1]:0".parse().unwrap()).unwrap();
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let another = peer(&rig, "[::1]:0", &["kms2.example"], &asked).await;
    let closes = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closes_at = closes.local_addr().unwrap();
    let closing = tokio::spawn(async move { while closes.accept().await.is_ok() {} });
    let there = peer(&rig, "[::1]:0", &["kms.example"], &asked).await;
    let addresses = [
        nobody.local_addr().unwrap(),
        hangs.local_addr().unwrap(),
        another.address,
        closes_at,
        there.address,
    ];
    let mut config = client(&rig, "kms.example:5696", &addresses);
    // A fourth of it is what the one that hangs costs.
    config.connect_timeout = Duration::from_secs(16);
    let session = ends(Client::new(config.clone()).unwrap().connect()).await;
    let session = session.unwrap();
    assert_eq!(session.address(), there.address);
    assert_eq!(session.server().to_string(), "kms.example:5696");
    assert_eq!(*asked.lock().unwrap(), [Some("kms.example".to_owned())]);

    // Without the last one: what somebody has to mend speaks for all, with the address that it is about.
    config = client(&rig, "kms.example:5696", &addresses[2..4]);
    let error = ends(Client::new(config).unwrap().connect()).await;
    let error = error.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TlsWrongName, "{error}");
    assert_eq!(error.address(), Some(another.address));
    assert!(
        error.to_string().contains("kms.example:5696 (::1)"),
        "{error}"
    );
    closing.abort();
}

/// As the operating system resolves a name: IPv6 before IPv4, as a rule.
#[tokio::test]
async fn the_addresses_of_localhost() {
    let (rig, asked) = (Rig::new(), Asked::default());
    let there = peer(&rig, "127.0.0.1:0", &["localhost"], &asked).await;
    let client = rig.client(&format!("localhost:{}", there.address.port()));
    let session = ends(client.connect()).await.unwrap();
    assert_eq!(session.address(), there.address);
    assert_eq!(*asked.lock().unwrap(), [Some("localhost".to_owned())]);
}

#[tokio::test]
async fn names_that_lead_nowhere() {
    let rig = Rig::new();
    let failing = Resolver::new(|_| async { Err(io::Error::other("the registry is down")) });
    let empty = Resolver::new(|_| async { Ok(Vec::new()) });
    let hanging = Resolver::new(|_| std::future::pending());
    for (resolver, reason) in [
        (failing, "the registry is down"),
        (empty, "no address"),
        (hanging, "not resolved in time"),
    ] {
        let config = ClientConfig {
            resolver,
            connect_timeout: Duration::from_millis(500),
            ..rig.config("kms.example:5696")
        };
        let error = ends(Client::new(config).unwrap().connect()).await;
        let error = error.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Resolve, "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}
