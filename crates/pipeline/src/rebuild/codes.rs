//! Maps the codes of facts without a record to the present register.

use std::collections::HashMap;
use std::ops::Range;

use affluenza_register::{Ente, Portal, Register, Service};
use affluenza_store::rebuild::CodesRow;
use jiff::civil::Date;

use crate::classify::UNREGISTERED;

/// Maps each combination of ente, portal and service to the codes and categories in the register,
/// during `days` (since 1970). The result is the same as [`crate::Classifier`] gives for an event.
pub(super) fn derive(
    register: &Register,
    codes: &[[String; 3]],
    days: Range<u16>,
) -> Vec<CodesRow> {
    let mut categories: HashMap<&str, Vec<(u16, &str)>> = HashMap::new();
    let mut rows = Vec::with_capacity(codes.len());
    for before in codes {
        let [ente, portal, service] = before;
        let found = register.ente(ente);
        let found_portal = found.and_then(|ente| register.portal(ente, portal));
        let found_service = match service.as_str() {
            "" => None,
            code => register.service(code),
        };
        let after = [
            found.map_or(ente.as_str(), Ente::code).to_owned(),
            found_portal
                .map_or(portal.as_str(), Portal::code)
                .to_owned(),
            found_service
                .map_or(service.as_str(), Service::code)
                .to_owned(),
        ];
        let categories = match (found, found_service) {
            _ if service.is_empty() => vec![(days.start, "")],
            (Some(_), Some(found)) => categories
                .entry(found.code())
                .or_insert_with(|| categories_of(found, days.clone()))
                .clone(),
            _ => vec![(days.start, UNREGISTERED)],
        };
        rows.extend(categories.into_iter().map(|(from_day, category)| CodesRow {
            before: before.clone(),
            from_day,
            after: after.clone(),
            category: category.to_owned(),
        }));
    }
    rows
}

/// Returns the categories of a service, each with its first day within `days`.
fn categories_of(service: &Service, days: Range<u16>) -> Vec<(u16, &str)> {
    let mut categories: Vec<(u16, &str)> = Vec::new();
    let mut date = Date::constant(1970, 1, 1)
        .checked_add(jiff::Span::new().days(i64::from(days.start)))
        .unwrap_or(Date::MAX);
    for day in days {
        let category = service.category_on(date).code();
        if categories.last().is_none_or(|(_, last)| *last != category) {
            categories.push((day, category));
        }
        date = date.tomorrow().unwrap_or(Date::MAX);
    }
    categories
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTER: &str = r#"
        [[category]]
        code = "tributi"
        name_it = "Tributi"
        name_en = "Local taxes"

        [[category]]
        code = "casa"
        name_it = "Casa"
        name_en = "Housing"

        [[ente]]
        code = "c_new"
        name = "Nuovo"
        kind = "comune"
        aliases = ["c_old"]

        [[service]]
        code = "imu"
        name_it = "IMU"
        category = [{ code = "tributi", valid_to = 1970-01-11 }, { code = "casa", valid_from = 1970-01-11 }]
    "#;

    fn row(before: [&str; 3], from_day: u16, after: [&str; 3], category: &str) -> CodesRow {
        CodesRow {
            before: before.map(str::to_owned),
            from_day,
            after: after.map(str::to_owned),
            category: category.to_owned(),
        }
    }

    #[test]
    fn codes_follow_the_register_day_by_day() {
        let register = Register::parse(REGISTER).unwrap();
        let codes = [
            ["c_old", "www", "imu"],
            ["c_old", "www", ""],
            ["c_new", "www", "other"],
            ["x", "www", "imu"],
        ]
        .map(|codes| codes.map(str::to_owned));
        assert_eq!(
            derive(&register, &codes, 5..20),
            [
                row(
                    ["c_old", "www", "imu"],
                    5,
                    ["c_new", "www", "imu"],
                    "tributi"
                ),
                row(["c_old", "www", "imu"], 10, ["c_new", "www", "imu"], "casa"),
                row(["c_old", "www", ""], 5, ["c_new", "www", ""], ""),
                row(
                    ["c_new", "www", "other"],
                    5,
                    ["c_new", "www", "other"],
                    UNREGISTERED
                ),
                row(["x", "www", "imu"], 5, ["x", "www", "imu"], UNREGISTERED),
            ]
        );
    }
}
