//! Rules by which counts become findings.

use super::counts::{FindingCounts, ServiceCounts, ShareCounts};
use super::{ComparedShare, Growth, ServiceChange, Share, YearFinding};
use crate::count::{Count, CountCells as _};
use crate::ratio::{change_percent, share_percent};
use crate::tables::{TOP, Turn, main_change_min};

/// Least uses or accesses of a year for a finding.
const COUNT_MIN: u64 = 100;
/// Least share of the largest ente, in percent, and least number of enti to compare it with.
const CONCENTRATION_PERCENT: f64 = 25.0;
const ENTI_MIN: usize = 3;
/// Least share of the most used service of one ente, in percent.
const SERVICE_PERCENT: f64 = 50.0;
/// Least change of the share of digital identities, in percentage points.
const IDENTITY_POINTS: f64 = 5.0;

impl ShareCounts {
    /// Returns the shown counts and the share, if the base is large enough.
    fn share(self) -> Option<Share> {
        let (part, whole) = (self.part.shown()?, self.whole.shown()?);
        let share_percent = share_percent(part, whole).filter(|_| whole >= COUNT_MIN)?;
        Some(Share {
            part,
            whole,
            share_percent,
        })
    }
}

impl FindingCounts {
    /// Returns the findings, the most important first.
    pub(crate) fn findings(&self) -> Vec<YearFinding> {
        let mut findings = Vec::new();
        findings.extend(self.growth());
        findings.extend(self.concentration());
        findings.extend(self.without_uses());
        findings.extend(self.started_and_stopped());
        findings.extend(self.habits());
        findings.extend(self.categories());
        findings.extend(self.top_services());
        findings
    }

    fn growth(&self) -> Option<YearFinding> {
        let (now, before) = (self.uses.shown()?, self.uses_before.shown()?);
        if before < COUNT_MIN {
            return None;
        }
        let growth = Growth {
            service_uses: now,
            compared_service_uses: before,
            compared_year: self.compared_year,
            change_percent: change_percent(now, Some(before))?,
        };
        let Some((cause, rest_change_percent)) = self.cause(now, before) else {
            return Some(YearFinding::Growth(growth));
        };
        Some(YearFinding::Contribution {
            growth,
            service: cause.name.clone(),
            ente: cause.ente.clone(),
            change: cause.now.difference_from(cause.before)?,
            rest_change_percent,
        })
    }

