//! The `tracing` layer: decides what is logged, and turns events into lines.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::line::{self, Fields};
use super::{Shared, component, events, library, severity};

/// Longest buffer that a thread keeps between lines, in bytes.
const KEPT_BUFFER_BYTES: usize = 64 * 1024;

thread_local! {
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}

pub(super) struct LogLayer {
    pub(super) shared: Arc<Shared>,
}

/// The `ctx` of a span, for the events within it.
struct SpanContext(String);

impl LogLayer {
    fn level(&self) -> Level {
        match self.shared.verbosity.load(Ordering::Relaxed) {
            0 => Level::INFO,
            1 | 2 => Level::DEBUG,
            _ => Level::TRACE,
        }
    }

    /// Libraries are not ours to judge: what they say below a warning may hold data or key material.
    fn is_logged(&self, metadata: &Metadata<'_>) -> bool {
        let most = if component::of_target(metadata.target()).is_some() {
            self.level()
        } else {
            Level::WARN
        };
        *metadata.level() <= most
    }
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.is_logged(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.is_logged(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.level()))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        struct Find(Option<String>);
        impl Visit for Find {
            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "ctx" {
                    self.0 = Some(value.to_owned());
                }
            }
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                if field.name() == "ctx" {
                    self.0 = Some(format!("{value:?}"));
                }
            }
        }
        let mut find = Find(None);
        attributes.record(&mut find);
        if let (Some(ctx), Some(span)) = (find.0, context.span(id)) {
            span.extensions_mut().insert(SpanContext(ctx));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let meaning = match fields.id {
            0 => library::meaning(metadata.target(), *metadata.level(), &fields.message),
            _ => None,
        };
        if let Some(meaning) = meaning {
            fields.id = u64::from(meaning.id);
            fields.message = meaning.message.to_owned();
        }
        let routine = || events::ROUTINE.iter().any(|id| u64::from(*id) == fields.id);
        if self.shared.quiet.load(Ordering::Relaxed) && routine() {
            return;
        }
        if fields.ctx.is_none() {
            fields.ctx = context.event_scope(event).and_then(|mut scope| {
                scope.find_map(|span| {
                    span.extensions()
                        .get::<SpanContext>()
                        .map(|ctx| ctx.0.clone())
                })
            });
        }
        let severity = if fields.fatal {
            "F"
        } else {
            severity(*metadata.level())
        };
        let component = match meaning {
            Some(meaning) => meaning.component,
            None => component::of_target(metadata.target()).unwrap_or(component::DEFAULT),
        };
        let thread = std::thread::current();
        let ctx = fields
            .ctx
            .as_deref()
            .or(thread.name())
            .unwrap_or(component::DEFAULT);
        LINE.with_borrow_mut(|line| {
            line.clear();
            line::write(
                line,
                OffsetDateTime::now_utc(),
                severity,
                component,
                ctx,
                &fields,
            );
            self.shared.sink.write(line.as_bytes());
            self.shared.recent.add(line, fields.startup_warning);
            line.shrink_to(KEPT_BUFFER_BYTES);
        });
    }
}
