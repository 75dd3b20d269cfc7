//! Runs the blocks of the README and of the guide to figures in order, with the engines of the tests.

use std::fmt::Write;
use std::process::{Command, Stdio};

use crate::chaos::lasting_port;
use crate::support::{Engines, Place, source};

/// Documents whose commands run, one after the other.
const RUN: [&str; 2] = ["README.md", "deploy/guides/figures.md"];
/// Document with settings of the collector. Its commands need a portal's files.
const PORTALS: &str = "deploy/guides/portal-developer.md";
/// Replaces the scale of a full year.
const YEAR: &str = "0.02";
/// Options of `curl` that retry every second until a server listens.
const RETRY: &str = "--retry 60 --retry-connrefused --retry-delay 1";

/// A fenced block: its language and its text.
struct Block {
    language: String,
    text: String,
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block {
                language: language.to_owned(),
                text: text.join("\n"),
            });
        }
    }
    blocks
}

/// Texts that a reader would replace by own values.
struct Replaced {
    pairs: Vec<(&'static str, String)>,
}

impl Replaced {
    fn new(place: &Place<'_>, engines: &Engines) -> Self {
        let [collector, api] = [lasting_port(), lasting_port()];
        let listen = |port: u16| format!("127.0.0.1:{port}");
        let config = place.config.display();
        let pairs = vec![
            ("kafka-1:9092,kafka-2:9092", engines.kafka.bootstrap()),
            ("http://clickhouse:8123", engines.clickhouse.http_url()),
            (
                "user = \"affluenza\"",
                format!("user = \"{}\"", engines.clickhouse.user()),
            ),
            (
                "PASSWORD=...",
                format!("PASSWORD={}", engines.clickhouse.password()),
            ),
            (
                "password_sha256 = \"...\"",
                format!("password_sha256 = \"{}\"", "0".repeat(64)),
            ),
            // Commands that do not end get an option that ends them, or run in the background.
            (
                "affluenza consume    ",
                "affluenza consume --once    ".to_owned(),
            ),
            ("127.0.0.1:8642 &", format!("{} &", listen(collector))),
            ("127.0.0.1:8642", listen(collector)),
            (
                "affluenza serve --listen 127.0.0.1:8080",
                format!("affluenza serve --listen {} &", listen(api)),
            ),
            ("127.0.0.1:8080", listen(api)),
            ("curl -i ", format!("curl -sS -i {RETRY} ")),
            ("curl -H ", format!("curl -sS --fail-with-body {RETRY} -H ")),
            // The example register and the printed figures differ in some points.
            (
                "affluenza check-data --year 2017 ",
                "(affluenza check-data --year 2017 || test $? = 1) ".to_owned(),
            ),
            (
                "affluenza check-data --figures deploy/figures ",
                "(affluenza check-data --figures deploy/figures || test $? = 1) ".to_owned(),
            ),
            (
                " HASH",
                " $(affluenza verify-year | grep -o '[0-9a-f]\\{64\\}' | tail -n 1)".to_owned(),
            ),
            ("--scale 10", format!("--scale {YEAR}")),
            // Later blocks use the file that this block creates.
            (
                "AFFLUENZA_CONFIG=affluenza.toml",
                format!("AFFLUENZA_CONFIG={config}"),
            ),
        ];
        Self { pairs }
    }

