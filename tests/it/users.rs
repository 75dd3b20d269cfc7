//! Every interface reports the same number of users: distinct visitors by day and ente, summed.

use serde_json::Value;

use crate::api::Served;

/// Facts of people with a visitor id.
const FACTS: &str = "usage_events AS e WHERE e.visitor != 0 AND e.resource IN ('none', 'page') AND e.device NOT IN ('bot', 'no-agent') AND toYear(e.local_date) = 2017";

/// Each dimension with its expression over the facts.
const DIMENSIONS: [(&str, &str); 16] = [
    ("category", "e.category"),
    ("ente", "e.ente"),
    ("service", "e.service"),
    ("kind", "e.kind"),
    ("portal", "e.portal"),
    ("device", "e.device"),
    ("login", "e.login"),
    ("portal_kind", "e.portal_kind"),
    ("channel", "e.channel"),
    ("country", "e.country"),
    ("hour", "e.local_hour"),
    ("band", "e.band"),
    ("weekday", "toDayOfWeek(e.local_date)"),
    ("day", "e.local_date"),
    ("month", "substring(toString(e.local_date), 1, 7)"),
    ("year", "toYear(e.local_date)"),
];

/// Compares the API by every dimension, the report and the views with a count of the facts.
pub fn are_one_number(api: &Served<'_>, key: &str) {
    let place = &api.place;
    let by_hand = |column: &str| {
        format!(
            "SELECT k, sum(n) AS n FROM (SELECT toString({column}) AS k, uniqExact(e.visitor) AS n FROM {FACTS} GROUP BY k, e.local_date, e.ente) GROUP BY k"
        )
    };
    let all = place.count(&format!("SELECT sum(n) FROM ({})", by_hand("''")));
    assert!(all > 1000, "{all} users");
    for (dimension, column) in DIMENSIONS {
        let path = format!("usage?group={dimension}&measure=users&period=2017&limit=10000");
        let answer = api.data(key, &path);
        assert_eq!(answer["totals"]["users"], all, "{dimension}");
        let said: Vec<String> = rows(&answer)
            .map(|row| format!("('{}', {})", text(&row[dimension]), row["users"]))
            .collect();
        let by_hand = by_hand(column);
        let differ = place.count(&format!(
            "SELECT count() FROM ({by_hand}) AS h FULL OUTER JOIN (SELECT * FROM VALUES('k String, n UInt64', {})) AS a ON h.k = a.k WHERE h.n != a.n",
            said.join(", ")
        ));
        assert_eq!(differ, 0, "by {dimension}");
        let warned = answer["meta"]["warnings"]
            .to_string()
            .contains("not-additive");
        let sum: u64 = rows(&answer).filter_map(|row| row["users"].as_u64()).sum();
        assert_eq!(
            warned,
            !["ente", "weekday", "day", "month", "year"].contains(&dimension)
        );
        assert!(warned || sum == all, "{dimension}: {sum} of {all}");
    }
    let report = place.run(&["report", "--year", "2017", "--format", "json"]);
    let report: Value = serde_json::from_str(&report).expect("it is JSON");
    let visitors = |rows: &Value| -> u64 {
        let rows = rows.as_array().into_iter().flatten();
        rows.filter_map(|row| row["visitors_days"].as_u64()).sum()
    };
    assert_eq!(visitors(&report["accesses"]["enti"]), all);
    assert_eq!(visitors(&report["months"]), all);
    for ente in report["accesses"]["enti"].as_array().into_iter().flatten() {
        let code = text(&ente["ente"]);
        let path = format!("enti?measure=users&period=2017&ente={code}");
        assert_eq!(
            api.data(key, &path)["totals"]["users"],
            ente["visitors_days"],
            "{code}"
        );
    }

    // Users by hour: API, report and the view of analysts.
    let hours = place.count(&format!(
        "SELECT sum(n) FROM (SELECT uniqExact(e.visitor) AS n FROM {FACTS} GROUP BY e.ente, e.hour_start)"
    ));
    assert_eq!(
        api.data(key, "hours?period=2017")["totals"]["users_hours"],
        hours
    );
    let bands = report["hours"]["bands"].as_array().into_iter().flatten();
    let reported: u64 = bands.filter_map(|band| band["users_hours"].as_u64()).sum();
    assert_eq!(reported, hours);
    for view in [
        "SELECT sum(u.users) FROM users_by_hour AS u WHERE toYear(u.local_date) = 2017",
        "SELECT sum(u.users_hours) FROM usage_by_hour_band AS u WHERE u.year = 2017",
    ] {
        assert_eq!(place.count(view), hours, "{view}");
    }
}

fn rows(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["data"].as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
