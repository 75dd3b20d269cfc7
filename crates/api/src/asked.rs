//! A question with its periods, and the page of rows that answers it.

use affluenza_http::Problem;

use crate::answer::{Value, Warning};
use crate::cursor::Cursor;
use crate::period::Period;
use crate::question::{Compare, Question, Resource};

/// A question with its periods.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'q> {
    pub question: &'q Question,
    /// Period of the question, or its default.
    pub period: Period,
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
    /// Formats the rows of the question's page. There are no totals yet.
    pub fn new<R>(
        question: &Question,
        columns: Vec<&'static str>,
        rows: &[R],
        format: impl Fn(&R) -> Vec<Value>,
    ) -> Self {
        let limit = match question.has_pages() {
            true => question.limit,
            false => rows.len(),
        };
        let page = rows.iter().skip(question.offset()).take(limit);
        Self {
            columns,
            rows: page.map(format).collect(),
            totals: Vec::new(),
            warnings: Vec::new(),
            rows_all: rows.len(),
        }
    }
}

impl<'q> Asked<'q> {
    /// Adds the periods to a question, or returns the problem with the comparison.
    pub fn new(question: &'q Question, period: Period) -> Result<Self, Problem> {
        let compared = question.compare.map(|compare| match compare {
            Compare::YearBefore => period.year_before(),
            Compare::Before => period.before(),
            Compare::With(other) => Some(other),
        });
        if compared == Some(None) {
            let text = "there are no days before 1970";
            return Err(Problem::parameter("compare", text, &["none"]));
        }
        Ok(Self {
            question,
            period,
            compared: compared.flatten(),
        })
    }

    /// Returns links to the answer in other forms, and to its next page. `mark` is that of the
    /// present snapshot.
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
        links.push(("describedby", "/openapi.json".to_owned()));
        links
    }

    /// Returns the link to the completeness of each ente of the question.
    pub fn completeness_link(&self) -> (&'static str, String) {
        let of_ente = Question {
            resource: Resource::Register,
            filters: self.question.filters.clone(),
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
