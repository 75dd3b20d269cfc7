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
use xxhash_rust::xxh3::Xxh3;

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
/// Probability below which a pause between two days with data is a gap.
const CHANCE_MAX: f64 = 0.01;

/// State at a moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
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
    /// State of all figures, read before everything else.
    pub watermark: Watermark,
    /// Number that grows whenever figures, days with data or register have changed.
    pub revision: u64,
}

impl Snapshot {
    /// Hash that is the same while events are only added and the register stays.
    pub fn generation(&self) -> u64 {
        let mut hasher = Xxh3::new();
        (self.register.version(), &self.watermark.generation).hash(&mut hasher);
        hasher.finish()
    }
}

/// Days with data, by ente.
#[derive(Debug, Default)]
pub struct Coverage {
    enti: BTreeMap<String, EnteDays>,
    /// Days with data of any ente, in order.
    all: Vec<u16>,
    /// Watermark that was read before these days. Under any other watermark they may have changed.
    watermark: Watermark,
    /// Earliest time of the next reading.
    next: Option<Instant>,
    losses: Vec<Acceptance>,
}

/// Days with data of an ente.
#[derive(Debug, Default)]
struct EnteDays {
    /// Days since 1970, in order.
    seen: Vec<u16>,
    /// Pauses that are unusually long for the ente, in order.
    gaps: Vec<RangeInclusive<i32>>,
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
        let all: BTreeSet<u16> = seen.iter().flat_map(|ente| ente.days.clone()).collect();
        let newest = all.last().copied().unwrap_or_default();
        let enti = seen.into_iter().map(|SeenDays { ente, days }| {
            let gaps = unusual_gaps(&days, newest);
            (ente, EnteDays { seen: days, gaps })
        });
        let enti = enti.collect();
        let all = Vec::from_iter(all);
        let mut losses = accepted;
        losses.retain(|one| one.what == Accepted::Loss.as_str() && one.records > 0);
        Self {
            enti,
            all,
            losses,
            ..Self::default()
        }
    }

    /// Returns the newest day with data of these enti, in days since 1970.
    pub fn newest(&self, enti: Option<&[String]>) -> Option<u16> {
        match enti {
            None => self.all.last().copied(),
            Some(enti) => enti
                .iter()
                .filter_map(|ente| self.enti.get(ente)?.seen.last().copied())
                .max(),
        }
    }

    /// Returns the days with data of these enti, by code.
    fn of_enti<'c>(
        &'c self,
        enti: Option<&'c [String]>,
    ) -> impl Iterator<Item = (&'c String, &'c EnteDays)> {
        let all = self.enti.iter();
        all.filter(move |(ente, _)| {
            *ente != UNREGISTERED && enti.is_none_or(|enti| enti.contains(ente))
        })
    }

    /// Returns the losses that may concern a period.
    fn losses_of(&self, period: Period) -> impl Iterator<Item = &Acceptance> {
        let Days { first, last, .. } = period.selected();
        self.losses.iter().filter(move |loss| {
            i32::from(loss.first_day) <= last && i32::from(loss.last_day) >= first
        })
    }

    /// Returns the hash of everything that [`Self::completeness`] and [`Self::of_ente`] state about
    /// these enti in a period.
    pub fn digest(&self, period: Period, enti: Option<&[String]>) -> u64 {
        let days = self.days_with_figures(period);
        let mut hasher = Xxh3::new();
        (&days, within(&self.all, &days).len()).hash(&mut hasher);
        for (ente, found) in self.of_enti(enti) {
            let gaps = Vec::from_iter(found.gaps_in(&days));
            (ente, within(&found.seen, &days), gaps).hash(&mut hasher);
        }
        for loss in self.losses_of(period) {
            let days = (loss.first_day, loss.last_day);
            (loss.records, days, &loss.reason).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Returns the completeness of these enti's figures in a period.
    pub fn completeness(&self, period: Period, enti: Option<&[String]>) -> Completeness {
        let days = self.days_with_figures(period);
        let found = self.of_enti(enti);
        let mut found: Vec<(&String, u32)> = found
            .map(|(ente, known)| (ente, known.missing_in(&days)))
            .collect();
        found.sort_by_key(|(_, missing)| Reverse(*missing));
        let mut losses = Vec::from_iter(self.losses_of(period));
        losses.sort_by_key(|loss| Reverse(loss.records));
        let length = length(&days);
        Completeness {
            days: length,
            days_missing: length.saturating_sub(number(within(&self.all, &days))),
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
        let nothing = EnteDays::default();
        let known = self.enti.get(ente).unwrap_or(&nothing);
        let mut gaps = Vec::from_iter(known.gaps_in(&days));
        gaps.sort_by_key(|gap| Reverse(length(gap)));
        gaps.truncate(GAPS_MAX);
        gaps.sort_by_key(|gap| *gap.start());
        let dates = |gap: &RangeInclusive<i32>| {
            let (from, to) = (date_since_1970(*gap.start()), date_since_1970(*gap.end()));
            format!("{from}..{to}")
        };
        EnteCompleteness {
            ente: ente.to_owned(),
            days_with_data: number(within(&known.seen, &days)),
            days_missing: known.missing_in(&days),
            gaps: gaps.iter().map(dates).collect(),
        }
    }

    /// Returns the days of a period up to the newest day with data of any ente.
    fn days_with_figures(&self, period: Period) -> RangeInclusive<i32> {
        let Days { first, last, .. } = period.selected();
        let newest = self.newest(None).map_or(-1, i32::from);
        first..=last.min(newest)
    }
}

impl EnteDays {
    /// Returns the parts of the gaps that lie in `days`.
    fn gaps_in(&self, days: &RangeInclusive<i32>) -> impl Iterator<Item = RangeInclusive<i32>> {
        let (first, last) = (*days.start(), *days.end());
        let parts = self.gaps.iter();
        parts
            .map(move |gap| first.max(*gap.start())..=last.min(*gap.end()))
            .filter(|part| !part.is_empty())
    }

    fn missing_in(&self, days: &RangeInclusive<i32>) -> u32 {
        self.gaps_in(days).map(|gap| length(&gap)).sum()
    }
}

fn length(days: &RangeInclusive<i32>) -> u32 {
    u32::try_from(days.end() - days.start() + 1).unwrap_or(0)
}

fn number(days: &[u16]) -> u32 {
    u32::try_from(days.len()).unwrap_or(u32::MAX)
}

/// Returns the part of a sorted list that lies in `days`.
fn within<'d>(seen: &'d [u16], days: &RangeInclusive<i32>) -> &'d [u16] {
    let from = seen.partition_point(|day| i32::from(*day) < *days.start());
    let to = seen.partition_point(|day| i32::from(*day) <= *days.end());
    seen.get(from..to).unwrap_or_default()
}

