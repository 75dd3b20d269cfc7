//! State of the service at a moment: the figures' watermark, the register, and the days with data.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use affluenza_classify::hours::date_since_1970;
use affluenza_http::telemetry::CancellationToken;
use affluenza_register::Register;
use affluenza_store::accept::{Acceptance, Accepted};
use affluenza_store::doubts::DoubtfulMonth;
use affluenza_store::usage::{Days, KnownCodes, SeenDays, UNREGISTERED, Watermark};
use affluenza_store::{Store, StoreError};
use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::answer::{Completeness, EnteCompleteness, Loss, NAMED_MAX};
use crate::names::known_codes;
use crate::period::Period;

/// Shortest and longest pause between two readings of the days with data while figures change.
const COVERAGE_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// The pause after a reading of the days with data is this many times its duration.
const COVERAGE_REST: u32 = 50;
/// Maximum time for a snapshot. While ClickHouse takes longer, the figures of the last snapshot are
/// stale, and no answer is given.
const SNAPSHOT_WITHIN: Duration = Duration::from_secs(10);
/// Time after the last request until snapshots are taken at rest, and their interval then. A look
/// costs ClickHouse 5 ms of CPU; five a second were more than half of the work of an idle machine.
const REST_AFTER: Duration = Duration::from_secs(10);
const REST_PAUSE: Duration = Duration::from_secs(15);
/// Largest number of gaps listed for an ente.
const GAPS_MAX: usize = 5;

/// State at a moment. Answers to the same question are equal as long as `tag` is.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Hash of the figures' watermark, the register's version and the days with data.
    pub tag: u64,
    /// Hash of the watermark and the register's version alone. All pages of one answer have the
    /// same mark.
    pub mark: u64,
    /// Time when a change of the figures was last noticed.
    pub as_of: Timestamp,
    /// Current register.
    pub register: Arc<Register>,
    /// Codes of the register.
    pub known: Arc<KnownCodes>,
    /// Days with data.
    pub coverage: Arc<Coverage>,
    /// Months whose figures may be wrong until reconciliation has finished.
    pub doubtful: Vec<DoubtfulMonth>,
    watermark: Watermark,
}

/// Days with data, by ente.
#[derive(Debug, Default)]
pub struct Coverage {
    enti: BTreeMap<String, Vec<u16>>,
    all: BTreeSet<u16>,
    /// Hash of these days.
    hash: u64,
    /// Watermark that was read before these days. Under any other watermark they may have changed.
    watermark: Watermark,
    /// Earliest time of the next reading.
    next: Option<Instant>,
    losses: Vec<Acceptance>,
}

impl Coverage {
    async fn read(
        store: &Store,
        watermark: &Watermark,
        known: &KnownCodes,
    ) -> Result<Self, StoreError> {
        let began = Instant::now();
        let seen = store.usage().seen_days(known).await?;
        let accepted = store.ledger().acceptances().await?;
        let (shortest, longest) = COVERAGE_PAUSE;
        let pause = (began.elapsed() * COVERAGE_REST).clamp(shortest, longest);
        Ok(Self {
            watermark: watermark.clone(),
            next: Instant::now().checked_add(pause),
            ..Self::of(seen, accepted)
        })
    }

    /// True if the days were read under another watermark and their pause is over. While nothing is
    /// written, they are not read again.
    fn is_due(&self, watermark: &Watermark) -> bool {
        self.watermark != *watermark && self.next.is_none_or(|next| next <= Instant::now())
    }

    fn of(seen: Vec<SeenDays>, accepted: Vec<Acceptance>) -> Self {
        let mut hasher = Xxh3::new();
        seen.hash(&mut hasher);
        let all = seen
            .iter()
            .flat_map(|ente| ente.days.iter().copied())
            .collect();
        let enti = seen
            .into_iter()
            .map(|ente| (ente.ente, ente.days))
            .collect();
        let mut losses = accepted;
        losses.retain(|one| one.what == Accepted::Loss.as_str() && one.records > 0);
        Self {
            enti,
            all,
            losses,
            hash: hasher.finish(),
            ..Self::default()
        }
    }

