//! Merges create projections. A part that arrives after the merge of its month gets its projections
//! separately.

use std::time::Duration;

use crate::support::{Engines, Place, eventually};

fn use_of_march(place: &Place<'_>, id: &str) {
    let event = format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://test","id":"{id}","time":"2017-03-05T10:00:00+01:00","data":{{"ente":"c_d612","portal":"servizi-online","service":"visure-anagrafiche","kind":"plain","visitor":"{id}","client":{{"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0"}}}}}}"#
    );
    place.produce([(id, event.as_bytes())]);
    place.run(&["consume", "--once"]);
}

const MARCH: &str =
    "active AND database = currentDatabase() AND table = 'usage_hourly' AND partition = '201703'";

fn parts(place: &Place<'_>, which: &str) -> u64 {
    place.count(&format!(
        "SELECT count() FROM system.parts WHERE {MARCH} AND {which}"
    ))
}

/// Counts by month, which a projection answers if the part has one.
fn counted(place: &Place<'_>, projections: bool) -> Vec<Vec<String>> {
    place.access().rows(&format!(
        "SELECT toStartOfMonth(local_date) AS month, ente, sum(service_uses) FROM usage_hourly
         GROUP BY toStartOfMonth(local_date), ente ORDER BY month, ente SETTINGS optimize_use_projections = {}",
        u8::from(projections)
    ))
}

pub fn parts_left_over_get_theirs(engines: &Engines) {
    let place = engines.place("projections");
    place.run(&["migrate"]);
    let merge = || {
        let statement = "OPTIMIZE TABLE usage_hourly PARTITION 201703 FINAL SETTINGS optimize_throw_if_noop = 1";
        place.access().ask(statement, Duration::from_secs(60))
    };
    for id in ["first", "second"] {
        use_of_march(&place, id);
    }
    merge().expect("all parts of the month are alike");
    assert_eq!(parts(&place, "has(projections, 'by_month')"), 1);

    use_of_march(&place, "late");
    let refused = merge().expect_err("the late part has no projections, the merged one has");
    assert!(refused.contains("different projection sets"), "{refused}");
    assert_eq!(parts(&place, "empty(projections)"), 1);
    let before = counted(&place, false);
    assert_eq!(before[0].last().map(String::as_str), Some("3"));

    let keep = |idle| {
        let kept = place.wait(place.store().admin().keep_projections(idle));
        kept.expect("the statement is carried out")
    };
    assert_eq!(keep(Duration::from_secs(3600)), 0, "it may yet be merged");
    place.run(&["migrate"]);
    eventually("the late part has its projections", || {
        parts(&place, "empty(projections)") == 0
    });
    assert_eq!(parts(&place, "length(projections) = 3"), 2);
    assert_eq!(counted(&place, true), before);
    eventually("nothing is under way", || {
        place.count("SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done") == 0
    });
    assert_eq!(keep(Duration::ZERO), 0, "there are no others");
    merge().expect("now the parts are alike");
    assert_eq!(parts(&place, "length(projections) = 3"), 1);
    assert_eq!(counted(&place, true), before);
    place.run(&["audit"]);
}
