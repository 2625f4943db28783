//! The workloads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kmip::operations::LocateRequest;
use kmip::{AttributeValue, Attributes, Name};
use kmip_client::{Client, NewSymmetricKey, Session};

use crate::servers::Server;
use crate::{Fallible, OBJECTS};

/// How many connections work at the same time, where it is not one.
pub(crate) const MANY: usize = 8;
/// Before each Create of the eight connections that make keys beside a Get: about 100 a second each.
const PAUSE: Duration = Duration::from_millis(8);
/// How many objects the workloads have made: each has a Name of its own.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// What is measured: an operation, on so many connections at the same time.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    operation: Operation,
    connections: usize,
    /// How many others make keys meanwhile, at a pace that leaves every server room.
    creating_beside: usize,
    /// Whether the bare server can do it: it cannot search.
    pub(crate) is_for_bare: bool,
}

#[derive(Clone, Copy)]
enum Operation {
    Get,
    GetConnecting,
    Create,
    CreateNowAndThen,
    LocateByName,
}

impl Work {
    pub(crate) const GET: Self = Self::new("Get, one connection", Operation::Get);
    pub(crate) const LOCATE: Self = Self {
        is_for_bare: false,
        ..Self::new("Locate by Name among 1,000", Operation::LocateByName)
    };

    pub(crate) const ALL: [Self; 7] = [
        Self::GET,
        Self {
            connections: MANY,
            ..Self::new("Get, 8 connections", Operation::Get)
        },
        Self::new("Get, a new connection each", Operation::GetConnecting),
        Self {
            creating_beside: MANY,
            ..Self::new("Get, beside Creates", Operation::Get)
        },
        Self::new("Create, one connection", Operation::Create),
        Self {
            connections: MANY,
            ..Self::new("Create, 8 connections", Operation::Create)
        },
        Self::LOCATE,
    ];

    const fn new(name: &'static str, operation: Operation) -> Self {
        Self {
            name,
            operation,
            connections: 1,
            creating_beside: 0,
            is_for_bare: true,
        }
    }

    /// How long each operation took.
    pub(crate) async fn run(self, server: &Server, time: Duration) -> Fallible<Vec<Duration>> {
        let start = |operation: Operation| {
            let (client, id) = (server.client.clone(), server.identifier.clone());
            tokio::spawn(operation.repeat(client, id, time))
        };
        let others: Vec<_> = (0..self.creating_beside)
            .map(|_| start(Operation::CreateNowAndThen))
            .collect();
        let workers: Vec<_> = (0..self.connections)
            .map(|_| start(self.operation))
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.await??);
        }
        for other in others {
            other.await??;
        }
        Ok(all)
    }
}

impl Operation {
    /// On one connection, and how long it took each time.
    async fn repeat(
        self,
        client: Client,
        identifier: String,
        time: Duration,
    ) -> Fallible<Vec<Duration>> {
        let mut session = client.connect().await?;
        let mut taken = Vec::new();
        let begun = Instant::now();
        let mut number = 0_usize;
        while begun.elapsed() < time {
            number += 1;
            let start = Instant::now();
            match self {
                Self::Get => {
                    session.get_symmetric_key(&identifier).await?;
                }
                Self::GetConnecting => {
                    let mut fresh = client.connect().await?;
                    fresh.get_symmetric_key(&identifier).await?;
                }
                Self::Create => create(&mut session).await?,
                Self::CreateNowAndThen => {
                    tokio::time::sleep(PAUSE).await;
                    create(&mut session).await?;
                }
                Self::LocateByName => {
                    let name = format!("object-{}", number * 7919 % OBJECTS);
                    locate(&mut session, &name).await?;
                }
            }
            taken.push(start.elapsed());
        }
        Ok(taken)
    }
}

async fn create(session: &mut Session) -> Fallible<()> {
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    let key = NewSymmetricKey::aes256(format!("made-{made}"));
    session.create_symmetric_key(&key).await?;
    Ok(())
}

async fn locate(session: &mut Session, name: &str) -> Fallible<()> {
    let found = session
        .request(LocateRequest {
            attributes: Attributes::new().with(AttributeValue::Name(Name::text(name))),
            ..LocateRequest::default()
        })
        .await?;
    match found.unique_identifiers.len() {
        1 => Ok(()),
        count => Err(format!("{count} objects are called {name}").into()),
    }
}
