//! Metrics in Prometheus' text format, and health, over plain HTTP.

use std::convert::Infallible;
use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use kmip_server::{REQUEST_SECONDS, ServerHandle};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::audit::Audit;
use crate::policy::PolicyAuthority;

/// Connections at once; more wait.
const MAX_CONNECTIONS: usize = 16;

/// For a whole exchange.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What the numbers come from.
#[derive(Clone)]
pub(crate) struct Observed {
    pub(crate) server: ServerHandle,
    pub(crate) audit: Arc<Audit>,
    pub(crate) authority: Arc<PolicyAuthority>,
}

pub(crate) async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "metrics and health listening");
    Ok(listener)
}

/// Answers for ever.
pub(crate) async fn serve(listener: TcpListener, observed: Observed) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let Ok((tcp, _)) = listener.accept().await else {
            // Too many open files, say: a pause, so that the loop does not spin.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let observed = observed.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let response = answer(&request, &observed);
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new()
                .keep_alive(false)
                .timer(TokioTimer::new())
                .header_read_timeout(TIMEOUT)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(tcp), answer);
            let _ = tokio::time::timeout(TIMEOUT, connection).await;
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, observed: &Observed) -> Response<Full<Bytes>> {
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        _ if !get => text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned()),
        "/metrics" => text(StatusCode::OK, render(observed)),
        "/health" => health(
            observed.audit.is_healthy(),
            observed.server.is_store_healthy(),
        ),
        _ => text(
            StatusCode::NOT_FOUND,
            "there are /metrics and /health\n".to_owned(),
        ),
    }
}

/// Whether changes are possible: those who ask may be load balancers.
fn health(audit: bool, store: bool) -> Response<Full<Bytes>> {
    let mut wrong = String::new();
    if !store {
        wrong.push_str("the objects cannot be written; after a failed sync only a restart helps\n");
    }
    if !audit {
        wrong.push_str("the audit log cannot be written\n");
    }
    match wrong.is_empty() {
        true => text(StatusCode::OK, "ok\n".to_owned()),
        false => text(StatusCode::SERVICE_UNAVAILABLE, wrong),
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    response
}

/// Prometheus' text format.
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, "counter", help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, "gauge", help);
        let _ = writeln!(self.0, "{name} {value}");
    }
}

