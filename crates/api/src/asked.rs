//! A question with its periods, and the page of rows that answers it.

use affluenza_disclosure::edition::ClosedPeriod;
use affluenza_event::nearest;
use affluenza_http::Problem;
use affluenza_register::comparison_key;
use affluenza_store::usage::Dimension;
use jiff::Span;
use jiff::civil::Date;

use crate::answer::{Value, Warning};
use crate::cursor::Cursor;
use crate::period::Period;
use crate::question::{Compare, Question, Resource, SortOrder};

/// A question with its periods.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'q> {
    pub question: &'q Question,
    /// Period of the question, or its default.
    pub period: Period,
    /// Newest day with data, if the period is not over.
    pub reached: Option<Date>,
    /// Period of the comparison.
    pub compared: Option<Period>,
}

/// Rows of a page, with columns and totals.
#[derive(Debug, Default)]
pub(crate) struct AnswerPage {
    pub columns: Vec<&'static str>,
    /// Rows, with one value for each column.
    pub rows: Vec<Vec<Value>>,
    /// Values over all rows, on all pages.
    pub totals: Vec<(&'static str, Value)>,
    /// Cautions about these rows.
    pub warnings: Vec<Warning>,
    /// Number of rows on all pages.
    pub rows_all: usize,
}

impl AnswerPage {
    /// Searches, sorts and formats the rows of the question's page. There are no totals yet.
    ///
    /// Search and order see the formatted values only. So no selection of a public table reveals
    /// more about a hidden count than the whole table.
    pub fn new<R>(
        question: &Question,
        columns: Vec<&'static str>,
        rows: &[R],
        format: impl Fn(&R) -> Vec<Value>,
    ) -> Result<Self, Problem> {
        let mut found: Vec<&R> = rows.iter().collect();
        if let Some(sought) = &question.search {
            found.retain(|row| has_text(&columns, &format(row), sought));
        }
        if let Some(order) = &question.order {
            let at = columns.iter().position(|column| *column == order.column);
            let at = at.ok_or_else(|| {
                Problem::parameter(
                    "order",
                    "rows cannot be sorted by this; a minus before the name sorts downwards",
                    &columns,
                )
                .suggest(nearest(&order.column, columns.iter().copied()))
            })?;
            let mut keyed: Vec<(Value, &R)> = found
                .into_iter()
                .map(|row| (format(row).swap_remove(at), row))
                .collect();
            keyed.sort_by(|(a, _), (b, _)| a.compare(b, order.descending));
            found = keyed.into_iter().map(|(_, row)| row).collect();
        }
        let limit = match question.has_pages() {
            true => question.limit,
            false => found.len(),
        };
        let page = found.iter().skip(question.offset()).take(limit);
        Ok(Self {
            rows: page.map(|row| format(row)).collect(),
            rows_all: found.len(),
            columns,
            ..Self::default()
        })
    }
}

/// True if a code or a name of the row contains the text, which is a comparison key.
fn has_text(columns: &[&str], row: &[Value], sought: &str) -> bool {
    let dimensions = Dimension::names();
    columns.iter().zip(row).any(|(column, value)| {
        let is_label = column.contains("_name") || dimensions.contains(column);
        is_label && comparison_key(&value.plain('.')).contains(sought)
    })
}

impl<'q> Asked<'q> {
    /// Adds the periods to a question, or returns the problem with the comparison. `reached` is the
    /// newest day with data of a period that is not over. Its days up to then are compared.
    pub fn new(
        question: &'q Question,
        period: Period,
        reached: Option<Date>,
    ) -> Result<Self, Problem> {
        let compared = question.compare.map(|compare| {
            let compared = match compare {
                Compare::YearBefore => period.year_before(),
                Compare::Before => period.before(),
                Compare::With(other) => Some(other),
            };
            let Some(day) = reached else {
                return compared;
            };
            let part = period.until(day);
            match compare {
                Compare::With(other) => Some(other.until_same_day(period, day)),
                // 28 February is compared with the same day, not with the end of the month.
                Compare::YearBefore => part.year_before().map(|before| {
                    let same = part.last().checked_sub(Span::new().years(1));
                    same.map_or(before, |same| before.until(same))
                }),
                // As many days from the start of the period before.
                Compare::Before => compared.map(|before| before.of_length(part.days())),
            }
        });
        if compared == Some(None) {
            let text = "there are no days before 1970";
            return Err(Problem::parameter("compare", text, &["none"]));
        }
        Ok(Self {
            question,
            period,
            reached,
            compared: compared.flatten(),
        })
    }

