//! Builds the answer to a question.

use std::sync::Arc;

use affluenza_classify::hours::{Band, Zone};
use affluenza_edition::Editions;
use affluenza_store::Store;
use affluenza_store::doubts::DoubtfulMonth;
use affluenza_store::usage::Dimension;
use affluenza_web::Problem;
use jiff::Timestamp;

use crate::answer::{Answer, Meta, Span, Value, Warning};
use crate::counted::{self, NoFigures};
use crate::cursor::Cursor;
use crate::hours::{self, Figures};
use crate::names::Names;
use crate::offers::{self, Grid};
use crate::period::Period;
use crate::question::{Compare, Question, Resource};
use crate::state::Snapshot;
use crate::{public, units};

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
    pub store: &'a Store,
    pub snapshot: &'a Arc<Snapshot>,
    pub editions: &'a Editions,
}

/// Returns the period of the comparison, if one is requested.
pub(crate) fn compared(question: &Question, period: Period) -> Result<Option<Period>, Problem> {
    let none = || Problem::parameter("compare", "there are no days before 1970", &["none"]);
    Ok(match question.compare {
        None => None,
        Some(Compare::YearBefore) => Some(period.year_before().ok_or_else(none)?),
        Some(Compare::Before) => Some(period.before().ok_or_else(none)?),
        Some(Compare::With(other)) => Some(other),
    })
}