    /// Returns the newest day with data of the enti in scope, in days since 1970.
    pub fn newest(&self, scope: Option<&[String]>) -> Option<u16> {
        match scope {
            None => self.all.last().copied(),
            Some(scope) => scope
                .iter()
                .filter_map(|ente| self.enti.get(ente)?.last().copied())
                .max(),
        }
    }

    /// Returns the completeness of these enti's figures in a period.
    pub fn completeness(&self, period: Period, enti: Option<&[String]>) -> Completeness {
        let days = self.days_with_figures(period);
        let Days { first, last, .. } = period.selected();
        let mut found: Vec<(&String, u32)> = self
            .enti
            .iter()
            .filter(|(ente, _)| *ente != UNREGISTERED)
            .filter(|(ente, _)| enti.is_none_or(|enti| enti.contains(ente)))
            .map(|(ente, seen)| (ente, count_within(seen, &days)))
            .collect();
        found.sort_by_key(|(_, with_data)| *with_data);
        let mut losses: Vec<&Acceptance> = self.losses.iter().collect();
        losses
            .retain(|loss| i32::from(loss.first_day) <= last && i32::from(loss.last_day) >= first);
        losses.sort_by_key(|loss| Reverse(loss.records));
        let length = u32::try_from(days.clone().count()).unwrap_or(0);
        Completeness {
            days: length,
            days_missing: length.saturating_sub(count_within(&self.all, &days)),
            enti_more: found.len().saturating_sub(NAMED_MAX),
            enti: found
                .iter()
                .take(NAMED_MAX)
                .map(|(ente, _)| self.of_ente(ente, period))
                .collect(),
            records_lost: losses.iter().map(|loss| loss.records).sum(),
            losses_more: losses.len().saturating_sub(NAMED_MAX),
            losses: losses.into_iter().take(NAMED_MAX).map(loss).collect(),
        }
    }

    /// Returns the completeness of an ente's figures in a period.
    pub fn of_ente(&self, ente: &str, period: Period) -> EnteCompleteness {
        let days = self.days_with_figures(period);
        let seen = self.enti.get(ente).map(Vec::as_slice).unwrap_or_default();
        let with_data = count_within(seen, &days);
        let length = u32::try_from(days.clone().count()).unwrap_or(0);
        EnteCompleteness {
            ente: ente.to_owned(),
            days_with_data: with_data,
            days_missing: length.saturating_sub(with_data),
            gaps: gaps(seen, days),
        }
    }

    /// Returns the days of a period up to the newest day with data of any ente.
    fn days_with_figures(&self, period: Period) -> RangeInclusive<i32> {
        let Days { first, last, .. } = period.selected();
        let newest = self.newest(None).map_or(-1, i32::from);
        first..=last.min(newest)
    }
}

fn count_within<'d>(seen: impl IntoIterator<Item = &'d u16>, days: &RangeInclusive<i32>) -> u32 {
    let seen = seen
        .into_iter()
        .filter(|day| days.contains(&i32::from(**day)));
    u32::try_from(seen.count()).unwrap_or(u32::MAX)
}

fn loss(accepted: &Acceptance) -> Loss {
    Loss {
        records: accepted.records,
        from: date_since_1970(accepted.first_day.into()).to_string(),
        to: date_since_1970(accepted.last_day.into()).to_string(),
        reason: accepted.reason.clone(),
    }
}

/// Returns the longest stretches of `days` without a day in `seen`, in the order of days.
fn gaps(seen: &[u16], days: RangeInclusive<i32>) -> Vec<String> {
    let mut gaps: Vec<(i32, i32)> = Vec::new();
    let mut next = *days.start();
    let seen = seen.iter().map(|day| i32::from(*day));
    for day in seen
        .filter(|day| days.contains(day))
        .chain([days.end() + 1])
    {
        if day > next {
            gaps.push((next, day - 1));
        }
        next = day + 1;
    }
    gaps.sort_by_key(|(from, to)| (from - to, *from));
    gaps.truncate(GAPS_MAX);
    gaps.sort_unstable();
    gaps.iter()
        .map(|(from, to)| format!("{}..{}", date_since_1970(*from), date_since_1970(*to)))
        .collect()
}

