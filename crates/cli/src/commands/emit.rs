//! `affluenza emit`: sends one event by hand.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use affluenza_event::wire::{Client, Data, Envelope};
use affluenza_event::{ACCESS_V1, Channel, Kind, Login, Outcome, Resource, SERVICE_USE_V1};
use affluenza_kafka::{Cluster, Writer};
use anyhow::{Context, Result, bail, ensure};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use strum::VariantNames;

use crate::commands::names::GivenNames;
use crate::output;
use crate::platform::Needs;
use crate::settings::Settings;

/// Timeout of Kafka's acknowledgement.
const PATIENCE: Duration = Duration::from_secs(30);
/// Timeout of a request to the collector.
const COLLECTOR_PATIENCE: Duration = Duration::from_secs(10);

/// Parses one of the names of an enum.
fn one_of<T>() -> impl TypedValueParser<Value = T>
where
    T: VariantNames + FromStr<Err = strum::ParseError> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(T::VARIANTS)
        .map(|name| name.parse().expect("only known names get here"))
}

/// One event: a service use if a kind is given, otherwise an access.
#[derive(Debug, clap::Args)]
pub struct Emit {
    /// Public body, by code or name in the register.
    #[arg(long)]
    ente: String,
    /// Portal, by code or name in the register.
    #[arg(long)]
    portal: String,
    /// Service, by code or name in the register.
    #[arg(long)]
    service: Option<String>,
    /// Kind of the service use.
    #[arg(long, value_parser = one_of::<Kind>(), requires = "service")]
    kind: Option<Kind>,
    /// Resource of the access. Default: a page.
    #[arg(long, value_parser = one_of::<Resource>(), conflicts_with = "kind")]
    resource: Option<Resource>,
    /// Outcome. Default: completed.
    #[arg(long, value_parser = one_of::<Outcome>())]
    outcome: Option<Outcome>,
    /// Channel. Default: web.
    #[arg(long, value_parser = one_of::<Channel>())]
    channel: Option<Channel>,
    /// Login method. Default: none.
    #[arg(long, value_parser = one_of::<Login>())]
    login: Option<Login>,
    /// Opaque token of the session.
    #[arg(long)]
    session: Option<String>,
    /// Opaque token of the visitor.
    #[arg(long)]
    visitor: Option<String>,
    /// Address of the client; it is truncated before it is sent.
    #[arg(long)]
    ip: Option<std::net::IpAddr>,
    /// User agent of the client.
    #[arg(long)]
    user_agent: Option<String>,
    /// Country of the client, two letters.
    #[arg(long)]
    country: Option<String>,
    /// Portal instance, as a URI.
    #[arg(long, default_value = "urn:affluenza:emit")]
    source: String,
    /// Id of the event within its source. Default: a new UUIDv7.
    #[arg(long)]
    id: Option<String>,
    /// Time of the event, as RFC 3339 with an offset. Default: now.
    #[arg(long)]
    time: Option<String>,
    /// URL of the collector, with the key in AFFLUENZA_KEY. Default: send to Kafka as configured.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Print the event, and send nothing.
    #[arg(long)]
    dry_run: bool,
}

pub fn run(settings: &Settings, args: &Emit) -> Result<()> {
    let now = jiff::Timestamp::now();
    let id = match &args.id {
        Some(id) => id.clone(),
        None => uuid::Uuid::now_v7().to_string(),
    };
    let now_text = now.to_string();
    let register = super::register(settings)?;
    let names = GivenNames(&register);
    let ente = names.ente(&args.ente);
    let codes = EventCodes {
        ente,
        portal: names.portal(ente, &args.portal),
        service: args.service.as_deref().map(|given| names.service(given)),
    };
    let event = event(args, &codes, &id, &now_text);
    let json = serde_json::to_vec(&event)?;
    if let Err(refusal) = affluenza_event::parse(&json, now.into()) {
        bail!("{refusal}");
    }
    if !args.dry_run {
        match &args.url {
            Some(url) => to_collector(url, &json)?,
            None => to_kafka(settings, event.key(), &json)?,
        }
    }
    output::print(&String::from_utf8_lossy(&json))
}

