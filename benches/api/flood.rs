//! Measures whether a key that polls waits longer while the key of another ente floods the API.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::asking::windows;
use crate::client::Served;
use crate::percentile;

const CONNECTIONS: usize = 32;
/// Pause between the questions of the polling key, and their number. Every question is a new one.
const PAUSE: Duration = Duration::from_millis(50);
const QUESTIONS: usize = 200;

/// Each argument is `(key, ente)`, of the flooding and of the polling client.
pub fn beside(served: &Served, flooding: (&str, &str), polling: (&str, &str)) -> String {
    // Each question has another limit, so that no answer is cached.
    let alone = poll(served, polling, 3_000);
    let over = AtomicBool::new(false);
    let counts = [const { AtomicUsize::new(0) }; 3];
    let (answered, refused, busy) = (&counts[0], &counts[1], &counts[2]);
    let flooded = std::thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let over = &over;
            scope.spawn(move || {
                let mut client = served.client(flooding.0);
                let windows: Vec<String> = windows().collect();
                for at in 0.. {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    // No two connections ask the same question.
                    let number = at * CONNECTIONS + connection;
                    let window = &windows[number % windows.len()];
                    let limit = 4_000 + number / windows.len() % 5_000;
                    let path = format!("enti?period={window}&limit={limit}");
                    let count = match client.ask(&path, None).status {
                        200 => answered,
                        429 => refused,
                        _ => busy,
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let flooded = poll(served, polling, 2_000);
        over.store(true, Ordering::Relaxed);
        flooded
    });
    let line = |name: &str, waits: &[f64]| {
        format!(
            "{name:<34} p50 {:>6.1} ms, p99 {:>6.1} ms\n",
            percentile(waits, 50),
            percentile(waits, 99)
        )
    };
    format!(
        "{}{}the other key on {CONNECTIONS} connections: {} answered, {} refused (429), {} put off (503)\n",
        line("new questions of a key, alone", &alone),
        line("the same beside a flooding key", &flooded),
        answered.load(Ordering::Relaxed),
        refused.load(Ordering::Relaxed),
        busy.load(Ordering::Relaxed),
    )
}

/// Returns the duration of each question in milliseconds, sorted.
fn poll(served: &Served, (key, ente): (&str, &str), limit: usize) -> Vec<f64> {
    let mut client = served.client(key);
    let windows: Vec<String> = windows().collect();
    let mut waits = Vec::new();
    for at in 0..QUESTIONS {
        let began = Instant::now();
        let (window, limit) = (&windows[at % windows.len()], limit + at);
        let path = format!("matrix?period={window}&ente={ente}&limit={limit}");
        let reply = client.ask(&path, None);
        assert_eq!(reply.status, 200, "{path}");
        waits.push(reply.milliseconds);
        std::thread::sleep(PAUSE.saturating_sub(began.elapsed()));
    }
    waits.sort_by(f64::total_cmp);
    waits
}
