//! Runs the examples for portals against a real collector.

use std::process::Command;

use crate::collect::client::{Collector, key};
use crate::support::{Engines, source, stderr};

/// Interpreter, arguments, and true if the interpreter is a prerequisite.
const EXAMPLES: [(&str, &str, bool); 3] = [
    ("node", "deploy/examples/javascript/example.mjs", true),
    ("java", "deploy/examples/java/Affluenza.java", true),
    ("php", "deploy/examples/php/example.php", false),
];

#[expect(clippy::print_stderr, reason = "prints skipped examples")]
pub fn examples_reach_the_facts(engines: &Engines) {
    let place = engines.place("portals");
    place.run(&["migrate"]);
    let key = key(&place, &["--ente", "c_d612"]);
    let collector = Collector::start(&place, "collect.log", &[]);
    let url = format!("http://{}", collector.address);
    let mut sent = 0;
    for (program, file, is_required) in EXAMPLES {
        let run = |ente: &str| {
            Command::new(program)
                .arg(source(file))
                .env("AFFLUENZA_URL", &url)
                .env("AFFLUENZA_KEY", &key)
                .env("AFFLUENZA_ENTE", ente)
                .output()
        };
        let output = match run("c_d612") {
            Ok(output) => output,
            Err(error) if is_required => panic!("{program} is a prerequisite: {error}"),
            Err(_) => {
                eprintln!("{program} is not installed: {file} was not tried");
                continue;
            }
        };
        assert!(output.status.success(), "{file}: {}", stderr(&output));
        assert!(output.stdout.starts_with(b"sent "), "{file}");
        sent += 1;
        // A refused event is reported and not retried.
        let refused = run("c_other").expect("it ran before");
        assert!(!refused.status.success(), "{file}");
        let said = stderr(&refused) + &String::from_utf8_lossy(&refused.stdout);
        assert!(
            said.contains("refused the event: http-403"),
            "{file}: {said}"
        );
    }
    // Sends an event with `emit`, in version 2.
    let by_hand = place
        .command(&[
            "emit",
            "--ente",
            "c_d612",
            "--portal",
            "servizi-online",
            "--url",
            &url,
        ])
        .env("AFFLUENZA_KEY", &key)
        .output()
        .expect("the program runs");
    assert!(by_hand.status.success(), "{}", stderr(&by_hand));
    place.run(&["consume", "--once"]);
    assert_eq!(place.count("SELECT count() FROM usage_events"), sent + 1);
    assert_eq!(
        place.count("SELECT count() FROM usage_events WHERE kind = 'payment' AND visitor != 0"),
        sent
    );
}