    fn in_text(&self, text: &str) -> String {
        self.pairs
            .iter()
            .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }
}

pub fn its_blocks_run_as_printed(engines: &Engines) {
    let place = engines.place("readme");
    let read = |path| std::fs::read_to_string(source(path)).expect("it is there");
    let blocks = blocks(&RUN.map(read).join("\n"));
    let replaced = Replaced::new(&place, engines);
    settings_are_right(&place, &blocks, &replaced);
    settings_are_right(&place, &pages_of_the_collector(), &replaced);
    let open_data = blocks
        .iter()
        .find(|block| block.text.starts_with("[open_data]"));
    let mut config = std::fs::read_to_string(&place.config).expect("it is there");
    config.push_str(&open_data.expect("it is shown").text);
    std::fs::write(&place.config, config).expect("it can be written");
    place.run(&["migrate"]);
    for year in ["2016", "2017"] {
        place.run(&["simulate", "--focus", year, "--scale", YEAR, "--seed", "5"]);
    }
    place.run(&["consume", "--once"]);
    // As `up --demo` has it.
    place.run(&["close-year", "2017"]);
    let _consumer = place.spawn(&["consume"], "consumer.log");

    let mut script = String::from("set -eu\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n");
    let mut typed = 0;
    for block in blocks.iter().filter(|block| block.language == "sh") {
        // Skips the first block, which builds the program: the tests already run on a build.
        if block.text.contains("make up") {
            continue;
        }
        typed += 1;
        let text = replaced.in_text(&block.text);
        writeln!(script, "echo '== block {typed}'\n{text}").expect("text grows");
    }
    assert!(typed >= 9, "only {typed} blocks were found");
    let output = run(&place, &script);
    // The response shown is that of the service.
    let answer = blocks
        .iter()
        .find(|block| block.text.starts_with("HTTP/1.1 202"))
        .expect("the answer of a collector is shown");
    let shown = answer.text.split("\"detail\"").next().expect("a beginning");
    for line in shown.lines() {
        assert!(output.contains(line), "{line} is not in {output}");
    }
    for file in [
        "focus-2017.pdf",
        "focus-2017.xlsx",
        "enti",
        "services.xlsx",
        "open-data/catalog.jsonld",
    ] {
        assert!(place.folder.join(file).exists(), "{file}: {output}");
    }
}

/// Returns the settings of pages that count their own visits, as the guide shows them.
fn pages_of_the_collector() -> Vec<Block> {
    let guide = std::fs::read_to_string(source(PORTALS)).expect("it is there");
    let mut pages = blocks(&guide);
    pages.retain(|block| block.text.starts_with("[collect.pages."));
    assert!(!pages.is_empty(), "{PORTALS} shows no settings of a page");
    pages
}

/// Checks that the program accepts every block of settings.
fn settings_are_right(place: &Place<'_>, blocks: &[Block], replaced: &Replaced) {
    for block in blocks.iter().filter(|block| block.language == "toml") {
        let text = replaced.in_text(&block.text);
        let file = crate::support::write(&place.folder, "affluenza-block.toml", text.as_bytes());
        let mut command = place.command(&["config", "check"]);
        let output = command
            .env("AFFLUENZA_CONFIG", &file)
            .current_dir(source("deploy"))
            .output()
            .expect("it runs");
        let said = crate::support::stderr(&output);
        assert!(output.status.success(), "{text}\n{said}");
        std::fs::remove_file(file).expect("it can be removed");
    }
}

/// Runs the script in the source folder and returns all output.
fn run(place: &Place<'_>, script: &str) -> String {
    let folder = &place.folder;
    for name in ["deploy", "schemas"] {
        std::os::unix::fs::symlink(source(name), folder.join(name)).expect("a link can be made");
    }
    let log = source("crates/importer/tests/fixtures/apache_combined_10k.log.gz");
    std::os::unix::fs::symlink(log, folder.join("access.log.gz")).expect("a link can be made");
    let bin = folder.join("bin");
    std::fs::create_dir(&bin).expect("a folder can be made");
    let program = env!("CARGO_BIN_EXE_affluenza");
    std::os::unix::fs::symlink(program, bin.join("affluenza")).expect("a link can be made");
    let path = std::env::var("PATH").expect("there is a PATH");
    let printed = std::fs::File::create(folder.join("printed")).expect("a file can be made");
    let status = Command::new("timeout")
        .args(["300", "bash", "-c", script])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("AFFLUENZA_CONFIG", &place.config)
        .env("AFFLUENZA_DATA", folder.join("data"))
        .stdin(Stdio::null())
        .stdout(printed.try_clone().expect("a file has two handles"))
        .stderr(printed)
        .status()
        .expect("there is bash");
    let printed = std::fs::read(folder.join("printed")).expect("it is there");
    let printed = String::from_utf8_lossy(&printed).into_owned();
    assert!(status.success(), "{status}: {printed}");
    printed
}
