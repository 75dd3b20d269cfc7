//! Traces by the OpenTelemetry libraries, sent as OTLP over HTTP from their own thread.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry::global::{self, BoxedSpan};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanKind, Status, TraceContextExt, Tracer,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

use super::{Links, TRACEPARENT, TraceConfig};

/// Name of the tracer and of its service.
const NAME: &str = "affluenza";
/// Timeout of the collector of spans.
const PATIENCE: Duration = Duration::from_secs(5);

static IS_ON: AtomicBool = AtomicBool::new(false);

/// Sends spans while it lives, and the remaining ones when dropped.
#[derive(Debug)]
pub struct Tracing(SdkTracerProvider);

impl Tracing {
    /// Starts sending the spans of this process; `role` is the name of its command. Returns `None`
    /// without a configured endpoint.
    pub fn start(config: &TraceConfig, role: &'static str) -> Result<Option<Self>, String> {
        if config.endpoint.is_empty() {
            return Ok(None);
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(SpanClient::new())
            .with_endpoint(&config.endpoint)
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| format!("trace.endpoint = {:?}: {error}", config.endpoint))?;
        let resource = Resource::builder()
            .with_service_name(NAME)
            .with_attributes([
                KeyValue::new("service.namespace", NAME),
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("affluenza.role", role),
            ])
            .build();
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.share)));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(sampler)
            .with_resource(resource)
            .build();
        global::set_tracer_provider(provider.clone());
        IS_ON.store(true, Ordering::Relaxed);
        Ok(Some(Self(provider)))
    }

    /// True if spans are sent.
    #[inline]
    pub fn is_on() -> bool {
        IS_ON.load(Ordering::Relaxed)
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// Unit of work. A sampled span is sent when dropped.
#[derive(Debug)]
pub struct Span(Option<BoxedSpan>);

impl Span {
    /// Begins the span of a request, in the trace of its header. `name` consists of method and
    /// route.
    pub fn of_request(name: String, traceparent: Option<&str>) -> Self {
        Self::begin(|tracer| {
            let parent = traceparent.and_then(context).unwrap_or(SpanContext::NONE);
            let builder = tracer.span_builder(name).with_kind(SpanKind::Server);
            tracer.build_with_context(builder, &Context::new().with_remote_span_context(parent))
        })
    }

    /// Begins the span of writing a block, linked to the requests of its records.
    pub fn of_block(links: &Links) -> Self {
        let contexts = links.iter().filter_map(context);
        let contexts = contexts.filter(SpanContext::is_sampled);
        let links: Vec<Link> = contexts.map(Link::with_context).collect();
        Self::begin(|tracer| {
            let builder = tracer
                .span_builder("write block")
                .with_kind(SpanKind::Consumer);
            match links.first() {
                // The span belongs to the first of the traces, and is linked to all.
                Some(first) => {
                    let parent =
                        Context::new().with_remote_span_context(first.span_context.clone());
                    tracer.build_with_context(builder.with_links(links), &parent)
                }
                None => tracer.build_with_context(builder, &Context::new()),
            }
        })
    }

    fn begin(begin: impl FnOnce(&global::BoxedTracer) -> BoxedSpan) -> Self {
        Self(Tracing::is_on().then(|| begin(&global::tracer(NAME))))
    }

    /// Returns the context to send along with this work. `None` if the trace is not sampled.
    pub fn traceparent(&self) -> Option<String> {
        let context = self.0.as_ref()?.span_context().clone();
        if !context.is_sampled() {
            return None;
        }
        let mut headers = HashMap::new();
        TraceContextPropagator::new().inject_context(
            &Context::new().with_remote_span_context(context),
            &mut headers,
        );
        headers.remove(TRACEPARENT)
    }

    /// Sets a numeric attribute, such as a status or a number of records.
    pub fn set(&mut self, name: &'static str, value: i64) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new(name, value));
        }
    }

    /// Marks the span as failed. `what` must not contain personal data.
    pub fn fail(&mut self, what: &str) {
        if let Some(span) = &mut self.0 {
            span.set_status(Status::error(what.to_owned()));
        }
    }
}

/// Parses the context of a header. Returns `None` if it is invalid.
fn context(traceparent: &str) -> Option<SpanContext> {
    let headers = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &headers);
    let context = context.span().span_context().clone();
    context.is_valid().then_some(context)
}

/// Blocking HTTP client. It needs no async runtime, as spans are sent
/// from their own thread.
#[derive(Debug)]
struct SpanClient(ureq::Agent);

impl SpanClient {
    fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .build();
        Self(config.into())
    }
}

#[async_trait::async_trait]
impl HttpClient for SpanClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.0.run(request.map(|body| body.to_vec()))?;
        let (head, mut body) = response.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?.into()))
    }
}
