//! Answers the questions of the pages for the findings of present figures.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use affluenza_api::dashboard::{FindingsFeed, FindingsQuestion, PeriodFindings};
use affluenza_http::telemetry::CancellationToken;
use affluenza_register::{Ente, Register};
use affluenza_report::{Report, ReportPeriod, ReportRequest};
use affluenza_store::Store;
use affluenza_store::figures::{Counted, YearFigures};
use affluenza_words::Language;
use anyhow::Result;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Time after which the figures of a period are read again. Findings end with the last full day, so
/// they seldom change within it.
const KEPT: Duration = Duration::from_secs(600);
/// Most periods whose figures are kept.
const PERIODS_MAX: usize = 2;
/// Most questions that wait.
const QUESTIONS_MAX: usize = 64;

/// Starts the task that reads the figures, once for the questions of all readers. Ends when `stop` is
/// triggered.
pub fn start(
    store: Store,
    register: watch::Receiver<Arc<Register>>,
    stop: CancellationToken,
) -> FindingsFeed {
    let (feed, mut questions) = mpsc::channel::<FindingsQuestion>(QUESTIONS_MAX);
    tokio::spawn(async move {
        let mut kept = Vec::new();
        let answering = async {
            while let Some(question) = questions.recv().await {
                if question.reply.is_closed() {
                    continue;
                }
                let register = register.borrow().clone();
                match answer(&store, register, &mut kept, &question).await {
                    // The reader may have left.
                    Ok(findings) => drop(question.reply.send(findings)),
                    Err(error) => {
                        let error = crate::output::chain(&error);
                        tracing::warn!(error, "a page has no findings");
                    }
                }
            }
        };
        stop.run_until_cancelled(answering).await;
    });
    feed
}

/// Returns the findings of a question, from figures that are kept or read.
async fn answer(
    store: &Store,
    register: Arc<Register>,
    kept: &mut Vec<KeptFindings>,
    question: &FindingsQuestion,
) -> Result<PeriodFindings> {
    let period: ReportPeriod = question.period.to_string().parse()?;
    kept.retain(|kept| {
        kept.read_at.elapsed() < KEPT && kept.figures.register.version() == register.version()
    });
    let place = match kept.iter().position(|kept| kept.period == period) {
        Some(place) => place,
        None => {
            let figures = PeriodFigures::read(store, register, period).await?;
            if kept.len() == PERIODS_MAX {
                kept.remove(0);
            }
            kept.push(KeptFindings {
                period,
                read_at: Instant::now(),
                figures: Arc::new(figures),
                findings: HashMap::new(),
            });
            kept.len() - 1
        }
    };
    kept[place].findings(question).await
}

/// Figures of a period, and the findings made of them.
struct KeptFindings {
    /// Whole period.
    period: ReportPeriod,
    read_at: Instant,
    figures: Arc<PeriodFigures>,
    findings: HashMap<FindingsOf, PeriodFindings>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct FindingsOf {
    ente: Option<String>,
    language: Language,
}

impl KeptFindings {
    async fn findings(&mut self, question: &FindingsQuestion) -> Result<PeriodFindings> {
        let ente = question.ente.as_deref();
        let ente = ente.map(|ente| self.figures.register.ente(ente).map(Ente::code));
        // Nothing is known of an ente that is not in the register.
        if ente == Some(None) {
            return Ok(PeriodFindings::default());
        }
        let of = FindingsOf {
            ente: ente.flatten().map(str::to_owned),
            language: question.language,
        };
        if let Some(found) = self.findings.get(&of) {
            return Ok(found.clone());
        }
        let figures = self.figures.clone();
        let asked = of.clone();
        let found = tokio::task::spawn_blocking(move || figures.findings(&asked)).await?;
        self.findings.insert(of, found.clone());
        Ok(found)
    }
}

/// Figures that the findings of a period rest on: without users by hour, which take longest to count.
struct PeriodFigures {
    register: Arc<Register>,
    /// Counted days.
    period: ReportPeriod,
    now: YearFigures,
    before: YearFigures,
}

impl PeriodFigures {
    async fn read(store: &Store, register: Arc<Register>, period: ReportPeriod) -> Result<Self> {
        let period = super::report::counted_days(store, &register, period).await?;
        let same_days = period.in_year(period.year() - 1).days();
        let usage = store.usage();
        let now = usage.compared_figures(period.days(), Counted::People);
        let now = YearFigures {
            months_in_doubt: super::report::months_in_doubt(store, period).await?,
            ..now.await?
        };
        let before = usage.compared_figures(same_days, Counted::People).await?;
        Ok(Self {
            register,
            period,
            now,
            before,
        })
    }

    /// Returns the findings of a registered ente or of all enti.
    fn findings(&self, of: &FindingsOf) -> PeriodFindings {
        let ente = of.ente.as_deref();
        let question = ReportRequest {
            period: self.period,
            counted: Counted::People,
            ente,
            register: &self.register,
            zones: &super::zones::of(&self.register, ente),
        };
        let compared = Some((self.period.year() - 1, &self.before));
        let report = Report::build(&question, &self.now, compared);
        PeriodFindings {
            until: self.period.counted_until().map(|day| day.to_string()),
            sentences: report.sentences(of.language),
        }
    }
}