    /// Returns the days of the period that have data.
    pub fn reached(&self) -> Period {
        self.reached
            .map_or(self.period, |day| self.period.until(day))
    }

    /// Returns the period, and that of the comparison.
    pub fn periods(&self) -> impl Iterator<Item = Period> {
        [Some(self.period), self.compared].into_iter().flatten()
    }

    /// Returns the years and months that must be closed for a public answer.
    pub fn closed(&self) -> impl Iterator<Item = ClosedPeriod> {
        self.periods().filter_map(Period::closed).flatten()
    }

    /// True if a period is not a whole year. A public answer is then read from months.
    pub fn has_months(&self) -> bool {
        self.periods().any(|period| period.whole_year().is_none())
    }

    /// Returns the enti of the answer: those of the filter, or of the client's scope.
    pub fn enti<'a>(&'a self, scope: Option<&'a [String]>) -> Option<&'a [String]> {
        let filter = self.question.filters.get(&Dimension::Ente);
        filter.map(Vec::as_slice).or(scope)
    }

    /// Returns links to the answer in other forms, and to its next page. `mark` is that of the
    /// present figures.
    pub fn links(&self, rows_all: usize, mark: u64) -> Vec<(&'static str, String)> {
        let question = self.question;
        let mut links = vec![("self", self.address(question, None))];
        let next = question.offset() + question.limit;
        if question.has_pages() && next < rows_all {
            let following = Question {
                cursor: Some(Cursor {
                    offset: next,
                    // Every page carries the mark of the first one, so that changed figures are
                    // noticed.
                    mark: question.cursor.map_or(mark, |cursor| cursor.mark),
                }),
                ..question.clone()
            };
            links.push(("next", self.address(&following, None)));
        }
        links.push(("csv", self.address(question, Some("csv"))));
        let excel = self.address(question, Some("csv-excel-italy"));
        links.push(("csv_excel_italy", excel));
        links.push(("xlsx", self.address(question, Some("xlsx"))));
        links.push(("describedby", "/openapi.json".to_owned()));
        links
    }

    /// Returns the link to the completeness of each ente of the question.
    pub fn completeness_link(&self) -> (&'static str, String) {
        let of_ente = Question {
            resource: Resource::Register,
            filters: self.question.filters.clone(),
            order: Some(SortOrder {
                column: "days_missing".to_owned(),
                descending: true,
            }),
            ..Question::new(Resource::Register)
        };
        ("completeness", self.with(&of_ente))
    }

    /// Returns the address of another question about the same period.
    pub fn with(&self, question: &Question) -> String {
        self.address(question, None)
    }

    fn address(&self, question: &Question, format: Option<&str>) -> String {
        let mut pairs = question.pairs(self.period);
        pairs.extend(format.map(|format| ("format", format.to_owned())));
        let query: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        let query = query.join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/v1/{}{mark}{query}", question.resource.path())
    }
}

impl Question {
    /// True if the answer is cut into pages.
    fn has_pages(&self) -> bool {
        !matches!(
            self.resource,
            Resource::Live | Resource::Hours | Resource::Bands
        )
    }
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

#[cfg(test)]
mod tests {
    use affluenza_disclosure::Count;

    use super::*;

    const ROWS: [(&str, &str, Option<u64>); 5] = [
        ("c_a", "Città Alfa", Some(7)),
        ("c_b", "Borgo", None),
        ("c_c", "Alfonsine", Some(30)),
        ("c_d", "Delta", None),
        ("c_e", "Erice", Some(0)),
    ];

