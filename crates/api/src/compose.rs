//! Builds the answer to a question.

use std::sync::Arc;

use affluenza_classify::hours::Zone;
use affluenza_disclosure::edition::Editions;
use affluenza_http::Problem;
use affluenza_store::Usage;
use affluenza_store::usage::Dimension;
use jiff::Timestamp;

use crate::answer::{Completeness, Meta, NAMED_MAX, Span, UnformattedAnswer, Value, Warning};
use crate::asked::{AnswerPage, Asked};
use crate::codes::UsedCodes;
use crate::names::CodeNames;
use crate::period::Period;
use crate::question::{Question, Resource};
use crate::source::{FigureSource, NoFigures};
use crate::state::Snapshot;
use crate::{codes, columns, counted, hours, offers};

/// The client, as far as the answer depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Viewer {
    /// A client without a key.
    Public,
    /// A client with a key, and the enti in its scope; `None` means all.
    Key(Option<Vec<String>>),
}

impl Viewer {
    pub fn scope(&self) -> Option<&[String]> {
        match self {
            Self::Public => None,
            Self::Key(scope) => scope.as_deref(),
        }
    }
}

/// Inputs of an answer.
pub(crate) struct Composer<'a> {
    pub usage: &'a Usage,
    pub used: &'a UsedCodes,
    pub snapshot: &'a Arc<Snapshot>,
    pub editions: &'a Editions,
    pub viewer: &'a Viewer,
    /// [`Basis::figures`](crate::basis::Basis::figures) of the answer.
    pub mark: u64,
}

