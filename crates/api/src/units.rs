//! Units of the columns.

use std::collections::BTreeMap;

use crate::question::Measure;

/// Returns the unit of each column that holds figures.
pub(crate) fn units(columns: &[&'static str], measure: Measure) -> BTreeMap<String, String> {
    columns
        .iter()
        .filter_map(|column| Some(((*column).to_owned(), unit(column, measure)?.to_owned())))
        .collect()
}

fn unit(column: &str, measure: Measure) -> Option<&'static str> {
    Some(match column {
        "service_uses" | "of_which_plain" | "of_which_payments" | "of_which_bookings" => {
            Measure::ServiceUses.unit()
        }
        "accesses" => Measure::Accesses.unit(),
        "events" => Measure::Events.unit(),
        "users" => Measure::Users.unit(),
        "users_hours" => "distinct visitors of each hour, summed over the hours",
        "users_per_hour_mean" => "users divided by the hours that existed",
        "hours_existing" => "hours, changes of the clock included",
        "before" | "difference" => measure.unit(),
        "share_percent" | "change_percent" | "used_share_percent" => "percent",
        "enti" => "public bodies",
        "days_with_data" | "days_missing" => "days",
        "from_hour" | "to_hour" => "local hour",
        "services"
        | "services_offered"
        | "services_used"
        | "services_unused"
        | "services_used_unregistered" => "services",
        _ => return None,
    })
}