/// The current snapshot, or the reason why it is missing.
#[derive(Debug)]
pub(crate) struct Current {
    held: watch::Sender<Held>,
    /// Time of the last request.
    asked: Mutex<Instant>,
    woken: Notify,
    seals: watch::Sender<u64>,
}

#[derive(Debug)]
struct Held {
    snapshot: Result<Arc<Snapshot>, String>,
    /// True if no request came for a while, so that the snapshot may be old.
    is_resting: bool,
}

impl Current {
    pub async fn load(store: &Store, register: Arc<Register>) -> Result<Self, StoreError> {
        let snapshot = look(store, register, None).await?;
        Ok(Self {
            seals: watch::Sender::new(snapshot.watermark.seals),
            held: watch::Sender::new(Held {
                snapshot: Ok(Arc::new(snapshot)),
                is_resting: false,
            }),
            asked: Mutex::new(Instant::now()),
            woken: Notify::new(),
        })
    }

    /// Notes a request, which ends the rest.
    pub fn wake(&self) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.woken.notify_one();
    }

    /// Returns the current snapshot. The first request after a rest waits for a new one.
    pub async fn get(&self) -> Result<Arc<Snapshot>, String> {
        self.wake();
        let mut held = self.held.subscribe();
        let held = held.wait_for(|held| !held.is_resting).await;
        // The sender lives as long as this value.
        held.map_or_else(|error| Err(error.to_string()), |held| held.snapshot.clone())
    }

    /// Returns why there was no snapshot when ClickHouse was last asked.
    pub fn check(&self) -> Result<(), String> {
        self.held
            .borrow()
            .snapshot
            .as_ref()
            .map(drop)
            .map_err(Clone::clone)
    }

    /// Returns the number of seals of closed years, as of the newest snapshot.
    pub fn seals(&self) -> watch::Receiver<u64> {
        self.seals.subscribe()
    }

    fn set(&self, now: Result<Arc<Snapshot>, String>) {
        if let Ok(now) = &now {
            let seals = now.watermark.seals;
            self.seals
                .send_if_modified(|known| std::mem::replace(known, seals) != seals);
        }
        self.held.send_replace(Held {
            snapshot: now,
            is_resting: false,
        });
    }

    /// Takes snapshots repeatedly until `stop` is signalled: every `pause` while requests come.
    pub async fn follow(
        &self,
        store: Store,
        register: watch::Receiver<Arc<Register>>,
        pause: Duration,
        stop: CancellationToken,
    ) {
        let Ok(mut last) = self.held.borrow().snapshot.clone() else {
            return;
        };
        loop {
            tokio::select! {
                () = self.rest(pause) => {}
                () = stop.cancelled() => {
                    // The last requests do not wait for a snapshot.
                    self.held.send_modify(|held| held.is_resting = false);
                    return;
                }
            }
            let register = register.borrow().clone();
            let looking = look(&store, register, Some(&last));
            let now = match tokio::time::timeout(SNAPSHOT_WITHIN, looking).await {
                Ok(now) => now.map_err(|error| error.to_string()),
                Err(_) => Err(format!("ClickHouse took longer than {SNAPSHOT_WITHIN:?}")),
            };
            match now {
                Ok(now) => {
                    last = Arc::new(now);
                    self.set(Ok(last.clone()));
                }
                Err(error) => {
                    if self.check().is_ok() {
                        tracing::error!(error, "no figures until ClickHouse answers again");
                    }
                    self.set(Err("the database does not answer".to_owned()));
                }
            }
        }
    }

    /// Waits until the next snapshot is due.
    async fn rest(&self, pause: Duration) {
        let asked = *self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        // Without figures, probes and clients wait for ClickHouse to come back.
        if asked.elapsed() < REST_AFTER || self.check().is_err() {
            tokio::time::sleep(pause).await;
            return;
        }
        self.held.send_modify(|held| held.is_resting = true);
        tokio::select! {
            () = tokio::time::sleep(REST_PAUSE.max(pause)) => {}
            () = self.woken.notified() => {}
        }
    }
}

