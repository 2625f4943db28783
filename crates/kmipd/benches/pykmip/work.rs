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

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Work {
    Get,
    GetByMany,
    GetConnecting,
    GetBesideCreates,
    Create,
    CreateByMany,
    /// At a pace that leaves every server room.
    CreateNowAndThen,
    LocateByName,
}

impl Work {
    pub(crate) const ALL: [Self; 7] = [
        Self::Get,
        Self::GetByMany,
        Self::GetConnecting,
        Self::GetBesideCreates,
        Self::Create,
        Self::CreateByMany,
        Self::LocateByName,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "Get, one connection",
            Self::GetByMany => "Get, 8 connections",
            Self::GetConnecting => "Get, a new connection each",
            Self::GetBesideCreates => "Get, beside Creates",
            Self::Create => "Create, one connection",
            Self::CreateByMany => "Create, 8 connections",
            Self::CreateNowAndThen => "Create, now and then",
            Self::LocateByName => "Locate by Name among 1,000",
        }
    }

    /// Whether the bare server can do it: it cannot search.
    pub(crate) fn is_for_bare(self) -> bool {
        self != Self::LocateByName
    }

    /// How long each operation took.
    pub(crate) async fn run(self, server: &Server, time: Duration) -> Fallible<Vec<Duration>> {
        let (count, each, beside) = match self {
            Self::GetByMany => (MANY, Self::Get, 0),
            Self::CreateByMany => (MANY, Self::Create, 0),
            Self::GetBesideCreates => (1, Self::Get, MANY),
            alone => (1, alone, 0),
        };
        let start = |work: Self| {
            let (client, id) = (server.client.clone(), server.identifier.clone());
            tokio::spawn(work.run_alone(client, id, time))
        };
        let others: Vec<_> = (0..beside).map(|_| start(Self::CreateNowAndThen)).collect();
        let workers: Vec<_> = (0..count).map(|_| start(each)).collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.await??);
        }
        for other in others {
            other.await??;
        }
        Ok(all)
    }

    async fn run_alone(
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
                Self::Get | Self::GetByMany | Self::GetBesideCreates => {
                    session.get_symmetric_key(&identifier).await?;
                }
                Self::GetConnecting => {
                    let mut fresh = client.connect().await?;
                    fresh.get_symmetric_key(&identifier).await?;
                }
                Self::Create | Self::CreateByMany | Self::CreateNowAndThen => {
                    if self == Self::CreateNowAndThen {
                        tokio::time::sleep(PAUSE).await;
                    }
                    let made = MADE.fetch_add(1, Ordering::Relaxed);
                    let key = NewSymmetricKey::aes256(format!("made-{made}"));
                    session.create_symmetric_key(&key).await?;
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
