//! Measures many clients at once, as dashboards behave: most poll with an ETag, some ask cached
//! questions, a few ask new ones.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::asking::windows;
use crate::client::Served;
use crate::percentile;

const CLIENTS: usize = 64;
const LASTS: Duration = Duration::from_secs(10);
/// One of this many requests is a new question. Three quarters of the others carry an ETag.
const NEW_EVERY: usize = 200;

const PATHS: [&str; 8] = [
    "categories?period=2017",
    "enti?period=2018",
    "matrix?period=2019",
    "top-services?period=2020",
    "hours?period=2021",
    "devices?period=2022",
    "usage?group=weekday,hour&measure=accesses&period=2017-03",
    "variations?period=2023",
];

pub fn together(served: &Served, key: &str) -> String {
    // The limit makes a question new: no other bench uses these limits.
    let windows: Vec<String> = windows().collect();
    let next = AtomicUsize::new(0);
    let new = || {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let (window, limit) = (&windows[at % windows.len()], 5_000 + at / windows.len());
        format!("enti?period={window}&limit={limit}")
    };
    let one = |at: usize| {
        let mut client = served.client(key);
        let etags: Vec<String> = PATHS
            .iter()
            .map(|path| client.ask(path, None).etag.expect("there is one"))
            .collect();
        let mut seen: BTreeMap<u16, usize> = BTreeMap::new();
        let mut waits = Vec::new();
        let until = Instant::now() + LASTS;
        for request in at.. {
            if Instant::now() > until {
                break;
            }
            let path = PATHS[request % PATHS.len()];
            let reply = if request % NEW_EVERY == 0 {
                client.ask(&new(), None)
            } else {
                let etag = (request % 4 != 0).then_some(etags[request % PATHS.len()].as_str());
                client.ask(path, etag)
            };
            *seen.entry(reply.status).or_default() += 1;
            waits.push(reply.milliseconds);
        }
        (seen, waits)
    };
    let began = Instant::now();
    let (seen, mut waits) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CLIENTS)
            .map(|at| scope.spawn(move || one(at * 3)))
            .collect();
        let mut seen: BTreeMap<u16, usize> = BTreeMap::new();
        let mut waits = Vec::new();
        for thread in threads {
            let (statuses, more) = thread.join().expect("a client ends well");
            for (status, count) in statuses {
                *seen.entry(status).or_default() += count;
            }
            waits.extend(more);
        }
        (seen, waits)
    });
    let seconds = began.elapsed().as_secs_f64();
    waits.sort_by(f64::total_cmp);
    format!(
        "{CLIENTS} clients, {seconds:.0} s: {:.0} requests/s, p50 {:.1} ms, p99 {:.1} ms, {} new questions, statuses {seen:?}\n",
        waits.len() as f64 / seconds,
        percentile(&waits, 50),
        percentile(&waits, 99),
        next.into_inner()
    )
}