/// Codes of the event.
struct EventCodes<'a> {
    ente: &'a str,
    portal: &'a str,
    service: Option<&'a str>,
}

fn event<'a>(
    args: &'a Emit,
    codes: &EventCodes<'a>,
    id: &'a str,
    now: &'a str,
) -> Envelope<'a, Data<'a>> {
    let client = Client {
        user_agent: args.user_agent.as_deref().map(Cow::Borrowed),
        ip: args
            .ip
            .map(|ip| affluenza_event::truncate(ip).to_string().into()),
        country: args.country.as_deref().map(Cow::Borrowed),
        ..Client::default()
    };
    let is_known = args.user_agent.is_some() || args.ip.is_some() || args.country.is_some();
    let data = Data {
        ente: codes.ente.into(),
        portal: codes.portal.into(),
        service: codes.service.map(Cow::Borrowed),
        kind: args.kind,
        resource: args.resource,
        outcome: args.outcome,
        channel: args.channel,
        login: args.login,
        session: args.session.as_deref().map(Cow::Borrowed),
        visitor: args.visitor.as_deref().map(Cow::Borrowed),
        client: is_known.then_some(client),
    };
    let event_type = match args.kind {
        Some(_) => SERVICE_USE_V1,
        None => ACCESS_V1,
    };
    let time = args.time.as_deref().unwrap_or(now);
    Envelope::new(event_type, args.source.as_str(), id, time, data)
}

/// Answer of the collector, as far as one event needs it.
#[derive(Default, serde::Deserialize)]
struct CollectorAnswer {
    #[serde(default)]
    results: Vec<EventResult>,
    #[serde(default)]
    detail: String,
}

#[derive(serde::Deserialize)]
struct EventResult {
    status: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    detail: String,
}

fn to_collector(url: &str, event: &[u8]) -> Result<()> {
    let key = std::env::var("AFFLUENZA_KEY")
        .context("AFFLUENZA_KEY is not set: put the portal's key there")?;
    ensure!(
        url.starts_with("http://"),
        "{url:?} is no URL of a collector: use one such as http://127.0.0.1:8642"
    );
    let (status, text) = post(&events_address(url), &key, event)
        .with_context(|| format!("the collector at {url} did not take it"))?;
    let answer: CollectorAnswer = serde_json::from_str(&text).unwrap_or_default();
    let mut results = answer.results.iter();
    match results.find(|result| result.status == "refused") {
        Some(refused) => bail!(
            "the collector refused it: {}: {}",
            refused.reason,
            refused.detail
        ),
        None if status == 202 => Ok(()),
        None => bail!(
            "the collector at {url} did not take it: it answered {status} {}",
            answer.detail
        ),
    }
}

/// Returns the address for events of a collector. `up` prints this address, others the collector's.
fn events_address(url: &str) -> String {
    let url = url.trim_end_matches('/');
    format!(
        "{}/v1/events",
        url.strip_suffix("/v1/events").unwrap_or(url)
    )
}

/// Posts the event. Returns the status and the body of the answer.
fn post(url: &str, key: &str, event: &[u8]) -> Result<(u16, String), ureq::Error> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(COLLECTOR_PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .new_agent();
    let mut answer = agent
        .post(url)
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/x-ndjson")
        .send(event)?;
    let text = answer.body_mut().read_to_string()?;
    Ok((answer.status().as_u16(), text))
}

fn to_kafka(settings: &Settings, key: &str, event: &[u8]) -> Result<()> {
    super::with_platform(settings, Needs::KAFKA, async |platform, _| {
        Cluster::new(&platform.bus)?
            .create_topics(&platform.bus)
            .await?;
        tokio::task::block_in_place(|| {
            let writer = Writer::new(&platform.bus, &platform.bus.topic)?;
            writer.send(key.as_bytes(), event, None, &[])?;
            writer.flush(PATIENCE)
        })?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_named_with_and_without_the_path_of_its_events() {
        for url in ["", "/", "/v1/events", "/v1/events/"] {
            let address = events_address(&format!("http://127.0.0.1:8642{url}"));
            assert_eq!(address, "http://127.0.0.1:8642/v1/events", "{url}");
        }
    }
}
