//! Questions: requests that were parsed and normalised, so that equal questions are equal values.

use std::collections::BTreeMap;

use affluenza_edition::PublicMeasure;
use affluenza_store::usage::{Dimension, Selection};
use affluenza_web::Problem;

use crate::cursor::Cursor;
use crate::period::Period;

/// Largest number of values in a filter.
const FILTER_VALUES_MAX: usize = 100;
/// Longest value in a filter, in bytes.
const FILTER_BYTES_MAX: usize = 200;
/// Largest number of rows on a page.
const LIMIT_MAX: usize = 10_000;
/// Largest number of dimensions in a group.
const GROUP_MAX: usize = 4;

/// A resource under `/v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the paths say it")]
pub enum Resource {
    Usage,
    Categories,
    Enti,
    Matrix,
    TopServices,
    Variations,
    Hours,
    Bands,
    Devices,
    Logins,
    OfferedVersusUsed,
    Catalogue,
    Live,
}

impl Resource {
    /// Every resource.
    pub const ALL: [Self; 13] = [
        Self::Usage,
        Self::Categories,
        Self::Enti,
        Self::Matrix,
        Self::TopServices,
        Self::Variations,
        Self::Hours,
        Self::Bands,
        Self::Devices,
        Self::Logins,
        Self::OfferedVersusUsed,
        Self::Catalogue,
        Self::Live,
    ];

    /// Returns the path under `/v1/`.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Categories => "categories",
            Self::Enti => "enti",
            Self::Matrix => "matrix",
            Self::TopServices => "top-services",
            Self::Variations => "variations",
            Self::Hours => "hours",
            Self::Bands => "bands",
            Self::Devices => "devices",
            Self::Logins => "logins",
            Self::OfferedVersusUsed => "offered-versus-used",
            Self::Catalogue => "catalogue",
            Self::Live => "live",
        }
    }

    /// Returns the names of the parameters, without filters and `format`.
    pub const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Usage => &[
                "group", "measure", "period", "compare", "count", "order", "limit", "cursor",
            ],
            Self::Categories | Self::Enti | Self::Logins => &[
                "measure", "period", "compare", "count", "order", "limit", "cursor",
            ],
            Self::TopServices => &[
                "measure", "period", "compare", "count", "order", "limit", "cursor",
            ],
            Self::Matrix => &[
                "measure", "period", "compare", "count", "order", "limit", "cursor", "by_kind",
            ],
            Self::Devices => &[
                "measure", "period", "compare", "count", "order", "limit", "cursor", "trend",
            ],
            Self::Variations => &["period", "compare", "count", "limit", "cursor", "state"],
            Self::Hours | Self::Bands => &["period", "count"],
            Self::OfferedVersusUsed => &["period", "count", "limit", "cursor"],
            Self::Catalogue => &["period", "limit", "cursor"],
            Self::Live => &["minutes", "count"],
        }
    }

    /// Returns the dimensions that the resource can be filtered by.
    pub const fn filters(self) -> &'static [Dimension] {
        match self {
            Self::Live => &[Dimension::Ente],
            Self::Catalogue | Self::OfferedVersusUsed | Self::Variations => {
                &[Dimension::Ente, Dimension::Category, Dimension::Service]
            }
            _ => &Dimension::ALL,
        }
    }
}

/// The quantity that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Measure {
    ServiceUses,
    Accesses,
    Events,
    Users,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 4] = [Self::ServiceUses, Self::Accesses, Self::Events, Self::Users];

    /// Returns the name used in requests and columns.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServiceUses => "service_uses",
            Self::Accesses => "accesses",
            Self::Events => "events",
            Self::Users => "users",
        }
    }

    /// Returns the public figures of the measure.
    pub const fn published(self) -> Option<PublicMeasure> {
        match self {
            Self::ServiceUses => Some(PublicMeasure::Uses),
            Self::Accesses => Some(PublicMeasure::Accesses),
            Self::Events | Self::Users => None,
        }
    }

    /// Returns the unit of the counts.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::ServiceUses => "completed service uses",
            Self::Accesses => "accesses to pages and areas",
            Self::Events => "events",
            Self::Users => "distinct visitors of each day and ente, summed over days and enti",
        }
    }
}