/// Returns the pauses of an ente up to `newest` that are unusually long for it. An ente that has
/// data on a share of its days has such a pause by chance in fewer than one of a hundred cases. So
/// the days without uses of a small ente are no gaps, and neither are weekends.
fn unusual_gaps(seen: &[u16], newest: u16) -> Vec<RangeInclusive<i32>> {
    let (Some(first), Some(last)) = (seen.first(), seen.last()) else {
        return Vec::new();
    };
    let share = (seen.len() - 1) as f64 / (f64::from(last - first) + 1.0);
    let days_min = CHANCE_MAX.ln().abs() / (1.0 - share).ln().abs();
    let ends = seen.iter().skip(1).map(|day| i32::from(*day));
    let ends = ends.chain([i32::from(newest) + 1]);
    let gaps = seen
        .iter()
        .zip(ends)
        .map(|(day, end)| i32::from(*day) + 1..=end - 1);
    let gaps = gaps.filter(|gap| !gap.is_empty() && f64::from(length(gap)) >= days_min);
    gaps.collect()
}

fn loss(accepted: &Acceptance) -> Loss {
    Loss {
        records: accepted.records,
        from: date_since_1970(accepted.first_day.into()).to_string(),
        to: date_since_1970(accepted.last_day.into()).to_string(),
        reason: accepted.reason.clone(),
    }
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
    let is_same = same_register
        .is_some_and(|last| last.watermark == watermark && Arc::ptr_eq(&last.coverage, &coverage));
    let last = before.map_or(0, |last| last.revision);
    Ok(Snapshot {
        revision: last + u64::from(!is_same),
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
        assert_eq!((&*all.enti[0].ente, all.enti[0].days_with_data), ("a", 3));
        let none = coverage.completeness(Period::parse("2018").unwrap(), None);
        assert_eq!((none.days, none.enti[0].days_missing), (0, 0));
        assert!(none.losses.is_empty());
    }

    #[test]
    fn pauses_are_gaps_where_they_are_unusual() {
        let gaps = |days: &[u16], newest| {
            let found = unusual_gaps(days, newest).into_iter();
            found
                .map(|gap| (*gap.start(), *gap.end()))
                .collect::<Vec<_>>()
        };
        let mut daily: Vec<u16> = (1000..1365).collect();
        daily.retain(|day| *day != 1100);
        assert_eq!(gaps(&daily, 1364), [(1100, 1100)]);
        assert_eq!(gaps(&daily, 1370), [(1100, 1100), (1365, 1370)]);
        // Five days of seven: weekends are no gaps, two weeks are.
        let mut weekly: Vec<u16> = (1000..1365).filter(|day| day % 7 < 5).collect();
        assert_eq!(gaps(&weekly, 1364), []);
        weekly.retain(|day| !(1100..1114).contains(day));
        assert_eq!(gaps(&weekly, 1364).len(), 1);
        // An ente with a use a month.
        let monthly: Vec<u16> = (0..12).map(|month| 1000 + month * 30).collect();
        assert_eq!(gaps(&monthly, 1364), []);
        assert_eq!(gaps(&[1000], 1364), []);
        assert_eq!(gaps(&[], 1364), []);
    }

    /// Data of other enti and days change nothing.
    #[test]
    fn a_digest_is_of_the_period_and_the_enti() {
        let day = |text| u16::try_from(Period::parse(text).unwrap().selected().first).unwrap();
        let of = |ente: &str, days: &[&'static str]| SeenDays {
            ente: ente.into(),
            days: days.iter().map(|text| day(*text)).collect(),
        };
        let digest = |seen: &[SeenDays], enti: Option<&[String]>| {
            Coverage::of(seen.to_vec(), Vec::new()).digest(Period::parse("2017").unwrap(), enti)
        };
        let a = of("a", &["2017-03-01", "2017-03-02", "2018-01-01"]);
        let before = [a.clone(), of("b", &["2018-01-01"])];
        let own = ["a".to_owned()];
        for (after, is_of_a, is_of_all) in [
            (
                [a.clone(), of("b", &["2018-01-01", "2018-01-02"])],
                true,
                true,
            ),
            ([a, of("b", &["2017-03-01", "2018-01-01"])], true, false),
            (
                [
                    of("a", &["2017-03-01", "2018-01-01"]),
                    of("b", &["2018-01-01"]),
                ],
                false,
                false,
            ),
        ] {
            let is_same = |enti| digest(&before, enti) == digest(&after, enti);
            assert_eq!((is_same(Some(&own)), is_same(None)), (is_of_a, is_of_all));
        }
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
        assert!(bytes[1] < 2 * bytes[0], "{bytes:?}");
    }
}
