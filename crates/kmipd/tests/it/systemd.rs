//! What systemd is told, over a real socket.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::rig::Rig;

/// No test waits for it, unless it fails.
const GENEROUS: Duration = Duration::from_secs(120);

/// The next datagram but those of the watchdog, which come at any time.
fn told(socket: &UnixDatagram) -> String {
    loop {
        let text = any(socket);
        if text != "WATCHDOG=1" {
            return text;
        }
    }
}

fn any(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let got = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..got].to_vec())
        .unwrap()
        .trim()
        .to_owned()
}

fn microseconds(text: &str) -> u64 {
    let field = text
        .lines()
        .find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    field.unwrap().parse().unwrap()
}

#[tokio::test]
async fn ready_reloading_alive_stopping() {
    let rig = Rig::new();
    let path = rig.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(GENEROUS)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmipd"));
    command
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "200000")
        .env_remove("WATCHDOG_PID");
    let server = rig.start_by(command);
    assert_eq!(told(&socket), "READY=1");
    // It serves when it says so.
    let mut session = rig.connect(&server, "strongroom").await;
    session.query().await.unwrap();

    // Twice as often as it must.
    let begun = Instant::now();
    for _ in 0..4 {
        assert_eq!(any(&socket), "WATCHDOG=1");
    }
    assert!(begun.elapsed() < GENEROUS);

    let mut last = 0;
    for is_fine in [true, false] {
        if !is_fine {
            rig.configure("tenants:", "tenant:");
        }
        server.signal("HUP");
        let reloading = told(&socket);
        assert!(reloading.starts_with("RELOADING=1\n"), "{reloading}");
        // systemd compares it with when it asked.
        let at = microseconds(&reloading);
        assert!(at > last);
        last = at;
        // Also after a reload that came to nothing: it serves as before.
        assert_eq!(told(&socket), "READY=1");
    }
    session.query().await.unwrap();
    server.signal("TERM");
    assert_eq!(told(&socket), "STOPPING=1");
    server.stopped();
}

/// The unit has what the program relies on.
#[test]
fn the_unit() {
    let unit = include_str!("../../../../packaging/kmipd.service");
    for line in [
        "Type=notify-reload",
        "TimeoutStartSec=",
        "TimeoutStopSec=",
        "WatchdogSec=",
        "UMask=0077",
    ] {
        let is_there = unit.lines().any(|own| own.starts_with(line));
        assert!(is_there, "{line}");
    }
}