impl Composer<'_> {
    /// Queries the figures and builds the answer. `period` is the question's period, or its
    /// default.
    pub async fn answer(
        &self,
        question: &Question,
        viewer: &Viewer,
        period: Period,
    ) -> Result<Answer, NoFigures> {
        let compared = compared(question, period).map_err(NoFigures::Question)?;
        let is_public = *viewer == Viewer::Public && question.resource != Resource::Catalogue;
        let (columns, rows, totals, whole) = match question.resource {
            _ if is_public => paged(
                question,
                public::grid(
                    self.editions,
                    &self.snapshot.register,
                    question,
                    (period, compared),
                )?,
            ),
            Resource::Variations => {
                let before = compared.unwrap_or(period);
                let scope = viewer.scope();
                let periods = (period, before);
                let register = &self.snapshot.register;
                paged(
                    question,
                    offers::variations(self.store, register, question, scope, periods).await?,
                )
            }
            Resource::OfferedVersusUsed => {
                let register = &self.snapshot.register;
                let scope = viewer.scope();
                paged(
                    question,
                    offers::offered_versus_used(self.store, register, question, scope, period)
                        .await?,
                )
            }
            Resource::Catalogue => paged(
                question,
                offers::catalogue(&self.snapshot.register, question, viewer.scope(), period),
            ),
            Resource::Hours | Resource::Bands => {
                paged(question, self.hours(question, viewer, period).await?)
            }
            Resource::Live => paged(question, self.live(question, viewer).await?),
            _ => self.counted(question, viewer, (period, compared)).await?,
        };
        let meta = self.meta(question, viewer, (period, compared), (&columns, whole));
        Ok(Answer {
            meta,
            columns,
            links: links(question, (period, self.snapshot.mark), whole),
            rows,
            totals,
        })
    }

    async fn counted(
        &self,
        question: &Question,
        viewer: &Viewer,
        periods: (Period, Option<Period>),
    ) -> Result<Page, NoFigures> {
        let counted = counted::count(self.store, question, viewer.scope(), periods).await?;
        let page: Vec<_> = counted
            .lines
            .iter()
            .skip(question.offset())
            .take(question.limit)
            .cloned()
            .collect();
        let names = Names(&self.snapshot.register);
        let (columns, rows) = counted::table(question, &names, &counted, &page);
        let totals = counted::totals(question, &counted);
        Ok((columns, rows, totals, counted.lines.len()))
    }

    async fn hours(
        &self,
        question: &Question,
        viewer: &Viewer,
        period: Period,
    ) -> Result<Grid, NoFigures> {
        let selection = question.selection(period, viewer.scope());
        let rows = self.store.usage_hours(&selection).await?;
        let (all, zones) = (Figures::of(&rows, |_| true), self.zones(question, viewer));
        Ok(if question.resource == Resource::Hours {
            let of = |hour| Figures::of(&rows, |row| row.local_hour == hour);
            hours::by_hour(&zones, period, of, &all)
        } else {
            let of = |band: Band| Figures::of(&rows, |row| row.band == band.as_str());
            hours::by_band(&zones, period, of, &all)
        })
    }

    /// Returns the time zones of the question's local days and hours.
    fn zones(&self, question: &Question, viewer: &Viewer) -> Vec<Zone> {
        hours::zones(&self.snapshot.register, question, viewer.scope())
    }

    async fn live(&self, question: &Question, viewer: &Viewer) -> Result<Grid, NoFigures> {
        // The current minute, which is not over, is the last one.
        let until = (Timestamp::now().as_second() / 60 + 1) * 60;
        let since = until - i64::from(question.minutes) * 60;
        let scope = match (viewer.scope(), question.filters.get(&Dimension::Ente)) {
            // The filter is within the scope: this was checked before.
            (_, Some(enti)) => Some(enti.as_slice()),
            (scope, None) => scope,
        };
        let rows = self
            .store
            .usage_minutes(since..until, question.people, scope)
            .await?;
        let sum = |of: fn(&affluenza_store::usage::MinuteRow) -> u64| {
            Value::Count(rows.iter().map(of).sum())
        };
        let totals = vec![
            ("service_uses", sum(|row| row.service_uses)),
            ("accesses", sum(|row| row.accesses)),
        ];
        let minutes = (0..i64::from(question.minutes)).map(|at| since + at * 60);
        let line = |start: i64| {
            let found = rows.iter().find(|row| i64::from(row.minute) == start);
            let count = |of: fn(&affluenza_store::usage::MinuteRow) -> u64| {
                Value::Count(found.map_or(0, of))
            };
            let time = Timestamp::from_second(start).unwrap_or_default();
            vec![
                Value::Text(time.to_string()),
                count(|row| row.service_uses),
                count(|row| row.accesses),
                count(|row| row.users),
            ]
        };
        let columns = vec!["minute", "service_uses", "accesses", "users"];
        Ok((columns, minutes.map(line).collect(), totals))
    }

    fn meta(
        &self,
        question: &Question,
        viewer: &Viewer,
        (period, compared): (Period, Option<Period>),
        (columns, rows): (&[&'static str], usize),
    ) -> Meta {
        let is_live = question.resource == Resource::Live;
        let has_figures = !is_live && question.resource != Resource::Catalogue;
        let filter = question.filters.get(&Dimension::Ente).map(Vec::as_slice);
        let enti = filter.or(viewer.scope());
        let completeness = (has_figures && *viewer != Viewer::Public)
            .then(|| self.snapshot.coverage.completeness(period, enti));
        let zones = self.zones(question, viewer);
        let zones: Vec<&str> = zones.iter().map(Zone::name).collect();
        let mut warnings =
            self.warnings(question, viewer, (period, compared), completeness.as_ref());
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
            units: units::units(columns, question.measure),
            period: (!is_live).then(|| span(period)),
            compared_with: compared.map(span),
            time_zone: zones.join(", "),
            counted: if question.people { "people" } else { "all" },
            scope: viewer.scope().map(<[String]>::to_vec),
            as_of: self.snapshot.as_of.to_string(),
            register_version: self.snapshot.register.version().to_owned(),
            rows,
            warnings,
            completeness,
        }
    }
}

impl Composer<'_> {
    fn warnings(
        &self,
        question: &Question,
        viewer: &Viewer,
        periods: (Period, Option<Period>),
        completeness: Option<&crate::answer::Completeness>,
    ) -> Vec<Warning> {
        let mut warnings = warnings(question, viewer, periods, completeness);
        let doubtful = self.doubtful(question, viewer, periods);
        if !doubtful.is_empty() {
            warnings.push(Warning {
                code: "months-in-doubt",
                text: format!(
                    "figures of {} may be too low or too high: ClickHouse lost or repeated a part of an insert, and its hour rows are being compared with the events",
                    doubtful.join(", ")
                ),
            });
        }
        if question
            .cursor
            .is_some_and(|cursor| cursor.mark != self.snapshot.mark)
        {
            warnings.push(Warning {
                code: "changed-since-first-page",
                text: "figures have changed since the first page: rows may be missing or twice; begin again without a cursor".into(),
            });
        }
        warnings
    }
}

