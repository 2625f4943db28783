//! `-v`: what is going on, on standard error.

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// What `verbose` occurrences of `-v` ask for: our own crates from DEBUG (one) or TRACE (more) up. `None` without any.
pub fn subscriber<W>(verbose: u8, writer: W) -> Option<impl Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = match verbose {
        0 => return None,
        1 => "debug",
        _ => "trace",
    };
    let ours = ["kmip_tool", "kmip_client", "kmip", "tls"];
    let directives = ours.map(|name| format!("{name}={level}")).join(",");
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .parse_lossy(directives);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false)
        .with_filter(filter);
    Some(Registry::default().with(layer))
}
