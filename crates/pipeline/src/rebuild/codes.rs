//! Maps the codes of facts without a record to the present register.

use affluenza_classify::hours::date_since_1970;
use affluenza_register::Register;
use affluenza_store::rebuild::{CodesRow, FactCodes};

use crate::classify::RegisterEntries;

/// Maps each combination of ente, portal and service to the codes, categories and kinds of portals
/// in the register, on its days. The result is the same as [`crate::Classifier`] gives for an event.
pub(super) fn derive(register: &Register, codes: &[FactCodes]) -> Vec<CodesRow> {
    let mut rows: Vec<CodesRow> = Vec::with_capacity(codes.len());
    for codes in codes {
        let before = [&codes.ente, &codes.portal, &codes.service];
        let entries = RegisterEntries::find(register, before.map(String::as_str));
        let mut last = None;
        for from_day in codes.first_day..=codes.last_day {
            let category = entries.category_on(date_since_1970(from_day.into()));
            if last.replace(category) != Some(category) {
                rows.push(CodesRow {
                    before: before.map(String::clone),
                    from_day,
                    after: entries.codes().map(str::to_owned),
                    category: category.to_owned(),
                    portal_kind: entries.portal_kind().map_or("unknown", <&str>::from),
                });
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::UNREGISTERED;

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

        [[portal]]
        code = "area"
        name = "Area"
        ente = "c_new"
        source = "https://area.example"
        kind = "services"

        [[service]]
        code = "imu"
        name_it = "IMU"
        category = [{ code = "tributi", valid_to = 1970-01-11 }, { code = "casa", valid_from = 1970-01-11 }]
    "#;

    fn row(before: [&str; 3], from_day: u16, after: [&str; 3], category: &str) -> CodesRow {
        CodesRow {
            portal_kind: if after[1] == "area" {
                "services"
            } else {
                "unknown"
            },
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
            ["c_old", "area", ""],
        ]
        .map(|[ente, portal, service]| FactCodes {
            ente: ente.to_owned(),
            portal: portal.to_owned(),
            service: service.to_owned(),
            first_day: 5,
            last_day: 19,
        });
        assert_eq!(
            derive(&register, &codes),
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
                row(["c_old", "area", ""], 5, ["c_new", "area", ""], ""),
            ]
        );
    }
}
