//! Accepts differences that cannot be repaired.

use affluenza_classify::hours::date_since_1970;
use affluenza_disclosure::edition::ClosedPeriod;
use affluenza_pipeline::accept::Acceptor;
use affluenza_report::AcceptedLoss;
use affluenza_store::accept::Accepted;
use affluenza_store::rebuild::Phase;
use affluenza_store::{Ledger, Store};
use anyhow::{Result, bail};

use crate::args::accept::Accept;
use crate::output;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

pub fn run(settings: &Settings, accept: &Accept) -> Result<()> {
    let done = super::with_platform(settings, Needs::BOTH, async |platform, _| {
        work(platform, settings, accept).await
    })?;
    output::print(&done)
}

/// Returns the accepted losses that may concern a year or a month.
pub async fn losses_of(
    ledger: &Ledger,
    period: impl Into<ClosedPeriod>,
) -> Result<Vec<AcceptedLoss>> {
    let days = super::audit::parse_period(&period.into().to_string())?.days;
    let accepted = ledger.acceptances().await?.into_iter();
    Ok(accepted
        .filter(|one| {
            one.what == Accepted::Loss.as_str()
                && one.records > 0
                && one.first_day < days.end
                && one.last_day >= days.start
        })
        .map(|one| AcceptedLoss {
            records: one.records,
            from: date_since_1970(i32::from(one.first_day)).to_string(),
            to: date_since_1970(i32::from(one.last_day)).to_string(),
            reason: one.reason,
        })
        .collect())
}

async fn work(platform: &Platform, settings: &Settings, accept: &Accept) -> Result<String> {
    let store = Store::new(&platform.store);
    store.admin().check_schema().await?;
    let unfinished = store.rebuilds().unfinished().await?;
    if let Some(run) = unfinished.iter().find(|run| run.phase != Phase::Settling) {
        bail!(
            "rebuild {} is unfinished: let it end, or cancel it with --abandon; nothing was accepted",
            run.id
        );
    }
    let mut classifier = super::classifier(settings)?;
    let (_, _, reason) = accept.told();
    let by = affluenza_http::keys::account();
    let mut acceptor = Acceptor {
        store: &store,
        bus: &platform.bus,
        classifier: &mut classifier,
        reason,
        by: &by,
    };
    Ok(match accept {
        Accept::Loss(range) => {
            let partition = range.at.number();
            let offsets = range.from..range.to;
            let lost = match &range.stream {
                Some(stream) => acceptor.past_loss(stream, partition, offsets).await?,
                None => acceptor.loss(partition, offsets).await?,
            };
            format!(
                "partition {partition}, offsets {} to {}: {lost} records accepted as lost; `affluenza audit` and the completeness of answers show them",
                range.from, range.to
            )
        }
        Accept::Place(at) => {
            let partition = at.number();
            let (before, now) = acceptor.place(partition).await?;
            let before = before.map_or_else(|| "nowhere".to_owned(), |next| next.0.to_string());
            format!(
                "partition {partition}: the group stood at {before} and stands at {}, where the ledger ends",
                now.0
            )
        }
        Accept::Log(_) => {
            let stream = acceptor.log().await?;
            format!(
                "the log is stream {stream} from now on and is read from its beginning; facts of the earlier log stay"
            )
        }
        Accept::Facts(facts) => {
            let (partition, offsets) = (facts.at.number(), facts.from..facts.to);
            let removed = acceptor
                .facts(facts.stream.as_deref(), partition, offsets)
                .await?;
            format!("{removed} facts removed, also from the aggregates")
        }
    })
}