/// A column to sort by, and the direction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Order {
    /// Column name.
    pub column: String,
    /// True if the greatest value comes first.
    pub descending: bool,
}

/// A parsed request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// Requested resource.
    pub resource: Resource,
    /// Period; `None` selects the newest year with figures.
    pub period: Option<Period>,
    /// Period to compare with.
    pub compare: Option<Compare>,
    /// True if bots are left out.
    pub people: bool,
    /// Quantity that is counted.
    pub measure: Measure,
    /// Dimensions of the rows, for [`Resource::Usage`] and for the trend of devices.
    pub group: Vec<Dimension>,
    /// True if the matrix has a column for each kind.
    pub by_kind: bool,
    /// Accepted values, by dimension.
    pub filters: BTreeMap<Dimension, Vec<String>>,
    /// Order of the rows; `None` selects the resource's own order.
    pub order: Option<Order>,
    /// Largest number of rows on a page.
    pub limit: usize,
    /// Start of the page; `None` starts with the first row.
    pub cursor: Option<Cursor>,
    /// Limits variations to one state.
    pub state: Option<&'static str>,
    /// Minutes of [`Resource::Live`], from 1 to 1440.
    pub minutes: u32,
}

/// The period of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compare {
    /// Compares with the same dates a year before.
    YearBefore,
    /// Compares with as many days, or whole months, just before.
    Before,
    /// Compares with another period.
    With(Period),
}

/// States of variations.
pub const STATES: [&str; 6] = [
    "NEW",
    "RETIRED",
    "UNUSED",
    "BROKEN",
    "UNREGISTERED",
    "CHANGED",
];
const COUNTS: [&str; 2] = ["people", "all"];
const YES_NO: [&str; 2] = ["true", "false"];
const TRENDS: [&str; 4] = ["none", "day", "month", "year"];

impl Question {
    /// Parses the parameters of a request, or names the one that is not valid.
    pub fn parse(resource: Resource, pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut question = Self {
            resource,
            period: None,
            compare: None,
            people: true,
            measure: Measure::ServiceUses,
            group: Vec::new(),
            by_kind: false,
            filters: BTreeMap::new(),
            order: None,
            limit: if resource == Resource::TopServices {
                20
            } else {
                1000
            },
            cursor: None,
            state: None,
            minutes: 60,
        };
        if resource == Resource::Devices {
            question.measure = Measure::Accesses;
        }
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in pairs {
            if seen.contains(&name.as_str()) {
                return Err(Problem::parameter(
                    name,
                    format!("{name} is given twice: give a list of values, separated by commas"),
                    &[],
                ));
            }
            seen.push(name);
            if name == "format" {
                continue;
            }
            question.take(name, value)?;
        }
        question.finish()
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        if let Some(dimension) = Dimension::ALL
            .into_iter()
            .find(|dimension| dimension.name() == name)
            .filter(|dimension| self.resource.filters().contains(dimension))
        {
            let values = filter(dimension, value)?;
            self.filters.insert(dimension, values);
            return Ok(());
        }
        if !self.resource.parameters().contains(&name) {
            return Err(self.unknown(name));
        }
        match name {
            "group" => self.group = group(value)?,
            "measure" => {
                let names = Measure::ALL.map(Measure::name);
                let at = one_of(name, value, &names)?;
                self.measure = Measure::ALL[at];
            }
            "period" => self.period = Some(period(name, value)?),
            "compare" => {
                self.compare = match value {
                    "none" => None,
                    "year-before" => Some(Compare::YearBefore),
                    "before" => Some(Compare::Before),
                    other => Some(Compare::With(period(name, other)?)),
                };
            }
            "count" => self.people = one_of(name, value, &COUNTS)? == 0,
            "by_kind" => self.by_kind = one_of(name, value, &YES_NO)? == 0,
            "trend" => {
                self.group = match one_of(name, value, &TRENDS)? {
                    1 => vec![Dimension::Day],
                    2 => vec![Dimension::Month],
                    3 => vec![Dimension::Year],
                    _ => Vec::new(),
                };
            }
            "state" => self.state = Some(STATES[one_of(name, value, &STATES)?]),
            "order" => {
                let (column, descending) = match value.strip_prefix('-') {
                    Some(column) => (column, true),
                    None => (value, false),
                };
                self.order = Some(Order {
                    column: column.to_owned(),
                    descending,
                });
            }
            "limit" => self.limit = number(name, value, 1, LIMIT_MAX)?,
            "cursor" => self.cursor = Some(Cursor::parse(value)?),
            // Only "minutes" is left.
            _ => self.minutes = u32::try_from(number(name, value, 1, 1440)?).unwrap_or(60),
        }
        Ok(())
    }

