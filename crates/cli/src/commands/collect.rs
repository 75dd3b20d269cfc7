//! Runs the collector.

use std::net::SocketAddr;
use std::sync::Arc;

use affluenza_collector::{CollectError, Collector, Parts};
use affluenza_http::keys::KeyRing;
use affluenza_http::telemetry::CancellationToken;
use affluenza_kafka::Cluster;
use anyhow::{Context, Result, anyhow};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::reload::WatchedRegister;
use crate::args::collect::Collect;
use crate::output::say;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// Default port.
pub const PORT: u16 = 8642;

pub fn run(settings: &Settings, args: &Collect) -> Result<()> {
    let mut settings = settings.clone();
    if let Some(listen) = &args.listen {
        settings.collect.http.listen.clone_from(listen);
    }
    super::with_platform(&settings, Needs::KAFKA, async |platform, stop| {
        collect(platform, &settings, stop).await
    })
}

async fn collect(
    platform: &mut Platform,
    settings: &Settings,
    stop: &CancellationToken,
) -> Result<()> {
    if platform.is_owner {
        Cluster::new(&platform.bus)?
            .create_topics(&platform.bus)
            .await?;
    }
    let mut collector = RunningCollector::start(platform, settings, stop.clone()).await?;
    say(&format!("collecting  {}", collector.url()));
    if collector.is_closed {
        say("no key yet: `affluenza keys create NAME --role writer --ente CODE` creates one");
    }
    tokio::select! {
        ended = collector.ended() => ended,
        error = platform.failed() => Err(error),
    }
}

/// Running collector.
pub struct RunningCollector {
    /// Address that it listens on.
    pub address: SocketAddr,
    scheme: &'static str,
    /// True if there is no key, so that no portal can send events.
    pub is_closed: bool,
    running: JoinHandle<Result<(), CollectError>>,
}

impl RunningCollector {
    /// Starts to listen. Ends when `stop` is triggered.
    pub async fn start(
        platform: &Platform,
        settings: &Settings,
        stop: CancellationToken,
    ) -> Result<Self> {
        let keys = KeyRing::open(settings.keys.file_in(&settings.engine.data))?;
        let is_closed = keys.is_empty();
        let (register, files) = WatchedRegister::open(settings, Vec::new())?;
        let collector = Collector::new(
            settings.collect.clone(),
            Parts {
                bus: &platform.bus,
                data: &settings.engine.data,
                keys,
                register,
                geo: super::geo(settings)?,
            },
        )?;
        let listen = &settings.collect.http.listen;
        let listener: TcpListener = super::listen(listen, PORT)
            .await
            .context("collect.http.listen")?;
        let address = listener.local_addr().context("collect.http.listen")?;
        let renewed = Arc::clone(&collector);
        tokio::spawn(files.follow(move |register| renewed.renew(register), stop.clone()));
        let running = tokio::spawn(Arc::clone(&collector).run(listener, stop));
        Ok(Self {
            address,
            scheme: settings.collect.http.scheme(),
            is_closed,
            running,
        })
    }

    /// Returns the URL to which portals send events.
    pub fn url(&self) -> String {
        format!("{}://{}/v1/events", self.scheme, self.address)
    }

    /// Waits for the end. The future may be dropped and created again, but not after it has
    /// completed.
    pub async fn ended(&mut self) -> Result<()> {
        match (&mut self.running).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(anyhow!(
                "the collector ended unexpectedly; see the lines above"
            )),
        }
    }
}