fn render(observed: &Observed) -> String {
    let stats = observed.server.stats();
    let mut page = Page(String::with_capacity(8 * 1024));
    page.gauge(
        "kmipd_connections",
        "Open connections.",
        stats.connections.get(),
    );
    page.gauge(
        "kmipd_handshakes",
        "TLS handshakes under way.",
        stats.handshakes.get(),
    );
    page.gauge(
        "kmipd_requests_under_way",
        "Requests that are being performed.",
        stats.requests_under_way.get(),
    );
    for (name, help, counter) in [
        (
            "kmipd_connections_accepted_total",
            "Connections accepted.",
            &stats.accepted,
        ),
        (
            "kmipd_connections_refused_total",
            "Connections closed because there were too many, in all or of the client.",
            &stats.connections_refused,
        ),
        (
            "kmipd_handshakes_failed_total",
            "TLS handshakes that failed.",
            &stats.handshakes_failed,
        ),
        (
            "kmipd_handshakes_abandoned_total",
            "TLS handshakes that took too long, or made room for others.",
            &stats.handshakes_abandoned,
        ),
        (
            "kmipd_connections_evicted_total",
            "Connections closed because they were idle for the longest and others needed their place.",
            &stats.connections_evicted,
        ),
        (
            "kmipd_requests_throttled_total",
            "Requests refused because the client sent too many.",
            &stats.requests_throttled,
        ),
        (
            "kmipd_requests_unauthenticated_total",
            "Requests refused because of who sent them.",
            &stats.requests_unauthenticated,
        ),
        (
            "kmipd_requests_malformed_total",
            "Messages that could not be read.",
            &stats.requests_malformed,
        ),
        (
            "kmipd_request_bytes_total",
            "Bytes of requests.",
            &stats.request_bytes,
        ),
        (
            "kmipd_response_bytes_total",
            "Bytes of answers.",
            &stats.response_bytes,
        ),
        (
            "kmipd_audit_refusals_total",
            "Items and requests that failed because they could not be audited.",
            &stats.audit_failures,
        ),
        (
            "kmipd_audit_events_total",
            "Events told to the audit log.",
            &observed.audit.stats().events,
        ),
        (
            "kmipd_audit_file_failures_total",
            "Events that the audit file could not take.",
            &observed.audit.stats().file_failures,
        ),
        (
            "kmipd_audit_syslog_failures_total",
            "Events that syslog could not take.",
            &observed.audit.stats().syslog_failures,
        ),
    ] {
        page.counter(name, help, counter.get());
    }
    page.counter(
        "kmipd_audit_rotation_failures_total",
        "Times that the audit file was full and could not be replaced by a new one.",
        observed.audit.rotation_failures(),
    );
    if let Some(seq) = observed.audit.last_seq() {
        page.gauge(
            "kmipd_audit_last_line",
            "The number of the last line of the audit log.",
            seq,
        );
    }
    page.gauge(
        "kmipd_audit_failing",
        "1 while the audit file cannot be written.",
        u8::from(!observed.audit.is_healthy()),
    );
    page.gauge(
        "kmipd_objects",
        "Objects of all tenants, destroyed ones included.",
        observed.server.objects(),
    );
    page.counter(
        "kmipd_store_failures_total",
        "Writes and syncs of objects that failed.",
        observed.server.store_failures(),
    );
    page.gauge(
        "kmipd_store_failing",
        "1 while objects cannot be written.",
        u8::from(!observed.server.is_store_healthy()),
    );
    operations(&mut page, observed);
    request_seconds(&mut page, observed);
    page.gauge(
        "kmipd_certificate_not_after_seconds",
        "When the server's certificate ends, in seconds since 1970.",
        observed.server.certificate().not_after_unix_secs,
    );
    page.gauge(
        "kmipd_revoked_certificates",
        "Certificates on the revocation lists.",
        observed.authority.current().revoked(),
    );
    page.0
}

fn operations(page: &mut Page, observed: &Observed) {
    let name = "kmipd_operations_total";
    page.head(name, "counter", "Batch items by operation and result.");
    for count in observed.server.stats().operations() {
        for (result, value) in [("success", count.succeeded), ("failure", count.failed)] {
            let _ = writeln!(
                page.0,
                "{name}{{operation=\"{}\",result=\"{result}\"}} {value}",
                count.operation
            );
        }
    }
}

fn request_seconds(page: &mut Page, observed: &Observed) {
    let name = "kmipd_request_duration_seconds";
    page.head(
        name,
        "histogram",
        "From the last byte of a request to its answer.",
    );
    let stats = observed.server.stats();
    let buckets = stats.request_buckets();
    let mut sum = 0;
    for (bound, count) in REQUEST_SECONDS.iter().zip(&buckets) {
        sum += count;
        let _ = writeln!(page.0, "{name}_bucket{{le=\"{bound}\"}} {sum}");
    }
    let all: u64 = buckets.iter().sum();
    let _ = writeln!(page.0, "{name}_bucket{{le=\"+Inf\"}} {all}");
    let _ = writeln!(page.0, "{name}_sum {}", stats.request_time().as_secs_f64());
    let _ = writeln!(page.0, "{name}_count {all}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_well_is_said() {
        for (audit, store, status) in [
            (true, true, StatusCode::OK),
            (false, true, StatusCode::SERVICE_UNAVAILABLE),
            (true, false, StatusCode::SERVICE_UNAVAILABLE),
            (false, false, StatusCode::SERVICE_UNAVAILABLE),
        ] {
            assert_eq!(health(audit, store).status(), status, "{audit} {store}");
        }
    }
}