impl Composer<'_> {
    /// Queries the figures and builds the answer.
    pub async fn answer(&self, asked: &Asked<'_>) -> Result<UnformattedAnswer, NoFigures> {
        let register = &self.snapshot.register;
        let source = match self.viewer {
            Viewer::Public => FigureSource::Public(self.editions),
            Viewer::Key(scope) => FigureSource::Live {
                usage: self.usage,
                scope: scope.as_deref(),
                known: &self.snapshot.known,
                used: self.used,
            },
        };
        codes::check(source, asked, register).await?;
        let page = match asked.question.resource {
            Resource::Catalogue => offers::catalogue(asked, register, source.scope())?,
            Resource::Register => self.register(asked)?,
            Resource::Variations => offers::variations(source, asked, register).await?,
            Resource::OfferedVersusUsed => {
                offers::offered_versus_used(source, asked, register).await?
            }
            Resource::Hours | Resource::Bands => hours::page(source, asked, register).await?,
            Resource::Live => self.live(asked).await?,
            _ => counted::page(source, asked, &CodeNames(register)).await?,
        };
        let meta = self.meta(asked, &page);
        let mut links = asked.links(page.rows_all, self.mark);
        links.extend(
            meta.completeness
                .as_ref()
                .map(|_| asked.completeness_link()),
        );
        Ok(UnformattedAnswer {
            meta,
            links,
            columns: page.columns,
            rows: page.rows,
            totals: page.totals,
        })
    }

    /// Returns the time zones of the question's local days and hours.
    fn zones(&self, question: &Question) -> Vec<Zone> {
        hours::zones(&self.snapshot.register, question, self.viewer.scope())
    }

    /// Builds the list of the register's enti. With a key it states the completeness of each.
    fn register(&self, asked: &Asked<'_>) -> Result<AnswerPage, Problem> {
        let question = asked.question;
        let wanted = asked.enti(self.viewer.scope());
        let enti = self.snapshot.register.enti();
        let enti = enti.filter(|ente| hours::is_wanted(wanted, ente.code()));
        let has_days = *self.viewer != Viewer::Public;
        let columns = register_columns(has_days);
        AnswerPage::new(question, columns, &Vec::from_iter(enti), |ente| {
            let mut row = vec![
                Value::Text(ente.code().to_owned()),
                Value::Text(ente.name().to_owned()),
            ];
            row.extend(Value::days(ente.validity()));
            if has_days {
                let known = self.snapshot.coverage.of_ente(ente.code(), asked.period);
                row.extend([
                    Value::count(known.days_with_data.into()),
                    Value::count(known.days_missing.into()),
                    Value::Text(known.gaps.join(" ")),
                ]);
            }
            row
        })
    }

    async fn live(&self, asked: &Asked<'_>) -> Result<AnswerPage, NoFigures> {
        let question = asked.question;
        // The current minute, which is not over, is the last one.
        let until = (Timestamp::now().as_second() / 60 + 1) * 60;
        let since = until - i64::from(question.minutes) * 60;
        // The filter is within the scope: this was checked before.
        let scope = asked.enti(self.viewer.scope());
        let found = self
            .usage
            .minutes(since..until, question.people, scope)
            .await?;
        let starts: Vec<i64> = (0..i64::from(question.minutes))
            .map(|at| since + at * 60)
            .collect();
        let page = AnswerPage::new(question, LIVE_COLUMNS.to_vec(), &starts, |start| {
            let row = found.iter().find(|row| i64::from(row.minute) == *start);
            let time = Timestamp::from_second(*start).unwrap_or_default();
            vec![
                Value::Text(time.to_string()),
                Value::count(row.map_or(0, |row| row.service_uses)),
                Value::count(row.map_or(0, |row| row.accesses)),
                Value::count(row.map_or(0, |row| row.users)),
            ]
        })?;
        let uses = found.iter().map(|row| row.service_uses).sum();
        let accesses = found.iter().map(|row| row.accesses).sum();
        let totals = vec![
            ("service_uses", Value::count(uses)),
            ("accesses", Value::count(accesses)),
        ];
        Ok(AnswerPage { totals, ..page })
    }

    fn meta(&self, asked: &Asked<'_>, page: &AnswerPage) -> Meta {
        let question = asked.question;
        let is_live = question.resource == Resource::Live;
        let has_figures = !matches!(
            question.resource,
            Resource::Live | Resource::Catalogue | Resource::Register
        );
        let enti = asked.enti(self.viewer.scope());
        let completeness = (has_figures && *self.viewer != Viewer::Public)
            .then(|| self.snapshot.coverage.completeness(asked.period, enti));
        let zones = self.zones(question);
        let zones: Vec<&str> = zones.iter().map(Zone::name).collect();
        let scope = self.viewer.scope();
        let mut warnings = self.warnings(asked, completeness.as_ref());
        warnings.extend_from_slice(&page.warnings);
        if matches!(question.resource, Resource::Hours | Resource::Bands) && zones.len() > 1 {
            warnings.push(Warning {
                code: "several-time-zones",
                text: format!(
                    "each event is counted in the local hour of its portal: {}; hours_existing is that of the zone where it is greatest",
                    zones.join(", ")
                ),
            });
        }
        Meta {
            resource: question.resource.path(),
            units: columns::units(&page.columns, question.measure),
            period: (!is_live).then(|| span(asked.period)),
            data_up_to: asked.reached.map(|day| day.to_string()),
            compared_with: asked.compared.map(span),
            time_zone: zones.join(", "),
            counted: if question.people { "people" } else { "all" },
            scope: scope.map(|enti| enti.iter().take(NAMED_MAX).cloned().collect()),
            scope_more: scope.map(|enti| enti.len().saturating_sub(NAMED_MAX)),
            as_of: self.as_of(asked),
            register_version: self.snapshot.register.version().to_owned(),
            rows: page.rows_all,
            warnings,
            completeness,
        }
    }

    /// Returns the time of closing of public figures, or the time when a change was last noticed.
    fn as_of(&self, asked: &Asked<'_>) -> String {
        let closed = match self.viewer {
            Viewer::Public => asked
                .closed()
                .filter_map(|period| self.editions.of(period).ok()),
            Viewer::Key(_) => return self.snapshot.as_of.to_string(),
        };
        let newest = closed.map(|edition| edition.closed_at).max();
        newest.unwrap_or_else(|| self.snapshot.as_of.to_string())
    }

    fn warnings(&self, asked: &Asked<'_>, completeness: Option<&Completeness>) -> Vec<Warning> {
        let mut warnings = warnings(asked, self.viewer, completeness);
        let doubtful = self.doubtful(asked);
        if !doubtful.is_empty() {
            warnings.push(Warning {
                code: "months-in-doubt",
                text: format!(
                    "figures of {} may be too low or too high: ClickHouse lost or repeated a part of an insert, and its hour rows are being compared with the events",
                    doubtful.join(", ")
                ),
            });
        }
        let cursor = asked.question.cursor;
        if cursor.is_some_and(|cursor| cursor.mark != self.mark) {
            warnings.push(Warning {
                code: "changed-since-first-page",
                text: "figures have changed since the first page: rows may be missing or twice; begin again without a cursor".into(),
            });
        }
        warnings
    }

    /// Returns the months of these periods whose figures may be wrong. Live figures come from
    /// events and public ones from sealed editions, so they are never in doubt.
    fn doubtful(&self, asked: &Asked<'_>) -> Vec<String> {
        if asked.question.resource == Resource::Live || *self.viewer == Viewer::Public {
            return Vec::new();
        }
        let doubtful = self.snapshot.doubtful.iter().filter(|doubt| {
            asked
                .periods()
                .map(Period::selected)
                .any(|days| doubt.touches(days.first, days.last))
        });
        doubtful.map(ToString::to_string).collect()
    }
}

