//! Computes previews of public editions in the background, one at a time, as closing would decide them.

use std::sync::Arc;
use std::time::Duration;

use affluenza_api::{PreviewFeed, PreviewQuestion, PreviewState, PreviewedEdition, PublicPreview};
use affluenza_disclosure::edition::{Closed, ClosedPeriod, Outcome, PublicYear, offered};
use affluenza_http::telemetry::CancellationToken;
use affluenza_register::Register;
use affluenza_store::Store;
use affluenza_store::figures::Counted;
use affluenza_store::open::OpenFigures;
use anyhow::Result;
use jiff::{Timestamp, Unit};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

use super::chain::{Chain, Witness};
use super::decide::{OpenPeriod, secret_of};
use super::year::{days_of, figures_with_months};
use crate::output;

/// Time for which a preview is kept. The figures of an open period change all the time.
const KEPT: Duration = Duration::from_secs(600);
/// Time for which the failure of a preview is kept.
const KEPT_FAILURE: Duration = Duration::from_secs(60);
/// Most periods whose previews are kept.
const PERIODS_MAX: usize = 4;
/// Most questions that wait.
const QUESTIONS_MAX: usize = 64;

/// Sources of the figures and of the earlier editions.
pub struct PreviewSources {
    pub store: Store,
    pub witness: Witness,
    pub register: watch::Receiver<Arc<Register>>,
    /// Closed years and months.
    pub closed: watch::Receiver<Arc<Closed>>,
    /// Counts below this are hidden.
    pub small_count: u64,
}

/// Starts the task that answers questions. Ends when `stop` is triggered.
pub fn start(sources: PreviewSources, stop: CancellationToken) -> PreviewFeed {
    let (feed, mut questions) = mpsc::channel::<PreviewQuestion>(QUESTIONS_MAX);
    let (mut register, mut closed) = (sources.register.clone(), sources.closed.clone());
    let mut previews = Previews {
        sources: Arc::new(sources),
        kept: Vec::new(),
        running: None,
    };
    tokio::spawn(async move {
        let answering = async {
            while let Some(question) = questions.recv().await {
                let is_changed = [register.has_changed(), closed.has_changed()];
                if is_changed.iter().any(|changed| matches!(changed, Ok(true))) {
                    register.mark_unchanged();
                    closed.mark_unchanged();
                    previews.forget();
                }
                let answer = previews.answer(question.period).await;
                // The reader may have left.
                drop(question.reply.send(answer));
            }
        };
        stop.run_until_cancelled(answering).await;
    });
    feed
}

/// Computed previews, and the one that is being computed.
struct Previews {
    sources: Arc<PreviewSources>,
    kept: Vec<KeptPreview>,
    running: Option<RunningPreview>,
}

struct KeptPreview {
    period: ClosedPeriod,
    until: Instant,
    found: Result<PublicPreview, String>,
}

struct RunningPreview {
    period: ClosedPeriod,
    state: watch::Receiver<PreviewState>,
    /// True if seals or the register have changed since the beginning.
    is_outdated: bool,
    work: JoinHandle<Result<PublicPreview>>,
}

impl Previews {
    /// Forgets the previews, because seals or the register have changed.
    fn forget(&mut self) {
        self.kept.clear();
        if let Some(running) = &mut self.running {
            running.is_outdated = true;
        }
    }

    /// Returns the preview of a period, or begins to compute it if no other one is computed.
    async fn answer(&mut self, period: ClosedPeriod) -> Result<PublicPreview, String> {
        self.take_finished().await;
        let now = Instant::now();
        self.kept.retain(|kept| kept.until > now);
        if let Some(kept) = self.kept.iter().find(|kept| kept.period == period) {
            return kept.found.clone();
        }
        let running = self.running.get_or_insert_with(|| {
            let (state_in, state) = watch::channel(PreviewState::Reading);
            let sources = self.sources.clone();
            RunningPreview {
                period,
                state,
                is_outdated: false,
                work: tokio::spawn(async move { sources.compute(period, &state_in).await }),
            }
        });
        let state = match running.period == period && !running.is_outdated {
            true => *running.state.borrow(),
            false => PreviewState::Waiting,
        };
        Ok(unfinished(period, state))
    }

    /// Keeps a preview that has been computed.
    async fn take_finished(&mut self) {
        let running = &mut self.running;
        let Some(running) = running.take_if(|running| running.work.is_finished()) else {
            return;
        };
        if running.is_outdated {
            return;
        }
        let found = match running.work.await {
            Ok(found) => found.map_err(|error| output::chain(&error)),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = &found {
            tracing::warn!(error, period = %running.period, "a preview failed");
        }
        let found =
            found.map_err(|_| "the preview cannot be computed; the log says why".to_owned());
        let kept = match found {
            Ok(_) => KEPT,
            Err(_) => KEPT_FAILURE,
        };
        if self.kept.len() == PERIODS_MAX {
            self.kept.remove(0);
        }
        self.kept.push(KeptPreview {
            period: running.period,
            until: Instant::now() + kept,
            found,
        });
    }
}

/// Returns a preview without an edition.
fn unfinished(period: ClosedPeriod, state: PreviewState) -> PublicPreview {
    PublicPreview {
        period: period.to_string(),
        state,
        as_of: None,
        edition: None,
    }
}

impl PreviewSources {
    /// Decides the edition that a period would have if it was closed now.
    async fn compute(
        &self,
        period: ClosedPeriod,
        state: &watch::Sender<PreviewState>,
    ) -> Result<PublicPreview> {
        let as_of = Timestamp::now().round(Unit::Second)?.to_string();
        let chain = Chain::read(self.store.registers(), &self.witness).await?;
        let figures = self.figures(period, &chain).await?;
        state.send_replace(PreviewState::Protecting);
        let (register, small_count) = (self.register.borrow().clone(), self.small_count);
        let edition = spawn_blocking(move || -> Result<Option<PreviewedEdition>> {
            let offered = match period.month {
                Some(_) => Vec::new(),
                None => offered(&register, period.year),
            };
            let open = OpenPeriod {
                period,
                figures: &figures,
                offered: &offered,
                small_count,
                secret: &secret_of(&chain, period.year)?,
            };
            Ok(match open.decide(&chain)? {
                Outcome::Unchanged => None,
                Outcome::Edition(decided) => {
                    let edition = PublicYear::of(period, &figures, &decided)?;
                    Some(PreviewedEdition::of(&edition))
                }
            })
        });
        let edition = edition.await??;
        let state = match edition {
            Some(_) => PreviewState::Ready,
            None => PreviewState::NoEdition,
        };
        Ok(PublicPreview {
            as_of: Some(as_of),
            edition,
            ..unfinished(period, state)
        })
    }

    /// Returns the present figures, with those of closed months as they were published.
    async fn figures(&self, period: ClosedPeriod, chain: &Chain) -> Result<OpenFigures> {
        if period.month.is_none()
            && let Some(figures) = figures_with_months(&self.store, chain, period.year).await?
        {
            return Ok(figures);
        }
        let usage = self.store.usage();
        let people = usage.figures_of_days(days_of(period), Counted::People);
        Ok(OpenFigures::of_closed(&people.await?))
    }
}