impl Composer<'_> {
    /// Returns the months of these periods whose figures may be wrong. Live figures come from
    /// events and public ones from sealed editions, so they are never in doubt.
    fn doubtful(
        &self,
        question: &Question,
        viewer: &Viewer,
        (period, compared): (Period, Option<Period>),
    ) -> Vec<String> {
        if question.resource == Resource::Live || *viewer == Viewer::Public {
            return Vec::new();
        }
        let periods = [Some(period), compared];
        let touches = |doubt: &&DoubtfulMonth| {
            periods
                .iter()
                .flatten()
                .any(|period| doubt.touches(period.first().days(), period.last().days()))
        };
        let doubtful = self.snapshot.doubtful.iter().filter(touches);
        doubtful.map(ToString::to_string).collect()
    }
}

type Page = (
    Vec<&'static str>,
    Vec<Vec<Value>>,
    Vec<(&'static str, Value)>,
    usize,
);

fn paged(question: &Question, (columns, rows, totals): Grid) -> Page {
    let whole = rows.len();
    let limit = match question.resource {
        Resource::Live | Resource::Hours | Resource::Bands => whole,
        _ => question.limit,
    };
    let rows = rows
        .into_iter()
        .skip(question.offset())
        .take(limit)
        .collect();
    (columns, rows, totals, whole)
}

fn span(period: Period) -> Span {
    Span {
        from: period.first().to_string(),
        to: period.last().to_string(),
        days: period.days(),
    }
}

fn warnings(
    question: &Question,
    viewer: &Viewer,
    (period, compared): (Period, Option<Period>),
    completeness: Option<&crate::answer::Completeness>,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code, text: String| warnings.push(Warning { code, text });
    if let Some(known) = completeness {
        let to_come = u32::try_from(period.days())
            .unwrap_or(0)
            .saturating_sub(known.days);
        if known.days == 0 {
            warn("no-data", "there are no figures of this period yet".into());
        } else if to_come > 0 {
            warn(
                "period-not-over",
                format!("{to_come} days of the period have no figures yet"),
            );
        }
        let lost: u64 = known.losses.iter().map(|loss| loss.records).sum();
        if lost > 0 {
            warn(
                "records-lost",
                format!(
                    "up to {lost} records that can be of the period were lost before they were counted"
                ),
            );
        }
        if known.days_missing > 0 {
            warn(
                "days-missing",
                format!("on {} days no ente had an event", known.days_missing),
            );
        }
    }
    if let Some(other) = compared
        && other.days() != period.days()
    {
        warn(
            "periods-differ-in-length",
            format!("{} days are compared with {}", period.days(), other.days()),
        );
    }
    if !question.has_additive_rows() {
        warn(
            "not-additive",
            "users of two rows may be the same: they do not add up to the total".into(),
        );
    }
    if *viewer == Viewer::Public {
        warn(
            "small-counts-hidden",
            "small counts, and what they could be worked out from, are hidden".into(),
        );
    }
    warnings
}

fn links(
    question: &Question,
    (period, mark): (Period, u64),
    rows: usize,
) -> Vec<(&'static str, String)> {
    let address = |extra: &[(&str, &str)]| {
        let mut pairs = question.pairs(period);
        pairs.extend(
            extra
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let query: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        let query = query.join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/v1/{}{mark}{query}", question.resource.path())
    };
    let mut links = vec![("self", address(&[]))];
    let next = question.offset() + question.limit;
    let has_pages = !matches!(
        question.resource,
        Resource::Live | Resource::Hours | Resource::Bands
    );
    if has_pages && next < rows {
        let following = Question {
            cursor: Some(Cursor {
                offset: next,
                // Every page carries the mark of the first one, so that changed figures are
                // noticed.
                mark: question.cursor.map_or(mark, |cursor| cursor.mark),
            }),
            ..question.clone()
        };
        let query: Vec<String> = following
            .pairs(period)
            .iter()
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        links.push((
            "next",
            format!("/v1/{}?{}", question.resource.path(), query.join("&")),
        ));
    }
    links.push(("csv", address(&[("format", "csv")])));
    links.push(("csv_excel_italy", address(&[("format", "csv-excel-italy")])));
    links.push(("describedby", "/openapi.json".to_owned()));
    links
}

fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
