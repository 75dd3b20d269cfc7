//! Runs the API, the dashboard and the open data pages.

use std::sync::Arc;
use std::time::Duration;

use affluenza_api::dashboard::{self, FindingsRequest, Site, SiteLogo};
use affluenza_api::{Api, ApiSources};
use affluenza_disclosure::edition::{Closed, ClosedPeriod, Editions, NoEdition};
use affluenza_disclosure::open_data::{Source, routes};
use affluenza_http::keys::{KeyRing, Sessions};
use affluenza_http::telemetry::{CancellationToken, Metrics};
use affluenza_http::{bounded, cross_origin, metrics_route, serve, status_route};
use affluenza_register::Register;
use affluenza_report::ReportRequest;
use affluenza_report::document::{PublicEdition, PublicMonth};
use affluenza_report::face::CentreFace;
use affluenza_store::figures::Counted;
use affluenza_store::{Registers, Store};
use anyhow::{Context, Result};
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::chain::{Witness, closed_years};
use super::event_feed::{self, EventSources};
use super::present_findings;
use super::previews::{self, PreviewSources};
use super::reload::WatchedRegister;
use crate::args::serve::Serve;
use crate::output::say;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// Default port.
pub const PORT: u16 = 8080;
/// Resources that scripts of other sites may read.
const SHARED: [&str; 5] = ["/v1", "/openapi.json", "/open-data", "/figure.js", "/embed"];
/// Pause before closed years that could not be read are read again.
const SEALS_PAUSE: Duration = Duration::from_secs(5);
/// Timeout of a query in ClickHouse, in seconds.
const QUESTION_SECONDS_MAX: u64 = 10;

pub fn run(settings: &Settings, args: &Serve) -> Result<()> {
    let mut settings = settings.clone();
    if let Some(listen) = &args.listen {
        settings.serve.http.listen.clone_from(listen);
        settings.check()?;
    }
    super::with_platform(&settings, Needs::CLICKHOUSE, async |platform, stop| {
        // Cancels the background tasks before the engines stop.
        let _cancels = stop.clone().drop_guard();
        Store::new(&platform.store).admin().check_schema().await?;
        let api = RunningApi::start(platform, &settings, stop).await?;
        say(&format!("listening on {}; see /docs", api.url));
        tokio::select! {
            ended = api.ended() => ended,
            error = platform.failed() => Err(error),
        }
    })
}

