//! Throughput and processor time of two running servers, measured with the Rust driver.
//! `benches/run` starts the servers and this.
//!
//! Each workload runs on the server without encryption and on the one with, by turns, for a short
//! time and many rounds, so that what disturbs the machine disturbs both; with one connection that
//! waits for each answer, and with several. `benches/throughput.py` measures the same with pymongo.
#![allow(
    clippy::print_stdout,
    reason = "a program, and the table is what it is for"
)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use futures_util::future::try_join_all;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{RawBson, RawDocumentBuf, cstr, doc, rawdoc};
use mongodb::options::ClientOptions;
use mongodb::{Client, Collection, Database, IndexModel};

const DOCUMENT_BYTES: usize = 1024;
const DOCUMENTS: i32 = 10_000;
const GROUP_DOCUMENTS: i32 = 1_000;
const RANGE_DOCUMENTS: i32 = 100;
const BATCH_DOCUMENTS: i32 = 100;
/// Without a common factor with [`DOCUMENTS`]: the order of `k` has nothing to do with that of
/// `_id`.
const SHUFFLE: i32 = 7_919;

/// Measures two running servers; `benches/run` starts them.
#[derive(Parser)]
struct Options {
    /// The server without encryption.
    #[arg(long, num_args = 2, required = true, value_names = ["PORT", "PID"])]
    clear: Vec<u32>,
    /// The one with.
    #[arg(long, num_args = 2, required = true, value_names = ["PORT", "PID"])]
    encrypted: Vec<u32>,
    /// How often each workload runs on each server.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How long it runs each time.
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
    /// How many clients ask at the same time; 1 and then 8 if it is not given.
    #[arg(long)]
    connections: Option<usize>,
    /// Only workloads whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// `cargo bench` adds it.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What a client does again and again.
#[derive(Clone, Copy)]
enum Workload {
    InsertOne,
    InsertMany,
    FindById,
    FindByIndex,
    IncrementById,
    FindRange,
    MatchAndGroup,
}

impl Workload {
    const ALL: [Self; 7] = [
        Self::InsertOne,
        Self::InsertMany,
        Self::FindById,
        Self::FindByIndex,
        Self::IncrementById,
        Self::FindRange,
        Self::MatchAndGroup,
    ];

    fn name(self) -> String {
        match self {
            Self::InsertOne => "insert_one".to_owned(),
            Self::InsertMany => format!("insert_many of {BATCH_DOCUMENTS}"),
            Self::FindById => "find_one by _id".to_owned(),
            Self::FindByIndex => "find_one by an index".to_owned(),
            Self::IncrementById => "$inc by _id".to_owned(),
            Self::FindRange => format!("range of {RANGE_DOCUMENTS} by _id"),
            Self::MatchAndGroup => format!("$match and $group of {GROUP_DOCUMENTS}"),
        }
    }

