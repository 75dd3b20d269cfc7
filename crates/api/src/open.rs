//! Questions that a client without a key may ask: closed years and months, read from the public
//! edition of each. All tables of an edition are protected together.

use affluenza_disclosure::edition::Dimension;
use affluenza_http::Problem;

use crate::asked::Asked;
use crate::question::Resource;
use crate::source::{Split, TablesUsed};

/// Resources that have public figures.
pub(crate) const OPEN: [Resource; 11] = [
    Resource::Usage,
    Resource::Categories,
    Resource::Enti,
    Resource::Matrix,
    Resource::TopServices,
    Resource::Variations,
    Resource::Hours,
    Resource::Bands,
    Resource::Devices,
    Resource::Catalogue,
    Resource::Register,
];

pub(crate) fn needs_key(what: &str) -> Problem {
    let open = OPEN.map(|resource| format!("/v1/{}", resource.path()));
    Problem::unauthorized(format!(
        "{what}; without a key there are {} of whole years that are closed, and some of them of whole months",
        open.join(", ")
    ))
}

/// Fails unless a client without a key may ask the question.
pub(crate) fn check(asked: &Asked<'_>) -> Result<(), Problem> {
    let question = asked.question;
    if !OPEN.contains(&question.resource) {
        return Err(needs_key("this resource needs a key"));
    }
    if !asked.periods().all(|period| period.closed().is_some()) {
        let text = "a period other than a whole year or whole months needs a key";
        return Err(needs_key(text));
    }
    if !question.people {
        return Err(needs_key("bots need a key"));
    }
    let is_counted = !matches!(
        question.resource,
        Resource::Variations
            | Resource::Hours
            | Resource::Bands
            | Resource::Catalogue
            | Resource::Register
    );
    if is_counted && !has_table(asked) {
        return Err(needs_key(
            "this breakdown needs a key: public are service uses by ente, category and kind, by category and service, by ente and month, by hour; and accesses by kind of portal, device and month, by weekday and hour; and of months those that have months",
        ));
    }
    let is_of_years = matches!(
        question.resource,
        Resource::Variations | Resource::Hours | Resource::Bands
    );
    if is_of_years && asked.has_months() {
        return Err(needs_key(
            "this needs a key for a period other than a whole year",
        ));
    }
    let has_filters = question.resource != Resource::Register && !question.filters.is_empty();
    if !is_counted && has_filters {
        return Err(needs_key("filters need a key here"));
    }
    Ok(())
}

