//! The parameters of a request, and the question that they ask.

use affluenza_event::nearest;
use affluenza_http::Problem;
use affluenza_register::comparison_key;
use affluenza_store::usage::Dimension;

use crate::cursor::Cursor;
use crate::period::Period;
use crate::question::{Compare, Measure, Question, Resource, STATES, SortOrder};

/// Largest number of values in a filter.
const FILTER_VALUES_MAX: usize = 100;
/// Longest value in a filter, in bytes.
const FILTER_BYTES_MAX: usize = 200;
/// Longest text of a search, in bytes.
const SEARCH_BYTES_MAX: usize = 100;
/// Largest number of rows on a page.
const LIMIT_MAX: usize = 10_000;
/// Largest number of dimensions in a group.
const GROUP_MAX: usize = 4;

/// Languages of errors.
pub(crate) const LANGUAGES: [&str; 2] = ["it", "en"];
const COUNTS: [&str; 2] = ["people", "all"];
const YES_NO: [&str; 2] = ["true", "false"];
const TRENDS: [&str; 4] = ["none", "day", "month", "year"];

impl Question {
    /// Parses the parameters of a request, or names the one that is not valid.
    pub fn parse(resource: Resource, pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut question = Self::new(resource);
        for (name, value) in merged(resource, pairs)? {
            match name {
                "format" => {}
                // The language of errors.
                "lang" => {
                    one_of(name, &value, &LANGUAGES)?;
                }
                _ => question.take(name, &value)?,
            }
        }
        question.finish()
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        if let Some(dimension) = Dimension::ALL
            .iter()
            .copied()
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
            "search" => self.search = Some(search(value)?),
            "order" => {
                let (column, descending) = match value.strip_prefix('-') {
                    Some(column) => (column, true),
                    None => (value, false),
                };
                self.order = Some(SortOrder {
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
        let mut allowed: Vec<&str> = self.resource.parameters();
        allowed.extend(["format", "lang"]);
        allowed.extend(filters);
        Problem::parameter(
            name,
            format!("/v1/{} has no such parameter", self.resource.path()),
            &allowed,
        )
        .suggest(nearest(name, allowed.iter().copied()))
    }

    fn finish(mut self) -> Result<Self, Problem> {
        if self.resource == Resource::Variations && self.compare.is_none() {
            self.compare = Some(Compare::YearBefore);
        }
        if self.resource == Resource::Usage && self.group.is_empty() {
            self.group = vec![Dimension::Category];
        }
        if self.compare.is_some() && self.group.contains(&Dimension::Day) {
            let text = "a day is never in both periods: group by month or year to compare";
            return Err(Problem::parameter("compare", text, &["none"]));
        }
        Ok(self)
    }
}

/// Joins the values of lists that are written as `group=a&group=b`, and refuses any other parameter
/// that is given twice.
fn merged(resource: Resource, pairs: &[(String, String)]) -> Result<Vec<(&str, String)>, Problem> {
    let mut merged: Vec<(&str, String)> = Vec::new();
    for (name, value) in pairs {
        let Some((_, known)) = merged.iter_mut().find(|(known, _)| known == name) else {
            merged.push((name, value.clone()));
            continue;
        };
        let mut filters = resource.filters().iter();
        let is_known = resource.parameters().contains(&name.as_str())
            || ["format", "lang"].contains(&name.as_str());
        // An unknown parameter is refused as such.
        if name != "group" && is_known && !filters.any(|filter| filter.name() == name) {
            return Err(Problem::parameter(
                name,
                format!("{name} is given twice"),
                &[],
            ));
        }
        known.push(',');
        known.push_str(value);
    }
    Ok(merged)
}

fn one_of(name: &str, value: &str, allowed: &[&str]) -> Result<usize, Problem> {
    allowed
        .iter()
        .position(|known| *known == value)
        .ok_or_else(|| {
            Problem::parameter(name, format!("{name} has no such value"), allowed)
                .suggest(nearest(value, allowed.iter().copied()))
        })
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

fn search(value: &str) -> Result<String, Problem> {
    let key = comparison_key(value);
    if key.is_empty() || value.len() > SEARCH_BYTES_MAX {
        let text = format!("give letters or digits, in at most {SEARCH_BYTES_MAX} bytes");
        return Err(Problem::parameter("search", text, &[]).with("maximum", SEARCH_BYTES_MAX));
    }
    Ok(key)
}

fn period(name: &str, value: &str) -> Result<Period, Problem> {
    Period::parse(value).map_err(|cause| {
        let forms: &[&str] = if name == "compare" {
            &[
                "none",
                "year-before",
                "before",
                "YYYY",
                "YYYY-QN",
                "YYYY-MM",
                "YYYY-MM-DD",
                "FROM..TO",
            ]
        } else {
            &["YYYY", "YYYY-QN", "YYYY-MM", "YYYY-MM-DD", "FROM..TO"]
        };
        Problem::parameter(name, cause, forms).suggest(nearest(value, forms.iter().copied()))
    })
}

fn group(value: &str) -> Result<Vec<Dimension>, Problem> {
    let names = Dimension::names();
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
    if dimension == Dimension::Ente && values.iter().any(String::is_empty) {
        let text = "an ente is empty: leave the parameter out for all enti";
        return Err(Problem::parameter(name, text, &[]));
    }
    if values.iter().any(|value| value.contains('\0')) {
        return Err(Problem::parameter(name, "a value holds a zero byte", &[]));
    }
    let allowed = dimension.values();
    for value in &values {
        if !allowed.is_empty() {
            one_of(name, value, &allowed)?;
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
        let mut pairs = vec![("period", period.to_string())];
        let names: Vec<&str> = self
            .group
            .iter()
            .map(|dimension| dimension.name())
            .collect();
        if !names.is_empty() {
            pairs.push(("group", names.join(",")));
            pairs.push(("trend", names.join(",")));
        }
        pairs.push(("measure", self.measure.name().to_owned()));
        match self.compare {
            None => {}
            Some(Compare::YearBefore) => pairs.push(("compare", "year-before".to_owned())),
            Some(Compare::Before) => pairs.push(("compare", "before".to_owned())),
            Some(Compare::With(other)) => pairs.push(("compare", other.to_string())),
        }
        pairs.push(("count", COUNTS[usize::from(!self.people)].to_owned()));
        if self.by_kind {
            pairs.push(("by_kind", "true".to_owned()));
        }
        if let Some(search) = &self.search {
            pairs.push(("search", search.clone()));
        }
        if let Some(order) = &self.order {
            let sign = if order.descending { "-" } else { "" };
            pairs.push(("order", format!("{sign}{}", order.column)));
        }
        if let Some(state) = self.state {
            pairs.push(("state", state.to_owned()));
        }
        pairs.push(("limit", self.limit.to_string()));
        pairs.push(("minutes", self.minutes.to_string()));
        if let Some(cursor) = self.cursor {
            pairs.push(("cursor", cursor.write()));
        }
        let parameters = self.resource.parameters();
        pairs.retain(|(name, _)| parameters.contains(name));
        for (dimension, values) in &self.filters {
            pairs.push((dimension.name(), values.join(",")));
        }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;

    fn parsed(resource: Resource, query: &str) -> Result<Question, Problem> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let pairs: Vec<_> = pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Question::parse(resource, &pairs)
    }

    fn question(resource: Resource, query: &str) -> Question {
        parsed(resource, query).unwrap_or_else(|problem| panic!("{query}: {problem:?}"))
    }

    /// Returns the problem as JSON.
    fn refused(resource: Resource, query: &str) -> serde_json::Value {
        match parsed(resource, query) {
            Ok(question) => panic!("{query} was read as {question:?}"),
            Err(problem) => problem.to_json(),
        }
    }

    #[test]
    fn questions_without_parameters_have_defaults() {
        for &resource in Resource::VARIANTS {
            let asked = question(resource, "");
            assert_eq!(asked.period, None);
            assert!(asked.people && !asked.by_kind && asked.filters.is_empty());
            assert_eq!(asked.minutes, 60);
            let is_top = resource == Resource::TopServices;
            assert_eq!(asked.limit, if is_top { 20 } else { 1000 });
        }
        assert_eq!(question(Resource::Usage, "").group, [Dimension::Category]);
        assert_eq!(question(Resource::Devices, "").measure, Measure::Accesses);
        let variations = question(Resource::Variations, "compare=none");
        assert_eq!(variations.compare, Some(Compare::YearBefore));
    }

    #[test]
    fn equal_questions_are_equal_values() {
        let one = question(Resource::Usage, "period=2017-01..2017-12&ente=b,a,b");
        let other = question(
            Resource::Usage,
            "ente=a,b&format=csv&period=2017&group=category",
        );
        assert_eq!(one, other);
        let one = question(Resource::Usage, "group=ente,month&ente=b,a");
        let other = question(Resource::Usage, "group=ente&ente=a&group=month&ente=b");
        assert_eq!(one, other);
    }

    #[test]
    fn every_parameter_is_read() {
        let asked = question(
            Resource::Usage,
            "group=ente,hour&measure=users&period=2017&compare=before&count=all&order=-users&limit=5&cursor=r5.1&kind=plain&hour=9,10",
        );
        assert_eq!(asked.group, [Dimension::Ente, Dimension::Hour]);
        assert_eq!(asked.measure, Measure::Users);
        assert_eq!(asked.compare, Some(Compare::Before));
        assert!(!asked.people);
        let order = asked.order.clone().unwrap();
        assert_eq!((order.column.as_str(), order.descending), ("users", true));
        assert_eq!((asked.limit, asked.offset()), (5, 5));
        assert_eq!(asked.filters[&Dimension::Hour], ["10", "9"]);
        assert!(question(Resource::Matrix, "by_kind=true").by_kind);
        assert_eq!(
            question(Resource::Devices, "trend=month").group,
            [Dimension::Month]
        );
        assert_eq!(
            question(Resource::Variations, "state=NEW").state,
            Some("NEW")
        );
        assert_eq!(question(Resource::Live, "minutes=1440").minutes, 1440);
        let other = question(Resource::Enti, "compare=2015-03").compare;
        assert_eq!(
            other,
            Some(Compare::With(Period::parse("2015-03").unwrap()))
        );
    }

    #[test]
    fn a_question_is_written_as_it_is_read() {
        for (resource, query) in [
            (
                Resource::Usage,
                "period=2017&group=ente,hour&measure=users&compare=year-before&count=all&search=cittaalfa&order=-users&limit=5&cursor=r5.1&ente=a,b",
            ),
            (
                Resource::Matrix,
                "period=2017-03-01..2017-03-31&measure=accesses&compare=before&count=people&by_kind=true&limit=7",
            ),
            (
                Resource::Devices,
                "period=2017&trend=month&measure=accesses&count=people&limit=1000",
            ),
            (
                Resource::Variations,
                "period=2017&compare=2015&count=people&state=BROKEN&limit=1000&service=imu",
            ),
        ] {
            let asked = question(resource, query);
            let pairs = asked.pairs(asked.period.unwrap());
            let written: Vec<String> = pairs
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            assert_eq!(written.join("&"), query);
        }
    }

    #[test]
    fn a_problem_names_the_parameter() {
        for (resource, query, parameter) in [
            (Resource::Usage, "perid=2017", "perid"),
            (Resource::Usage, "key=secret", "key"),
            (Resource::Usage, "state=NEW", "state"),
            (Resource::Live, "category=tributi", "category"),
            (Resource::Catalogue, "count=all", "count"),
            (Resource::Usage, "period=2017&period=2017", "period"),
            (Resource::Usage, "period=17", "period"),
            (Resource::Usage, "compare=last", "compare"),
            (Resource::Usage, "compare=before&group=day", "compare"),
            (Resource::Devices, "compare=before&trend=day", "compare"),
            (Resource::Usage, "measure=clicks", "measure"),
            (Resource::Usage, "group=city", "group"),
            (Resource::Usage, "group=ente,ente", "group"),
            (Resource::Usage, "group=ente,hour,day,kind,login", "group"),
            (Resource::Enti, "search=-", "search"),
            (Resource::Live, "search=a", "search"),
            (Resource::Usage, "limit=0", "limit"),
            (Resource::Usage, "limit=10001", "limit"),
            (Resource::Usage, "limit=-1", "limit"),
            (Resource::Usage, "cursor=5", "cursor"),
            (Resource::Matrix, "by_kind=yes", "by_kind"),
            (Resource::Devices, "trend=week", "trend"),
            (Resource::Variations, "state=new", "state"),
            (Resource::Live, "minutes=1441", "minutes"),
            (Resource::Usage, "kind=gift", "kind"),
            (Resource::Usage, "hour=24", "hour"),
            (Resource::Usage, "month=2017", "month"),
            (Resource::Usage, "day=2017-02-29", "day"),
            (Resource::Usage, "ente=a\0b", "ente"),
        ] {
            let problem = refused(resource, query);
            assert_eq!(problem["status"], 400, "{query}");
            assert_eq!(problem["parameter"], parameter, "{query}");
        }
        let many = vec!["a"; FILTER_VALUES_MAX + 1];
        let many: Vec<String> = many
            .iter()
            .zip(0..)
            .map(|(a, at)| format!("{a}{at}"))
            .collect();
        refused(Resource::Usage, &format!("ente={}", many.join(",")));
        let long = "a".repeat(FILTER_BYTES_MAX + 1);
        refused(Resource::Usage, &format!("service={long}"));
    }

    #[test]
    fn a_problem_says_what_is_allowed() {
        let problem = refused(Resource::Live, "hours=1");
        assert_eq!(
            problem["allowed"],
            serde_json::json!(["minutes", "count", "format", "lang", "ente"])
        );
        let problem = refused(Resource::Usage, "limit=many");
        let bounds = serde_json::json!([problem["minimum"], problem["maximum"]]);
        assert_eq!(bounds, serde_json::json!([1, LIMIT_MAX]));
    }
}