    /// Returns the codes of a page in their order, and the number of rows on all pages.
    fn codes(query: &str) -> Result<(Vec<String>, usize), Problem> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let question = Question::parse(Resource::Enti, &Vec::from_iter(pairs))?;
        let columns = vec!["ente", "ente_name", "service_uses"];
        let page = AnswerPage::new(&question, columns, &ROWS, |(code, name, count)| {
            vec![
                Value::text(Some(code)),
                Value::text(Some(name)),
                Value::Count(count.map_or(Count::Hidden, Count::Shown)),
            ]
        })?;
        let codes = page.rows.iter().map(|row| row[0].plain('.'));
        Ok((codes.collect(), page.rows_all))
    }

    #[test]
    fn rows_are_searched_sorted_and_paged() {
        for (query, expected, rows_all) in [
            ("limit=2", ["c_a", "c_b"].as_slice(), 5),
            ("limit=2&cursor=r2.1", &["c_c", "c_d"], 5),
            ("search=ALF", &["c_a", "c_c"], 2),
            ("search=citta+alfa&limit=1", &["c_a"], 1),
            ("search=d", &["c_d"], 1),
            ("search=nowhere", &[], 0),
            ("order=-ente_name&limit=2", &["c_e", "c_d"], 5),
            ("search=alf&order=-service_uses", &["c_c", "c_a"], 2),
        ] {
            let found = codes(query).unwrap();
            assert_eq!(
                found,
                (
                    expected.iter().map(|code| (*code).to_owned()).collect(),
                    rows_all
                ),
                "{query}"
            );
        }
    }

    #[test]
    fn hidden_counts_come_last_in_the_order_of_the_table() {
        let up = codes("order=service_uses").unwrap().0;
        assert_eq!(up, ["c_e", "c_a", "c_c", "c_b", "c_d"]);
        let down = codes("order=-service_uses").unwrap().0;
        assert_eq!(down, ["c_c", "c_a", "c_e", "c_b", "c_d"]);
    }

    #[test]
    fn an_unknown_column_is_refused_with_the_known_ones() {
        let problem = codes("order=service").unwrap_err().to_json();
        let columns = serde_json::json!(["ente", "ente_name", "service_uses"]);
        assert_eq!(
            (&problem["parameter"], &problem["allowed"]),
            (&"order".into(), &columns)
        );
    }

    #[test]
    fn a_running_year_is_compared_with_the_same_days() {
        let pairs = [("compare".to_owned(), "year-before".to_owned())];
        let question = Question::parse(Resource::Enti, &pairs).unwrap();
        for (year, day, compared) in [
            (2029, "2029-02-28", "2028-01-01..2028-02-28"),
            (2028, "2028-02-29", "2027-01-01..2027-02-28"),
            (2029, "2029-03-15", "2028-01-01..2028-03-15"),
            (2029, "2029-01-01", "2028-01-01..2028-01-01"),
        ] {
            let period = Period::year(year).unwrap();
            let asked = Asked::new(&question, period, day.parse().ok()).unwrap();
            assert_eq!(asked.compared.unwrap().to_string(), compared);
        }
    }

    #[test]
    fn a_running_period_is_compared_with_the_same_days_of_a_chosen_one() {
        for (period, other, compared) in [
            ("2028", "2016", "2016-01-01..2016-02-29"),
            ("2028", "2017", "2017-01-01..2017-02-28"),
            ("2028-02", "2017-11", "2017-11-01..2017-11-29"),
            (
                "2028-01..2028-03",
                "2026-10..2026-12",
                "2026-10-01..2026-11-29",
            ),
            // A period of another length is compared as a whole.
            ("2028-02", "2017", "2017"),
        ] {
            let pairs = [("compare".to_owned(), other.to_owned())];
            let question = Question::parse(Resource::Enti, &pairs).unwrap();
            let period = Period::parse(period).unwrap();
            let asked = Asked::new(&question, period, "2028-02-29".parse().ok()).unwrap();
            assert_eq!(asked.compared.unwrap().to_string(), compared);
        }
    }
}