/// Running API.
pub struct RunningApi {
    /// Base URL.
    pub url: String,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl RunningApi {
    /// Starts to serve. Ends when `stop` is triggered.
    pub async fn start(
        platform: &Platform,
        settings: &Settings,
        stop: &CancellationToken,
    ) -> Result<Self> {
        let mut config = settings.serve.clone();
        let listener: TcpListener = super::listen(&config.http.listen, PORT).await?;
        let url = format!("{}://{}", config.http.scheme(), listener.local_addr()?);
        if config.url.is_empty() {
            config.url.clone_from(&url);
        }
        let mut reader = platform.reader.clone();
        reader.query_seconds_max = reader.query_seconds_max.min(QUESTION_SECONDS_MAX);
        let ring = KeyRing::open(settings.keys.file_in(&settings.engine.data))?;
        let (register, files) = WatchedRegister::open(settings, Vec::new())?;
        let (newer, register) = watch::channel(Arc::new(register));
        let take = move |register| drop(newer.send(Arc::new(register)));
        tokio::spawn(files.follow(take, stop.clone()));
        let store = Store::new(&reader);
        let witness = Witness::new(settings, store.admin());
        let (closed_in, closed) =
            watch::channel(Arc::new(closed_years(store.registers(), &witness).await));
        let previewed = PreviewSources {
            // Protection needs more figures than an answer, so no limit of answers applies.
            store: Store::new(&platform.reader),
            witness: Witness::new(settings, store.admin()),
            register: register.clone(),
            closed: closed.clone(),
            small_count: config.small_count,
        };
        let editions = Arc::new(Editions::new(config.small_count, closed));
        let open_data = routes(open_data(settings, editions.clone(), register.clone()));
        let metrics = Metrics::default();
        let sources = EventSources {
            bus: platform.bus.clone(),
            store: reader.clone(),
            register: register.clone(),
        };
        let site = site(settings, sources, &store, stop)?;
        let sources = ApiSources {
            store: store.clone(),
            editions,
            ring,
            register,
            previews: previews::start(previewed, stop.clone()),
        };
        let api = Api::start(config.clone(), sources, &metrics, stop.clone())
            .await
            .context("the API cannot start")?;
        let following =
            follow_closed_years(store.registers().clone(), witness, api.seals(), closed_in);
        let until = stop.clone();
        tokio::spawn(async move { until.run_until_cancelled(following).await });
        let checked = api.clone();
        let mut routes = api.routes();
        if config.public {
            routes = routes.merge(open_data);
        }
        let routes = routes
            .merge(status_route(move || std::future::ready(checked.check())))
            .merge(metrics_route(&metrics))
            .merge(dashboard::routes(&api, site, sessions(settings)?));
        let router = bounded(routes, &config.http, &metrics);
        let router = cross_origin(router, &config.origins, &SHARED);
        let stop = stop.clone();
        let served =
            tokio::spawn(
                async move { serve(listener, router, &config.http, &metrics, &stop).await },
            );
        Ok(Self { url, served })
    }

    /// Waits until the API has stopped and has answered all running requests.
    pub async fn ended(self) -> Result<()> {
        Ok(self.served.await.context("the API ended unexpectedly")??)
    }
}

/// Returns what the open data are made of.
fn open_data(
    settings: &Settings,
    editions: Arc<Editions>,
    register: watch::Receiver<Arc<Register>>,
) -> Source {
    let config = &settings.serve;
    Source {
        editions,
        register,
        publisher: settings.open_data.publisher(),
        requests: (
            config.address_requests_per_second,
            config.address_requests_burst,
        ),
        trusted_proxies: config.http.trusted_proxies.clone(),
    }
}

/// Returns the sessions of the pages.
fn sessions(settings: &Settings) -> Result<Sessions> {
    let pages = &settings.serve.pages;
    let file = match pages.session_file.as_os_str().is_empty() {
        true => settings.engine.data.join("session-secret"),
        false => pages.session_file.clone(),
    };
    let hours = SignedDuration::from_hours(pages.session_hours.into());
    Ok(Sessions::open(&file, hours)?)
}

/// Returns the publisher that the pages name, and starts the tasks that read what they show.
fn site(
    settings: &Settings,
    events: EventSources,
    store: &Store,
    stop: &CancellationToken,
) -> Result<Site> {
    let CentreFace { centre, logo, .. } = settings.face()?;
    let mut config = settings.serve.pages.clone();
    if config.base_url.is_empty() {
        config.base_url.clone_from(&settings.serve.url);
    }
    let logo = logo.map(|logo| SiteLogo {
        name: logo.name.clone(),
        media_type: logo.media_type(),
        bytes: logo.bytes().to_vec().into(),
    });
    let register = events.register.clone();
    Ok(Site {
        config,
        logo,
        scheme: settings.serve.http.scheme(),
        has_open_data: settings.serve.public && settings.open_data.publisher().is_ok(),
        publisher: centre.name,
        contact: centre.contact,
        licence: centre.licence,
        findings: Some(findings),
        present_findings: Some(present_findings::start(
            store.clone(),
            register,
            stop.clone(),
        )),
        events: event_feed::start(events, stop.clone()),
    })
}

/// Writes the findings of a closed year, as the first page of its public report has them, or those of
/// a closed month.
fn findings(
    editions: &Editions,
    register: &Register,
    request: FindingsRequest<'_>,
) -> Result<Vec<String>, NoEdition> {
    let FindingsRequest {
        period,
        ente,
        language,
    } = request;
    let year_before = ClosedPeriod {
        year: period.year - 1,
        ..period
    };
    let (now, before) = (editions.of(period)?, editions.of(year_before).ok());
    let Ok(counted) = period.to_string().parse() else {
        return Ok(Vec::new());
    };
    let question = ReportRequest {
        period: counted,
        counted: Counted::People,
        ente,
        register,
        zones: &super::zones::of(register, ente),
    };
    let before = before.as_ref().map(|before| &*before.public);
    if let Some(month) = period.month {
        let now = &*now.public;
        return Ok(PublicMonth { month, now, before }.sentences(&question, language));
    }
    let edition = PublicEdition {
        small_count: now.public.small_count(),
        uses: now.public.uses(),
        uses_before: before.map(|before| before.uses()),
        accesses: now.public.accesses(),
        has_users: now.public.users().is_some(),
    };
    let compared = before.map(|before| before.period().year);
    Ok(edition.sentences(&question, compared, language))
}

/// Reads the closed years again whenever a year is closed, and after a failed reading.
async fn follow_closed_years(
    registers: Registers,
    witness: Witness,
    mut seals: watch::Receiver<u64>,
    newer: watch::Sender<Arc<Closed>>,
) {
    // A year may have been closed between the first reading and the first snapshot of the API.
    seals.mark_changed();
    loop {
        let has_failed = newer.borrow().is_err();
        tokio::select! {
            changed = seals.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(SEALS_PAUSE), if has_failed => {}
        }
        let closed = closed_years(&registers, &witness).await;
        if let (Err(error), Ok(_)) = (&closed, &**newer.borrow()) {
            tracing::error!(error, "closed years cannot be published");
        }
        newer.send_replace(Arc::new(closed));
    }
}