/// Columns of the last minutes.
pub(crate) const LIVE_COLUMNS: [&str; 4] = ["minute", "service_uses", "accesses", "visitors"];

/// Returns the columns of the register. The days are for clients with a key.
pub(crate) fn register_columns(has_days: bool) -> Vec<&'static str> {
    let mut columns = CodeNames::columns(&[Dimension::Ente]);
    columns.extend(["valid_from", "valid_to"]);
    if has_days {
        columns.extend(["days_with_data", "days_missing", "gaps"]);
    }
    columns
}

fn span(period: Period) -> Span {
    Span {
        from: period.first().to_string(),
        to: period.last().to_string(),
        days: period.days(),
    }
}

fn warnings(
    asked: &Asked<'_>,
    viewer: &Viewer,
    completeness: Option<&Completeness>,
) -> Vec<Warning> {
    let period = asked.period;
    let mut warnings = Vec::new();
    if let Some(known) = completeness {
        let to_come = u32::try_from(period.days())
            .unwrap_or(0)
            .saturating_sub(known.days);
        if known.days == 0 {
            warnings.push(Warning {
                code: "no-data",
                text: "there are no figures of this period yet".into(),
            });
        } else if to_come > 0 {
            let reached = asked.reached.map(|day| format!(": data up to {day}"));
            warnings.push(Warning {
                code: "period-not-over",
                text: format!(
                    "{to_come} days of the period have no figures yet{}",
                    reached.unwrap_or_default()
                ),
            });
        }
        let lost = known.records_lost;
        if lost > 0 {
            warnings.push(Warning {
                code: "records-lost",
                text: format!(
                    "up to {lost} records that can be of the period were lost before they were counted"
                ),
            });
        }
        if known.days_missing > 0 {
            warnings.push(Warning {
                code: "days-missing",
                text: format!("on {} days no ente had an event", known.days_missing),
            });
        }
    }
    if let Some(other) = asked.compared
        && other.days() != asked.reached().days()
    {
        warnings.push(Warning {
            code: "periods-differ-in-length",
            text: format!(
                "{} days are compared with {}",
                asked.reached().days(),
                other.days()
            ),
        });
    }
    if !asked.question.has_additive_rows() {
        warnings.push(Warning {
            code: "not-additive",
            text: "users of two rows may be the same: they do not add up to the total".into(),
        });
    }
    if *viewer == Viewer::Public {
        warnings.push(Warning {
            code: "small-counts-hidden",
            text: "small counts, and what they could be worked out from, are hidden".into(),
        });
    }
    warnings
}