    /// Does it once. A fast wrong answer is no result.
    async fn run(self, database: &Database) -> Result<()> {
        let documents: Collection<RawDocumentBuf> = database.collection("documents");
        match self {
            Self::InsertOne => {
                let inserted: Collection<RawDocumentBuf> = database.collection("inserted_one");
                inserted.insert_one(new_document(0)?).await?;
            }
            Self::InsertMany => {
                let inserted: Collection<RawDocumentBuf> = database.collection("inserted_many");
                let batch = (0..BATCH_DOCUMENTS)
                    .map(new_document)
                    .collect::<Result<Vec<_>>>()?;
                inserted.insert_many(batch).await?;
            }
            Self::FindById => {
                let id = rand::random_range(0..DOCUMENTS);
                let found = documents.find_one(doc! { "_id": id }).await?;
                ensure!(found.context("no document")?.get_i32("_id")? == id);
            }
            Self::FindByIndex => {
                let k = rand::random_range(0..DOCUMENTS);
                let found = documents.find_one(doc! { "k": k }).await?;
                ensure!(found.context("no document")?.get_i32("k")? == k);
            }
            Self::IncrementById => {
                let id = rand::random_range(0..DOCUMENTS);
                let increment = doc! { "$inc": { "n": 1 } };
                let result = documents.update_one(doc! { "_id": id }, increment).await?;
                ensure!(result.modified_count == 1);
            }
            Self::FindRange => {
                let low = rand::random_range(0..DOCUMENTS - RANGE_DOCUMENTS);
                let range = doc! { "_id": { "$gte": low, "$lt": low + RANGE_DOCUMENTS } };
                let mut cursor = documents.find(range).await?;
                let mut count = 0;
                while cursor.advance().await? {
                    count += 1;
                }
                ensure!(count == RANGE_DOCUMENTS);
            }
            Self::MatchAndGroup => {
                let group = rand::random_range(0..DOCUMENTS / GROUP_DOCUMENTS);
                let sums =
                    doc! { "_id": "$group", "count": { "$sum": 1 }, "sum": { "$sum": "$k" } };
                let pipeline = [
                    doc! { "$match": { "group": group } },
                    doc! { "$group": sums },
                ];
                let mut cursor = documents.aggregate(pipeline).await?;
                ensure!(cursor.advance().await?);
                ensure!(cursor.current().get_i32("count")? == GROUP_DOCUMENTS);
            }
        }
        Ok(())
    }
}

/// A document of [`DOCUMENT_BYTES`] bytes with `id`.
fn document(id: impl Into<RawBson>, number: i32) -> Result<RawDocumentBuf> {
    let mut document = rawdoc! {
        "_id": id,
        "k": number * SHUFFLE % DOCUMENTS,
        "group": number / GROUP_DOCUMENTS,
        "n": 0,
    };
    // The type, the name and its NUL, the length and the text's NUL.
    let overhead = 1 + "text".len() + 1 + 4 + 1;
    let length = DOCUMENT_BYTES - document.as_bytes().len() - overhead;
    let begin = rand::random_range(0..TEXT.len() - length);
    let text = TEXT
        .get(begin..begin + length)
        .context("the text is ASCII")?;
    document.append(cstr!("text"), text);
    debug_assert_eq!(document.as_bytes().len(), DOCUMENT_BYTES);
    Ok(document)
}

fn new_document(number: i32) -> Result<RawDocumentBuf> {
    document(ObjectId::new(), number)
}

/// Text that no compression makes disappear; each document begins elsewhere in it.
static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    use rand::Rng;
    rand::rng()
        .sample_iter(rand::distr::Alphanumeric)
        .take(64 << 10)
        .map(char::from)
        .collect()
});

/// What one round measured.
struct Measured {
    operations: u64,
    elapsed: Duration,
    cpu: Duration,
}

impl Measured {
    fn rate(&self) -> f64 {
        self.operations as f64 / self.elapsed.as_secs_f64()
    }
}

/// A server under measurement.
struct Server {
    pid: u32,
    database: Database,
}

impl Server {
    async fn connect(address: &[u32]) -> Result<Self> {
        let [port, pid] = address else {
            anyhow::bail!("a port and a process are needed");
        };
        let uri = format!("mongodb://127.0.0.1:{port}/?directConnection=true");
        let client = Client::with_options(ClientOptions::parse(uri).await?)?;
        Ok(Self {
            pid: *pid,
            database: client.database("bench_rust"),
        })
    }

    /// Makes the documents that are read and updated.
    async fn load(&self) -> Result<()> {
        self.database.drop().await?;
        let documents: Collection<RawDocumentBuf> = self.database.collection("documents");
        for group in 0..DOCUMENTS / GROUP_DOCUMENTS {
            let numbers = group * GROUP_DOCUMENTS..(group + 1) * GROUP_DOCUMENTS;
            let batch = numbers
                .map(|number| document(number, number))
                .collect::<Result<Vec<_>>>()?;
            documents.insert_many(batch).await?;
        }
        for field in ["k", "group"] {
            let index = IndexModel::builder().keys(doc! { field: 1 }).build();
            documents.create_index(index).await?;
        }
        Ok(())
    }