    /// Returns the part of the uses that explains at least half of the difference, and the change of
    /// all other uses in percent. A single ente is preferred to all.
    fn cause(&self, now: u64, before: u64) -> Option<(&ServiceCounts, f64)> {
        let all = now.cast_signed() - before.cast_signed();
        let least = main_change_min(now);
        let explains = |row: &&ServiceCounts| {
            let change = row.now.difference_from(row.before).unwrap_or(0);
            change.signum() == all.signum()
                && change.unsigned_abs() >= least
                && change.unsigned_abs() * 2 >= all.unsigned_abs()
        };
        let largest = |rows: &'_ [ServiceCounts]| {
            let causes = rows.iter().enumerate().filter(|(_, row)| explains(row));
            let largest = causes.max_by_key(|(_, row)| {
                let change = row.now.difference_from(row.before);
                change.map_or(0, i64::unsigned_abs)
            });
            largest.map(|(place, _)| place)
        };
        let cause = match largest(&self.services_of_enti) {
            Some(place) => &self.services_of_enti[place],
            None => &self.services[largest(&self.services)?],
        };
        let rest_before = before.checked_sub(cause.before.shown()?)?;
        let rest = now.checked_sub(cause.now.shown()?)?;
        let rest = change_percent(rest, Some(rest_before).filter(|base| *base >= COUNT_MIN))?;
        Some((cause, rest))
    }

    fn concentration(&self) -> Option<YearFinding> {
        let share_of = |part: Count| {
            let whole = self.uses;
            ShareCounts { part, whole }.share()
        };
        if self.is_of_ente {
            let largest = self.services.iter().max_by_key(|row| row.now.shown())?;
            let share = share_of(largest.now)?;
            let is_large = share.share_percent > SERVICE_PERCENT;
            return is_large.then(|| YearFinding::ServiceConcentration {
                service: largest.name.clone(),
                share,
            });
        }
        let largest = self.enti.iter().max_by_key(|row| row.uses.shown())?;
        let share = share_of(largest.uses)?;
        let is_large = share.share_percent >= CONCENTRATION_PERCENT && self.enti.len() >= ENTI_MIN;
        is_large.then(|| YearFinding::Concentration {
            ente: largest.name.clone(),
            share,
        })
    }

    fn without_uses(&self) -> Option<YearFinding> {
        if self.is_of_ente {
            let ShareCounts { part, whole } = self.services_without_uses;
            let services = part.shown().filter(|services| *services > 0)?;
            return Some(YearFinding::ServicesWithoutUses {
                services,
                services_offered: whole.shown()?,
                service_uses_not_offered: self.uses_not_offered.shown()?,
            });
        }
        let offering = self.enti.iter().filter(|row| row.offered > 0);
        let unused = offering.clone().filter(|row| row.uses == Count::Shown(0));
        let (enti, enti_offering) = (unused.clone().count(), offering.count());
        let is_found = enti > 0 && enti_offering >= ENTI_MIN;
        is_found.then(|| YearFinding::EntiWithoutUses {
            enti: enti as u64,
            enti_offering: enti_offering as u64,
            services: unused.map(|row| row.offered).sum(),
        })
    }

    fn started_and_stopped(&self) -> Option<YearFinding> {
        let least = main_change_min(self.uses.shown()?);
        let hidden = self.hidden(self.uses, |row| row.now);
        let started = self.largest(Turn::Started, least.max(hidden), |row| row.now.shown());
        let hidden = self.hidden(self.uses_before, |row| row.before);
        let stopped = self.largest(Turn::Stopped, least.max(hidden), |row| {
            let lost = row.before.difference_from(row.now)?;
            u64::try_from(lost).ok()
        });
        // A service with few uses left, which are hidden, may have lost more.
        let stopped = stopped.filter(|found| {
            let mut rows = self.services.iter();
            !rows.any(|row| {
                row.turn == Some(Turn::Stopped)
                    && row.now == Count::Hidden
                    && row.before.shown() > Some(found.service_uses)
            })
        });
        let found = started.is_some() || stopped.is_some();
        found.then_some(YearFinding::StartedAndStopped { started, stopped })
    }

    /// Returns the service of this turn with most uses, if they are at least `least`.
    fn largest(
        &self,
        turn: Turn,
        least: u64,
        uses: fn(&ServiceCounts) -> Option<u64>,
    ) -> Option<ServiceChange> {
        let rows = self.services.iter().filter(|row| row.turn == Some(turn));
        let rows = rows.filter_map(|row| {
            Some(ServiceChange {
                name: row.name.clone(),
                service_uses: uses(row)?,
            })
        });
        let largest = rows.max_by_key(|row| row.service_uses);
        largest.filter(|row| row.service_uses >= least)
    }

    /// Returns the sum of the hidden counts of services, as far as shown counts give it away. No
    /// hidden count is larger, so that a larger one is known to be the largest.
    fn hidden(&self, all: Count, of: fn(&ServiceCounts) -> Count) -> u64 {
        let counts = self.services.iter().map(of);
        if !counts.clone().any(|count| count == Count::Hidden) {
            return 0;
        }
        let shown: u64 = counts.filter_map(Count::shown).sum();
        all.shown()
            .map_or(u64::MAX, |all| all.saturating_sub(shown))
    }

    /// Returns findings on habits, the one that changed most first.
    fn habits(&self) -> Vec<YearFinding> {
        let compared = |[now, before]: [ShareCounts; 2]| {
            Some(ComparedShare {
                share: now.share()?,
                compared_year: self.compared_year,
                compared_share_percent: before.share().map(|share| share.share_percent),
            })
        };
        let identity = compared(self.identity);
        let identity = identity.filter(|share| share.points() >= IDENTITY_POINTS);
        let identity = identity.map(|share| (share.points(), YearFinding::DigitalIdentity(share)));
        let mobile = compared(self.mobile);
        let mobile = mobile.map(|share| (share.points(), YearFinding::Mobile(share)));
        let off_hours = compared(self.off_hours);
        let off_hours = off_hours.map(|share| (share.points(), YearFinding::OffHours(share)));
        let habits = [mobile, off_hours, identity].into_iter().flatten();
        let mut habits: Vec<(f64, YearFinding)> = habits.collect();
        habits.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        habits.into_iter().map(|(_, finding)| finding).collect()
    }

    fn categories(&self) -> Option<YearFinding> {
        let [rising, falling] =
            [&self.moves.rising, &self.moves.falling].map(|moves| moves.first().cloned());
        let found = rising.is_some() || falling.is_some();
        found.then_some(YearFinding::Categories { rising, falling })
    }

    fn top_services(&self) -> Option<YearFinding> {
        let shown = self.services.iter().filter_map(|row| row.now.shown());
        let mut uses: Vec<u64> = shown.filter(|uses| *uses > 0).collect();
        uses.sort_unstable_by(|a, b| b.cmp(a));
        let top = ShareCounts {
            part: Count::Shown(uses.iter().take(TOP).sum()),
            whole: self.uses,
        };
        let share = top.share()?;
        let hidden = self.hidden(self.uses, |row| row.now);
        let is_known = uses.len() > TOP && uses[TOP - 1] >= hidden;
        is_known.then_some(YearFinding::TopServices {
            services: TOP,
            share,
        })
    }
}

impl ComparedShare {
    /// Returns the distance from the compared share, in percentage points; 0 without one.
    fn points(&self) -> f64 {
        let before = self.compared_share_percent;
        before.map_or(0.0, |before| (self.share.share_percent - before).abs())
    }
}
