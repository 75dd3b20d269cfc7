//! Measures each resource alone: new questions without cache, and one question polled with its
//! ETag.

use std::fmt::Write as _;

use crate::client::Served;
use crate::percentile;

/// Required maximums, in milliseconds.
const UNCACHED_P99_MAX: f64 = 50.0;
const UNCHANGED_P99_MAX: f64 = 2.0;
const POLLS: usize = 2_000;

/// Every resource with its parameters; `{}` stands for twelve months.
const RESOURCES: [&str; 16] = [
    "categories?period={}",
    "enti?period={}",
    "matrix?by_kind=true&period={}",
    "top-services?period={}",
    "variations?period={}",
    "hours?period={}",
    "bands?period={}",
    "devices?period={}",
    "devices?trend=month&period={}",
    "logins?period={}",
    "offered-versus-used?period={}",
    "catalogue?period={}",
    "usage?group=category,month&compare=none&period={}",
    "usage?group=weekday,hour&measure=accesses&period={}",
    "usage?group=portal,channel&period={}",
    "live?minutes={}",
];

/// Returns the periods of twelve whole months within eleven years, one for each start month.
pub fn windows() -> impl Iterator<Item = String> {
    (0..=120).map(|start| {
        let month = |at: usize| format!("{}-{:02}", 2016 + at / 12, at % 12 + 1);
        format!("{}..{}", month(start), month(start + 11))
    })
}

/// Questions about every period, for all enti and for the ente with nearly all of the load.
fn questions(resource: &str, ente: &str) -> Vec<String> {
    let windows: Vec<String> = if resource.starts_with("live") {
        (1..=121).map(|minutes| minutes.to_string()).collect()
    } else {
        windows().collect()
    };
    let of = |window: &String| {
        let path = resource.replace("{}", window);
        let narrowed = format!("{path}&ente={ente}");
        [path, narrowed]
    };
    windows.iter().flat_map(of).collect()
}

pub fn each_resource(served: &Served, key: &str, ente: &str) -> String {
    let mut text = format!(
        "{:<52} {:>9} {:>16} {:>16} {:>12} {:>12}\n",
        "resource", "questions", "uncached p50 ms", "uncached p99 ms", "304 p50 ms", "304 p99 ms"
    );
    let mut client = served.client(key);
    for resource in RESOURCES {
        let questions = questions(resource, ente);
        let mut uncached = Vec::new();
        for question in &questions {
            let reply = client.ask(question, None);
            assert_eq!(reply.status, 200, "{question}");
            uncached.push(reply.milliseconds);
        }
        let polled = &questions[questions.len() / 2];
        let etag = client.ask(polled, None).etag.expect("there is one");
        let mut unchanged = Vec::new();
        let mut other = 0;
        for _ in 0..POLLS {
            let reply = client.ask(polled, Some(&etag));
            // The live view changes when a minute ends.
            other += usize::from(reply.status != 304);
            unchanged.push(reply.milliseconds);
        }
        assert!(other == 0 || resource.starts_with("live"), "{resource}");
        uncached.sort_by(f64::total_cmp);
        unchanged.sort_by(f64::total_cmp);
        let of = |sorted: &[f64], percent| percentile(sorted, percent);
        let over = of(&uncached, 99) > UNCACHED_P99_MAX || of(&unchanged, 99) > UNCHANGED_P99_MAX;
        let _ = writeln!(
            text,
            "{resource:<52} {:>9} {:>16.1} {:>16.1} {:>12.2} {:>12.2}{}",
            questions.len(),
            of(&uncached, 50),
            of(&uncached, 99),
            of(&unchanged, 50),
            of(&unchanged, 99),
            if over { "  over" } else { "" }
        );
    }
    text
}
