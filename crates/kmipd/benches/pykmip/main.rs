//! `kmipd` side by side with PyKMIP's server: the same client, the same certificates, the same work on both by turns;
//! and beside them the least that any server does (`bare`), to show what the machine and the client leave to be gained.
//! `./benches/run kmip` builds it and runs it; docs/performance.md says how to read it.
//!
//! ```text
//! --kmipd FILE      the server (release build)
//! --pykmip FILE     PyKMIP's pykmip-server; without it, PyKMIP is left out
//! --rounds N        how often each workload runs on each server (5)
//! --seconds S       how long it runs each time (2)
//! --objects N       among how many objects kmipd searches in the end (100000); 0: not at all
//! --only NAME       only workloads whose name contains NAME
//! ```

mod bare;
mod measured;
mod servers;
mod work;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use measured::Measured;
use servers::Server;
use work::Work;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How many objects each server has when it is measured: PyKMIP takes twenty seconds to make them.
const OBJECTS: usize = 1_000;

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1).filter(|name| name != "--bench");
    let options = match arguments.next().as_deref() {
        Some(bare::ARGUMENT) => {
            let directory = arguments.next().ok_or("no directory")?;
            return bare::serve(Path::new(&directory));
        }
        first => Options::parse(first.map(str::to_owned).into_iter().chain(arguments))?,
    };
    // On one thread: a second one would only take the processor from the servers.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&options))
}

struct Options {
    kmipd: PathBuf,
    pykmip: Option<PathBuf>,
    rounds: usize,
    seconds: f64,
    objects: usize,
    only: String,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Fallible<Self> {
        let mut options = Self {
            kmipd: PathBuf::new(),
            pykmip: None,
            rounds: 5,
            seconds: 2.0,
            objects: 100_000,
            only: String::new(),
        };
        while let Some(name) = arguments.next() {
            let value = arguments
                .next()
                .ok_or_else(|| format!("{name} has no value"))?;
            match name.as_str() {
                "--kmipd" => options.kmipd = value.into(),
                "--pykmip" => options.pykmip = Some(value.into()),
                "--rounds" => options.rounds = value.parse()?,
                "--seconds" => options.seconds = value.parse()?,
                "--objects" => options.objects = value.parse()?,
                "--only" => options.only = value,
                other => return Err(format!("{other} is not known").into()),
            }
        }
        Ok(options)
    }

    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

async fn run(options: &Options) -> Fallible<()> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let tls = servers::certificates(directory)?;
    let mut servers = Vec::new();
    if let Some(pykmip) = &options.pykmip {
        servers.push(Server::pykmip(pykmip, directory, tls.clone()).await?);
    }
    servers.push(Server::kmipd(&options.kmipd, directory, tls.clone()).await?);
    for server in &servers {
        server.load(0, OBJECTS).await?;
    }
    servers.push(Server::bare(directory, tls).await?);

    say("| workload | server | operations/s | p50 ms | p99 ms | CPU µs/op |");
    say("|---|---|--:|--:|--:|--:|");
    let mut ratios = Vec::new();
    for work in Work::ALL {
        if work.name.contains(&options.only) {
            ratios.extend(side_by_side(options, work, &servers).await?);
        }
    }
    if !ratios.is_empty() {
        say("\n| workload | kmipd / PyKMIP | bare / PyKMIP | PyKMIP's CPU / kmipd's |");
        say("|---|--:|--:|--:|");
        ratios.iter().for_each(|line| say(line));
    }
    for server in &servers {
        say(&format!(
            "\n{}: {:.0} MiB resident.",
            server.name,
            server.memory()
        ));
    }
    if options.objects > OBJECTS {
        let kmipd = servers.iter().find(|server| server.name == servers::KMIPD);
        among_many(options, kmipd.ok_or("no kmipd")?).await?;
    }
    Ok(())
}

/// One workload on all servers by turns; a line of ratios if PyKMIP is among them.
async fn side_by_side(
    options: &Options,
    work: Work,
    servers: &[Server],
) -> Fallible<Option<String>> {
    let able: Vec<&Server> = servers
        .iter()
        .filter(|server| server.name != bare::NAME || work.is_for_bare)
        .collect();
    let mut measured: Vec<Measured> = able.iter().map(|_| Measured::default()).collect();
    for _ in 0..options.rounds {
        for (server, measured) in able.iter().zip(&mut measured) {
            measured.round(work, server, options.time()).await?;
        }
    }
    for (server, measured) in able.iter().zip(&measured) {
        say(&format!(
            "| {} | {} | {:.0} | {:.2} | {:.2} | {:.0} |",
            work.name,
            server.name,
            measured.median(),
            measured.percentile(50),
            measured.percentile(99),
            measured.cpu_micros(),
        ));
    }
    let of = |name| able.iter().position(|server| server.name == name);
    let get = |name| of(name).and_then(|place| measured.get(place));
    let (Some(theirs), Some(ours)) = (get(servers::PYKMIP), get(servers::KMIPD)) else {
        return Ok(None);
    };
    let least = get(bare::NAME).map_or("".to_owned(), |least| {
        format!("{:.0}", least.median() / theirs.median())
    });
    Ok(Some(format!(
        "| {} | {:.0} | {least} | {:.0} |",
        work.name,
        ours.median() / theirs.median(),
        theirs.cpu_micros() / ours.cpu_micros(),
    )))
}

/// What it costs to have many objects.
async fn among_many(options: &Options, kmipd: &Server) -> Fallible<()> {
    say(&format!(
        "\nkmipd, Locate by Name and Get among {} objects:\n",
        options.objects
    ));
    let before = Instant::now();
    kmipd.load(OBJECTS, options.objects).await?;
    say(&format!(
        "made by 8 connections in {:.0} s.",
        before.elapsed().as_secs_f64()
    ));
    for work in [Work::LOCATE, Work::GET] {
        let mut many = Measured::default();
        for _ in 0..options.rounds {
            many.round(work, kmipd, options.time()).await?;
        }
        say(&format!(
            "{}: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms.",
            work.name.split([',', ' ']).next().unwrap_or_default(),
            many.median(),
            many.percentile(50),
            many.percentile(99)
        ));
    }
    say(&format!("{:.0} MiB resident.", kmipd.memory()));
    Ok(())
}

#[allow(clippy::print_stdout)]
fn say(line: &str) {
    println!("{line}");
}