    fn unknown(&self, name: &str) -> Problem {
        let filters = self
            .resource
            .filters()
            .iter()
            .map(|dimension| dimension.name());
        let mut allowed: Vec<&str> = self.resource.parameters().to_vec();
        allowed.push("format");
        allowed.extend(filters);
        Problem::parameter(
            name,
            format!("/v1/{} has no such parameter", self.resource.path()),
            &allowed,
        )
    }

    fn finish(mut self) -> Result<Self, Problem> {
        if self.resource == Resource::Variations && self.compare.is_none() {
            self.compare = Some(Compare::YearBefore);
        }
        if self.resource == Resource::Usage && self.group.is_empty() {
            self.group = vec![Dimension::Category];
        }
        if self.compare.is_some() {
            let moving = |dimension: &&Dimension| {
                matches!(
                    dimension,
                    Dimension::Day | Dimension::Month | Dimension::Year
                )
            };
            if let Some(dimension) = self.group.iter().find(moving) {
                return Err(Problem::parameter(
                    "compare",
                    format!(
                        "a {} is never in both periods: group by something else to compare",
                        dimension.name()
                    ),
                    &["none"],
                ));
            }
        }
        let columns = self.order_columns();
        if let Some(order) = &self.order
            && !columns.contains(&order.column.as_str())
        {
            return Err(Problem::parameter(
                "order",
                "rows cannot be sorted by this; a minus before the name sorts downwards",
                &columns,
            ));
        }
        Ok(self)
    }

    /// True if each visitor is in one row only, so that the users of all rows add up to the total.
    /// A visitor is identified for one day and one ente only.
    pub fn has_additive_rows(&self) -> bool {
        use Dimension::{Day, Ente, Month, Weekday, Year};
        let keeps =
            |dimension: &Dimension| matches!(dimension, Day | Ente | Month | Weekday | Year);
        self.measure != Measure::Users || self.dimensions().iter().all(keeps)
    }

    /// Number of rows before the page.
    pub fn offset(&self) -> usize {
        self.cursor.map_or(0, |cursor| cursor.offset)
    }

    /// Returns the dimensions of the rows.
    pub fn dimensions(&self) -> Vec<Dimension> {
        match self.resource {
            Resource::Usage => self.group.clone(),
            Resource::Categories => vec![Dimension::Category],
            Resource::Enti => vec![Dimension::Ente],
            Resource::Matrix => vec![Dimension::Ente, Dimension::Category],
            Resource::TopServices => vec![Dimension::Service, Dimension::Category],
            Resource::Devices => {
                let mut group = self.group.clone();
                group.push(Dimension::Device);
                group
            }
            Resource::Logins => vec![Dimension::Login],
            _ => Vec::new(),
        }
    }

    /// Returns the names of the columns that rows may be sorted by.
    fn order_columns(&self) -> Vec<&'static str> {
        let mut columns: Vec<&str> = self
            .dimensions()
            .iter()
            .map(|dimension| dimension.name())
            .collect();
        columns.push(self.measure.name());
        if self.compare.is_some() {
            columns.extend(["before", "difference", "change_percent"]);
        }
        columns
    }

    /// Selects the events of a period that the question covers.
    pub fn selection(&self, period: Period, scope: Option<&[String]>) -> Selection {
        Selection {
            days: period.selected(),
            people: self.people,
            scope: scope.map(<[String]>::to_vec),
            filters: self.filters.clone(),
        }
    }
}

fn one_of(name: &str, value: &str, allowed: &[&str]) -> Result<usize, Problem> {
    allowed
        .iter()
        .position(|known| *known == value)
        .ok_or_else(|| Problem::parameter(name, format!("{name} has no such value"), allowed))
}