    /// What the process has used so far, user and system.
    fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat is strange")?;
        let ticks = fields
            .split_ascii_whitespace()
            .skip(11)
            .take(2)
            .map(|field| Ok(field.parse::<u64>()?))
            .sum::<Result<u64>>()?;
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_secs(ticks) / u32::try_from(per_second)?)
    }

    async fn measure(
        &self,
        workload: Workload,
        connections: usize,
        duration: Duration,
    ) -> Result<Measured> {
        let cpu = self.cpu()?;
        let began = Instant::now();
        let operations = AtomicU64::new(0);
        let clients = (0..connections).map(|_| async {
            while began.elapsed() < duration {
                workload.run(&self.database).await?;
                operations.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
        try_join_all(clients).await?;
        Ok(Measured {
            operations: operations.into_inner(),
            elapsed: began.elapsed(),
            cpu: self.cpu()?.saturating_sub(cpu),
        })
    }
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let high = values.get(values.len() / 2).copied();
    let low = values.get(values.len().saturating_sub(1) / 2).copied();
    low.zip(high).map_or(f64::NAN, |(a, b)| f64::midpoint(a, b))
}

/// Microseconds of the processor for each operation.
fn cpu_micros(rounds: &[Measured]) -> f64 {
    let cpu: Duration = rounds.iter().map(|round| round.cpu).sum();
    let operations: u64 = rounds.iter().map(|round| round.operations).sum();
    cpu.as_secs_f64() * 1e6 / operations as f64
}

fn print_row(workload: Workload, clear: &[Measured], encrypted: &[Measured]) {
    let ratio = median(
        clear
            .iter()
            .zip(encrypted)
            .map(|(clear, encrypted)| encrypted.rate() / clear.rate()),
    );
    let (cpu_clear, cpu_encrypted) = (cpu_micros(clear), cpu_micros(encrypted));
    println!(
        "| {} | {:.0} | {:.0} | {ratio:.2} | {cpu_clear:.0} | {cpu_encrypted:.0} | {:.2} |",
        workload.name(),
        median(clear.iter().map(Measured::rate)),
        median(encrypted.iter().map(Measured::rate)),
        cpu_encrypted / cpu_clear,
    );
}

/// One thread, so that the client leaves the rest of the machine to the servers.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let clear = Server::connect(&options.clear).await?;
    let encrypted = Server::connect(&options.encrypted).await?;
    clear.load().await?;
    encrypted.load().await?;
    let duration = Duration::from_secs_f64(options.seconds);
    let counts = options.connections.map_or(vec![1, 8], |count| vec![count]);
    for connections in counts {
        println!("\nRust driver, {connections} at a time:\n");
        println!("| workload | ops/s | encrypted | ratio | CPU µs/op | encrypted | ratio |");
        println!("|---|--:|--:|--:|--:|--:|--:|");
        for workload in Workload::ALL {
            if !workload.name().contains(&options.only) {
                continue;
            }
            for server in [&clear, &encrypted] {
                server.measure(workload, connections, duration / 2).await?;
            }
            let (mut rounds_clear, mut rounds_encrypted) = (Vec::new(), Vec::new());
            for round in 0..options.rounds {
                let mut turns = [
                    (&clear, &mut rounds_clear),
                    (&encrypted, &mut rounds_encrypted),
                ];
                if round % 2 == 1 {
                    turns.reverse();
                }
                for (server, rounds) in turns {
                    rounds.push(server.measure(workload, connections, duration).await?);
                }
            }
            print_row(workload, &rounds_clear, &rounds_encrypted);
        }
    }
    Ok(())
}