/// Takes a snapshot, given the previous one.
///
/// Reading the days with data scans all figures, so they are not read with every block. Days that
/// were read under another watermark are read again once their pause is over.
async fn look(
    store: &Store,
    register: Arc<Register>,
    before: Option<&Snapshot>,
) -> Result<Snapshot, StoreError> {
    // The watermark is read first: an answer may hold more than its watermark covers, never less.
    let watermark = store.usage().watermark().await?;
    let same_register = before.filter(|last| last.register.version() == register.version());
    let known = match same_register {
        Some(last) => last.known.clone(),
        None => Arc::new(known_codes(&register)),
    };
    let coverage = match same_register {
        Some(last) if !last.coverage.is_due(&watermark) => last.coverage.clone(),
        _ => Arc::new(Coverage::read(store, &watermark, &known).await?),
    };
    // The watermark covers the months in doubt.
    let (doubtful, as_of) = match before {
        Some(last) if last.watermark == watermark => (last.doubtful.clone(), last.as_of),
        _ => (store.ledger().months_in_doubt().await?, Timestamp::now()),
    };
    let Watermark { figures, seals } = &watermark;
    let mark = format!("{figures} {seals} {}", register.version());
    let text = format!("{mark} {:016x}", coverage.hash);
    Ok(Snapshot {
        tag: xxh3_64(text.as_bytes()),
        mark: xxh3_64(mark.as_bytes()),
        as_of: Timestamp::from_second(as_of.as_second()).unwrap_or(as_of),
        register,
        known,
        coverage,
        doubtful,
        watermark,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_days_are_told_by_ente() {
        let day =
            |text: &str| u16::try_from(Period::parse(text).unwrap().selected().first).unwrap();
        let seen = vec![
            SeenDays {
                ente: "a".into(),
                days: vec![day("2017-03-01"), day("2017-03-02"), day("2017-03-05")],
            },
            SeenDays {
                ente: "b".into(),
                days: vec![day("2017-03-03")],
            },
        ];
        let lost = Acceptance {
            what: "loss".into(),
            stream: "c/t".into(),
            kafka_partition: 0,
            first_offset: 10,
            next_offset: 15,
            records: 5,
            first_day: day("2017-03-04"),
            last_day: day("2017-03-06"),
            reason: "retention".into(),
            accepted_by: "operator".into(),
            accepted_at: 0,
        };
        let coverage = Coverage::of(seen, vec![lost]);
        let all = coverage.completeness(Period::parse("2017-03").unwrap(), None);
        assert_eq!(
            (all.losses[0].records, &*all.losses[0].from),
            (5, "2017-03-04")
        );
        // The newest day with data is the fifth.
        assert_eq!((all.days, all.days_missing), (5, 1));
        // The ente with the most missing days comes first.
        assert_eq!(
            (
                &*all.enti[0].ente,
                all.enti[0].days_with_data,
                all.enti[0].days_missing
            ),
            ("b", 1, 4)
        );
        assert_eq!(all.enti[1].gaps, ["2017-03-03..2017-03-04"]);
        let none = coverage.completeness(Period::parse("2018").unwrap(), None);
        assert_eq!((none.days, none.enti[0].days_missing), (0, 0));
        assert!(none.losses.is_empty());
    }

    #[test]
    fn ten_enti_are_named_and_the_others_counted() {
        let completeness = |enti: u16| {
            let seen = (0..enti).map(|at| SeenDays {
                ente: format!("c_{at:04}"),
                days: (17_167..=17_167 + at % 300).collect(),
            });
            let coverage = Coverage::of(seen.collect(), Vec::new());
            coverage.completeness(Period::parse("2017").unwrap(), None)
        };
        let (few, many) = (completeness(10), completeness(8_000));
        assert_eq!((few.enti.len(), few.enti_more), (10, 0));
        assert_eq!((many.enti.len(), many.enti_more), (10, 7_990));
        let bytes = [few, many].map(|note| serde_json::to_vec(&note).unwrap().len());
        assert!(bytes[1] < bytes[0] + 100, "{bytes:?}");
    }
}