fn number(name: &str, value: &str, low: usize, high: usize) -> Result<usize, Problem> {
    let parsed = value
        .parse()
        .ok()
        .filter(|number| (low..=high).contains(number));
    parsed.ok_or_else(|| {
        Problem::parameter(
            name,
            format!("use a whole number from {low} to {high}"),
            &[],
        )
        .with("minimum", low)
        .with("maximum", high)
    })
}

fn period(name: &str, value: &str) -> Result<Period, Problem> {
    Period::parse(value).map_err(|cause| {
        let forms: &[&str] = if name == "compare" {
            &[
                "none",
                "year-before",
                "before",
                "YYYY",
                "YYYY-MM",
                "YYYY-MM-DD",
                "FROM..TO",
            ]
        } else {
            &["YYYY", "YYYY-MM", "YYYY-MM-DD", "FROM..TO"]
        };
        Problem::parameter(name, cause, forms)
    })
}

fn group(value: &str) -> Result<Vec<Dimension>, Problem> {
    let names = Dimension::ALL.map(Dimension::name);
    let mut group = Vec::new();
    for name in value.split(',') {
        let dimension = Dimension::ALL[one_of("group", name, &names)?];
        if group.contains(&dimension) {
            return Err(Problem::parameter(
                "group",
                format!("{name} is given twice"),
                &names,
            ));
        }
        group.push(dimension);
    }
    if group.len() > GROUP_MAX {
        return Err(Problem::parameter(
            "group",
            format!("group by at most {GROUP_MAX} dimensions"),
            &names,
        ));
    }
    Ok(group)
}

fn filter(dimension: Dimension, value: &str) -> Result<Vec<String>, Problem> {
    let name = dimension.name();
    let mut values: Vec<String> = value.split(',').map(str::to_owned).collect();
    values.sort();
    values.dedup();
    if values.len() > FILTER_VALUES_MAX || values.iter().any(|value| value.len() > FILTER_BYTES_MAX)
    {
        return Err(Problem::parameter(
            name,
            format!("give at most {FILTER_VALUES_MAX} values of at most {FILTER_BYTES_MAX} bytes"),
            &[],
        ));
    }
    if values.iter().any(|value| value.contains('\0')) {
        return Err(Problem::parameter(name, "a value holds a zero byte", &[]));
    }
    let allowed = dimension.values();
    for value in &values {
        if !allowed.is_empty() {
            one_of(name, value, allowed)?;
        }
        let is_date = match dimension {
            Dimension::Day => value.len() == 10,
            Dimension::Month => value.len() == 7,
            Dimension::Year => value.len() == 4,
            _ => continue,
        };
        if !is_date {
            period(name, "")?;
        }
        period(name, value)?;
    }
    Ok(values)
}

impl Question {
    /// Returns the parameters of the question in a fixed order, in request syntax. Unset optional
    /// parameters are left out.
    pub fn pairs(&self, period: Period) -> Vec<(&'static str, String)> {
        let known = |name: &str| self.resource.parameters().contains(&name);
        let mut pairs = Vec::new();
        let mut push = |name: &'static str, value: String| {
            if known(name) {
                pairs.push((name, value));
            }
        };
        push("period", period.to_string());
        let names: Vec<&str> = self
            .group
            .iter()
            .map(|dimension| dimension.name())
            .collect();
        if !names.is_empty() {
            push("group", names.join(","));
            push("trend", names.join(","));
        }
        push("measure", self.measure.name().to_owned());
        match self.compare {
            None => {}
            Some(Compare::YearBefore) => push("compare", "year-before".to_owned()),
            Some(Compare::Before) => push("compare", "before".to_owned()),
            Some(Compare::With(other)) => push("compare", other.to_string()),
        }
        push("count", COUNTS[usize::from(!self.people)].to_owned());
        if self.by_kind {
            push("by_kind", "true".to_owned());
        }
        if let Some(order) = &self.order {
            let sign = if order.descending { "-" } else { "" };
            push("order", format!("{sign}{}", order.column));
        }
        if let Some(state) = self.state {
            push("state", state.to_owned());
        }
        push("limit", self.limit.to_string());
        push("minutes", self.minutes.to_string());
        if let Some(cursor) = self.cursor {
            push("cursor", cursor.write());
        }
        for (dimension, values) in &self.filters {
            pairs.push((dimension.name(), values.join(",")));
        }
        pairs
    }
}
