//! The published OASIS cases, replayed over TLS: each with a client identity of its own.

mod case;
mod compare;
mod needs;
mod not_passed;
mod tree;

use std::collections::BTreeMap;

use kmip::{Limits, text, ttlv};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::rig::{Rig, Running, raw_as};
use case::{Case, Variables};
use compare::Comparison;
use needs::{Need, Provider};
use not_passed::NOT_PASSED;
use tree::Node;

/// Every case is passed, or listed with the reason why not; what is listed is not passed.
#[tokio::test]
#[allow(clippy::print_stderr)]
async fn cases() {
    let Some(mut cases) = case::cases() else {
        eprintln!("skipped: no shared/cases/kmip here, and STRONGROOM_SHARED does not lead to it");
        return;
    };
    assert_eq!(cases.len(), 476);
    // 2.1 has all that 2.0 has: so its cases are cases of 2.1, too.
    let newer: Vec<Case> = cases
        .iter()
        .filter(|case| case.file.starts_with("v2.0/"))
        .map(|case| case.in_minor_version("v2.0 as 2.1", "1"))
        .collect();
    assert_eq!(newer.len(), 66);
    cases.extend(newer);
    if let Some(only) = std::env::var_os("OASIS_CASES") {
        let only = only.to_string_lossy().into_owned();
        cases.retain(|case| case.file.contains(&only));
    }
    let rig = Rig::new();
    let server = rig.start().await;
    let provider = Provider::start(&rig).await;
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    let initiated = cases
        .iter()
        .filter(|case| {
            case.exchanges
                .iter()
                .any(|(request, _)| is_initiated(request))
        })
        .count();
    eprintln!("{initiated} cases have messages that the server would initiate: these are left out");
    for case in &cases {
        let listed = NOT_PASSED.iter().find(|(file, _)| *file == case.file);
        let version = case.file.split('/').next().unwrap_or_default().to_owned();
        let (passed, failed) = counts.entry(version).or_default();
        match (replay(&rig, &server, &provider, case).await, listed) {
            (Ok(()), None) => *passed += 1,
            (Err(_), Some(_)) => *failed += 1,
            (Ok(()), Some(_)) => wrong.push(format!("{}: passed, but listed", case.file)),
            (Err(why), None) => wrong.push(format!("{}: {why}", case.file)),
        }
    }
    for (version, (passed, failed)) in &counts {
        eprintln!("{version}: {passed} passed, {failed} listed as not passed");
    }
    for (file, _) in NOT_PASSED {
        if !cases.iter().any(|case| case.file == *file) && std::env::var_os("OASIS_CASES").is_none()
        {
            wrong.push(format!("{file}: listed, but there is no such case"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Cases that go on with what another one has left behind: part of their name, and of the other's.
const CONTINUES: &[(&str, &str)] = &[
    ("SASED_M_3", "SASED_M_2"),
    ("SASED-M-3", "SASED-M-2"),
    ("TL_M_3", "TL_M_2"),
    ("TL-M-3", "TL-M-2"),
];

/// A client of its own for each case, and for those that go on with it.
fn identity(case: &Case) -> String {
    for (continues, first) in CONTINUES {
        for part in [continues, first] {
            if let Some((version, _)) = case.file.split_once(&format!("/{part}")) {
                return format!("{version}-{first}");
            }
        }
    }
    case.file.replace('/', "-")
}

async fn replay(
    rig: &Rig,
    server: &Running,
    provider: &Provider,
    case: &Case,
) -> Result<(), String> {
    let name = identity(case);
    let need = needs::of(case);
    let server = match need {
        None => server,
        Some(need) => {
            let begin = match need {
                Need::Wait { begin, .. } => begin,
                _ => None,
            };
            provider.clock.begin(begin);
            provider.prepare(rig, &name, need).await;
            &provider.server
        }
    };
    let mut stream = raw_as(rig, server, &name).await;
    let mut variables = Variables::default();
    if need.is_some() {
        variables.ahead = provider.clock.seconds();
    }
    let mut sent = Vec::new();
    let mut has_waited = false;
    for (step, (request, expected)) in case.exchanges.iter().enumerate() {
        if is_initiated(request) {
            continue;
        }
        if let Some(Need::Wait { state, seconds, .. }) = need
            && !has_waited
            && expects(expected, state)
        {
            provider.clock.pass(seconds);
            variables.ahead = provider.clock.seconds();
            has_waited = true;
        }
        let at = |why: String| {
            let operation = request
                .child("BatchItem")
                .map_or("", |item| item.text("Operation"));
            format!("step {step} ({operation}): {why}")
        };
        request.visit(&mut |node| sent.push(node.value.clone()));
        let xml = request.to_xml(&mut |node| variables.fill(node));
        let message = text::xml::to_ttlv(&xml, &Limits::DEFAULT)
            .map_err(|error| at(format!("cannot be sent: {error}")))?;
        let response = exchange(&mut stream, message.as_slice())
            .await
            .map_err(|error| at(error.to_string()))?;
        let element =
            ttlv::check(&response, &Limits::DEFAULT).map_err(|error| at(error.to_string()))?;
        let xml = text::xml::from_ttlv(&element).map_err(|error| at(error.to_string()))?;
        let response: Node = tree::parse(&xml).children.remove(0);
        if expected.children.is_empty() {
            continue;
        }
        Comparison {
            case,
            variables: &mut variables,
            sent: &sent,
            random: false,
        }
        .message(expected, &response)
        .map_err(at)?;
        variables.saw(&response);
    }
    Ok(())
}

/// Whether the value is somewhere in the answer.
fn expects(answer: &Node, value: &str) -> bool {
    let mut found = false;
    answer.visit(&mut |node| found |= node.value == value);
    found
}

/// Whether it is something that the server would send by itself, which this one does not.
fn is_initiated(request: &Node) -> bool {
    request
        .all("BatchItem")
        .all(|item| matches!(item.text("Operation"), "Put" | "Notify"))
}

async fn exchange(stream: &mut TlsStream<TcpStream>, request: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let mut header = [0; 8];
    stream.read_exact(&mut header).await?;
    let total = ttlv::message_bytes(header, &Limits::DEFAULT).map_err(std::io::Error::other)?;
    let mut message = header.to_vec();
    message.resize(total, 0);
    stream.read_exact(&mut message[8..]).await?;
    Ok(message)
}