/// True if one published table has every dimension of the rows and filters, and the months of a
/// period that is not a whole year.
fn has_table(asked: &Asked<'_>) -> bool {
    let question = asked.question;
    let mut by = question.dimensions();
    by.extend(question.filters.keys());
    if Split::of(question, TablesUsed::public(asked)) == Split::Kinds {
        by.push(Dimension::Kind);
    }
    if asked.has_months() {
        by.push(Dimension::Month);
    }
    let measure = question.measure.published();
    measure.is_some_and(|measure| measure.has_table(&by))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use affluenza_disclosure::edition::{
        ClosedPeriod, ClosedYear, Editions, OpenMonth, OpenYear, Outcome, PublicYear,
    };
    use affluenza_disclosure::{Secret, Threshold};
    use affluenza_register::Register;
    use affluenza_store::figures::{MonthUse, WeekHourUse};
    use affluenza_store::open::{OpenFigures, UseRow};
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::answer::Value;
    use crate::asked::AnswerPage;
    use crate::names::CodeNames;
    use crate::period::Period;
    use crate::question::Question;
    use crate::source::{FigureSource, NoFigures};
    use crate::{counted, hours, offers};

    const REGISTER: &str = include_str!("../../../deploy/register.toml");

    fn figures() -> OpenFigures {
        let uses = [
            ("tributi", "plain", "imu", 900),
            ("lavoro", "plain", "suap", 2),
            ("lavoro", "payment", "suap", 40),
            ("tributi", "payment", "imu", 70),
        ];
        let months = [
            (1, "desktop", 50, 902),
            (2, "desktop", 0, 110),
            (1, "tablet", 1, 0),
        ];
        let week = [(1, "office", 9, 50, 1010), (7, "evening", 23, 1, 2)];
        let ente = || "c_d612".to_owned();
        OpenFigures {
            uses: uses
                .map(|(category, kind, service, service_uses)| UseRow {
                    ente: ente(),
                    category: category.to_owned(),
                    kind: kind.to_owned(),
                    service: service.to_owned(),
                    service_uses,
                })
                .to_vec(),
            months: months
                .map(|(month, device, accesses, service_uses)| MonthUse {
                    ente: ente(),
                    month,
                    device: device.to_owned(),
                    portal_kind: "services".to_owned(),
                    accesses,
                    service_uses,
                })
                .to_vec(),
            week: week
                .map(
                    |(weekday, band, local_hour, accesses, service_uses)| WeekHourUse {
                        weekday,
                        band: band.to_owned(),
                        local_hour,
                        accesses,
                        service_uses,
                    },
                )
                .to_vec(),
            ..OpenFigures::default()
        }
    }

    /// Closes January 2018 with the figures of January above.
    fn january() -> PublicYear {
        let mut figures = figures();
        figures.months.retain(|row| row.month == 1);
        let period = ClosedPeriod::month(2018, 1);
        let month = OpenMonth {
            period,
            figures: &figures,
            editions: &[],
        };
        let decided = Outcome::decide_month(month, Threshold { k: 3 }, &Secret([1; 32]));
        let Ok(Outcome::Edition(decided)) = decided else {
            panic!("the month cannot be protected");
        };
        PublicYear::of(period, &figures, &decided).unwrap()
    }

    fn closed(seal: u32, public: PublicYear) -> ClosedYear {
        ClosedYear {
            seal,
            closed_at: "2018-01-31T00:00:00Z".to_owned(),
            edition: Ok(Arc::new(public)),
        }
    }

    /// Closes 2017 with the figures above, and January 2018.
    fn editions() -> Editions {
        let figures = figures();
        let year = OpenYear {
            year: 2017,
            figures: &figures,
            offered: &[],
            months: &[],
        };
        let decided = Outcome::decide(year, Threshold { k: 3 }, &Secret([1; 32]), &[]);
        let Ok(Outcome::Edition(decided)) = decided else {
            panic!("the year cannot be protected");
        };
        let public = PublicYear::of(2017, &figures, &decided).unwrap();
        let closed = Arc::new(Ok(BTreeMap::from([
            (ClosedPeriod::from(2017), closed(1, public)),
            (ClosedPeriod::month(2018, 1), closed(2, january())),
        ])));
        Editions::new(3, tokio::sync::watch::channel(closed).1)
    }

    fn question(resource: Resource, query: &str) -> Question {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let pairs: Vec<_> = pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Question::parse(resource, &pairs).unwrap()
    }

    async fn page(question: &Question, year: i16) -> Result<AnswerPage, NoFigures> {
        page_of(question, &year.to_string()).await
    }

    async fn page_of(question: &Question, period: &str) -> Result<AnswerPage, NoFigures> {
        let (editions, register) = (editions(), Register::parse(REGISTER).unwrap());
        let source = FigureSource::Public(&editions);
        let asked = Asked::new(question, Period::parse(period).unwrap(), None).unwrap();
        check(&asked).unwrap();
        match question.resource {
            Resource::Hours | Resource::Bands => hours::page(source, &asked, &register).await,
            Resource::Variations => offers::variations(source, &asked, &register).await,
            _ => counted::page(source, &asked, &CodeNames(&register)).await,
        }
    }

    /// Returns one column of a public answer.
    async fn column(question: &Question, name: &str) -> Vec<Json> {
        let page = page(question, 2017).await.unwrap();
        let at = page.columns.iter().position(|column| *column == name);
        page.rows
            .iter()
            .map(|row| row[at.unwrap()].json())
            .collect()
    }

    #[tokio::test]
    async fn a_public_answer_hides_parts_and_shows_totals() {
        let categories = question(Resource::Categories, "");
        assert_eq!(
            column(&categories, "category").await,
            [json!("lavoro"), json!("tributi")]
        );
        assert_eq!(column(&categories, "of_which_plain").await[0], Json::Null);
        let page = page(&categories, 2017).await.unwrap();
        assert_eq!(page.totals[0], ("service_uses", Value::count(1012)));
        assert_eq!((page.rows_all, page.rows[0].len()), (2, page.columns.len()));
    }

    /// The order by a column with hidden counts follows from what the table shows.
    #[tokio::test]
    async fn an_order_tells_no_more_than_the_table() {
        let whole = question(Resource::Categories, "");
        let hidden = column(&whole, "of_which_plain").await;
        assert_eq!(hidden, [Json::Null, Json::Null]);
        for order in ["of_which_plain", "-of_which_plain"] {
            let sorted = question(Resource::Categories, &format!("order={order}"));
            let labels = [
                column(&sorted, "category").await,
                column(&whole, "category").await,
            ];
            assert_eq!(labels[0], labels[1], "{order}");
        }
        let found = question(Resource::Categories, "search=lav&order=-service_uses");
        assert_eq!(column(&found, "category").await, [json!("lavoro")]);
        let totals = page(&found, 2017).await.unwrap().totals;
        assert_eq!(totals, page(&whole, 2017).await.unwrap().totals);
    }

    #[tokio::test]
    async fn filters_select_public_rows() {
        let services = question(Resource::Usage, "group=service&category=lavoro");
        assert_eq!(column(&services, "service").await, [json!("suap")]);
        let other_year = question(Resource::Usage, "group=year&year=2016");
        assert_eq!(column(&other_year, "year").await, Vec::<Json>::new());
    }

    #[tokio::test]
    async fn hours_and_bands_come_from_the_same_cells() {
        let hours = question(Resource::Hours, "");
        assert_eq!(column(&hours, "hour").await.len(), 24);
        // The users of an hour would reveal its two uses.
        assert_eq!(column(&hours, "users_hours").await, vec![Json::Null; 24]);
        let bands = question(Resource::Bands, "");
        let names = ["night", "office", "evening"].map(|band| json!(band));
        assert_eq!(column(&bands, "band").await, names);
        assert_eq!(column(&bands, "service_uses").await[0], json!(0));
        for asked in [&hours, &bands] {
            let totals = page(asked, 2017).await.unwrap().totals;
            assert_eq!(totals[2], ("service_uses", Value::count(1012)));
        }
    }

    #[tokio::test]
    async fn open_years_are_refused() {
        let categories = question(Resource::Categories, "");
        match page(&categories, 2016).await {
            Err(NoFigures::Question(problem)) => assert_eq!(problem.status(), 401),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_closed_month_has_its_enti_and_its_devices() {
        let enti = question(Resource::Enti, "");
        for (period, uses) in [
            ("2018-01", 902),
            // A closed year has its months.
            ("2017-02", 110),
            ("2017-01..2017-02", 1012),
            ("2017-12..2018-01", 902),
        ] {
            let page = page_of(&enti, period).await.unwrap();
            assert_eq!(
                page.totals,
                [("service_uses", Value::count(uses))],
                "{period}"
            );
            assert!(!page.columns.contains(&"of_which_plain"), "{period}");
        }
        let devices = question(Resource::Devices, "");
        let page = page_of(&devices, "2018-01").await.unwrap();
        assert_eq!(page.totals[0], ("accesses", Value::count(51)));
        // One access from a tablet, or 51 less those from a desktop.
        assert!(page.rows.iter().all(|row| row[1].json() == Json::Null));
        match page_of(&enti, "2018-01..2018-02").await {
            Err(NoFigures::Question(problem)) => assert_eq!(problem.status(), 401),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn months_have_no_other_breakdowns() {
        for (resource, query) in [
            (Resource::Categories, ""),
            (Resource::Matrix, ""),
            (Resource::Usage, "group=ente&category=lavoro"),
            (Resource::TopServices, ""),
            (Resource::Variations, ""),
            (Resource::Hours, ""),
        ] {
            let question = question(resource, query);
            let asked = Asked::new(&question, Period::parse("2018-01").unwrap(), None).unwrap();
            assert!(check(&asked).is_err(), "{question:?}");
        }
    }

    #[test]
    fn other_breakdowns_need_a_key() {
        for (resource, query) in [
            (Resource::Logins, ""),
            (Resource::Usage, "group=ente,service"),
            (Resource::Usage, "group=hour,band"),
            (Resource::Usage, "group=year&measure=users"),
            (Resource::Usage, "group=kind&service=imu"),
            (Resource::Devices, "trend=day"),
            (Resource::Enti, "count=all"),
            (Resource::Hours, "ente=c_d612"),
            (Resource::Matrix, "compare=2017-05"),
        ] {
            let question = question(resource, query);
            let asked = Asked::new(&question, Period::year(2017).unwrap(), None).unwrap();
            assert!(check(&asked).is_err(), "{question:?}");
        }
    }
}
