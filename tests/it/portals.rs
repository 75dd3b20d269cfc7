//! The emitters for portals: shared cases for all languages, against a scripted and a real collector, and
//! their packages.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use crate::collect::client::{Collector, key};
use crate::support::{Engines, Place, source, stderr};

const EMITTERS: &str = "deploy/emitters";
const JAVA: &str = "deploy/emitters/java/src";

/// An emitter with the command of its conformance program.
struct Emitter {
    language: &'static str,
    command: Vec<String>,
}

/// Returns all emitters, after compiling the one in Java.
fn emitters(folder: &Path) -> Vec<Emitter> {
    let classes = folder.join("classes");
    let files = run(Command::new("find")
        .arg(source(JAVA))
        .args(["-name", "*.java"]));
    run(Command::new("javac")
        .arg("-d")
        .arg(&classes)
        .args(files.lines()));
    let path = |file: &str| source(EMITTERS).join(file).display().to_string();
    let classes = classes.display().to_string();
    let java = ["java", "-cp", &classes, "it.affluenza.emitter.Conformance"];
    [
        ("php", vec!["php".to_owned(), path("php/conformance.php")]),
        ("java", java.map(str::to_owned).to_vec()),
        (
            "javascript",
            vec!["node".to_owned(), path("javascript/conformance.mjs")],
        ),
        (
            "python",
            vec!["python3".to_owned(), path("python/conformance.py")],
        ),
    ]
    .map(|(language, command)| Emitter { language, command })
    .into()
}

/// Runs a command to its end and returns its output.
fn run(command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?} is a prerequisite: {error}"));
    assert!(output.status.success(), "{command:?}: {}", all_of(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn all_of(output: &Output) -> String {
    stderr(output) + &String::from_utf8_lossy(&output.stdout)
}

/// A collector that answers as a case says.
struct Scripted {
    url: String,
    bodies: Receiver<Vec<u8>>,
}

impl Scripted {
    fn start(answers: Vec<Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has one");
        let (seen, bodies) = channel();
        let mut answers = answers.into_iter();
        std::thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let Ok(body) = read_body(&stream) else {
                    continue;
                };
                // The test has ended.
                if seen.send(body).is_err() {
                    return;
                }
                match answers.next() {
                    Some(Value::String(how)) if how == "hang" => hanging.push(stream),
                    Some(answer) if answer.is_object() => answer_with(&mut stream, &answer),
                    _ => {}
                }
            }
        });
        Self {
            url: format!("http://{address}"),
            bodies,
        }
    }
}

fn read_body(stream: &TcpStream) -> std::io::Result<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        // A client may open a connection that it does not use.
        if reader.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        match line.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap_or(0);
            }
            _ if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}

fn answer_with(stream: &mut TcpStream, answer: &Value) {
    let body = match &answer["body"] {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    let headers = answer["headers"].as_object().into_iter().flatten();
    let headers: String = headers
        .map(|(name, value)| format!("{name}: {}\r\n", value.as_str().unwrap_or_default()))
        .collect();
    let text = format!(
        "HTTP/1.1 {} Scripted\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        answer["status"],
        body.len()
    );
    // A client that has left needs no answer.
    let _ = stream.write_all(text.as_bytes());
}

/// A conformance program that runs.
struct Session(Child);

impl Session {
    fn start(emitter: &Emitter, case: &Value, url: &str, key: &str, spool: &Path) -> Self {
        let child = Command::new(&emitter.command[0])
            .args(&emitter.command[1..])
            .env("AFFLUENZA_URL", url)
            .env("AFFLUENZA_KEY", key)
            .env("AFFLUENZA_SOURCE", "https://servizi.example.it")
            .env("AFFLUENZA_SPOOL", spool)
            .env("AFFLUENZA_SPOOL_MAX", spool_max(case).to_string())
            .env("AFFLUENZA_TIMEOUT_SECONDS", "2")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap_or_else(|error| panic!("{} is missing: {error}", emitter.language)))
    }

    /// Sends all steps and returns the results.
    fn results(mut self, steps: &[Value]) -> Vec<Value> {
        let mut stdin = self.0.stdin.take().expect("its input is a pipe");
        for step in steps {
            let mut step = step.clone();
            if let Some(times) = step["repeat"].as_u64() {
                step["data"]["session"] = "x".repeat(usize::try_from(times).expect("few")).into();
            }
            writeln!(stdin, "{step}").expect("it reads");
        }
        drop(stdin);
        let output = self.0.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line} is JSON")))
            .collect()
    }
}

/// Returns how many events the spool of a case holds, and how many refused ones.
fn spool_max(case: &Value) -> usize {
    if case["spool"] == "full" { 2 } else { 100 }
}

/// True if a result has what is expected of it.
fn fits(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::String(_), Value::String(any)) if any == "id" => true,
        (Value::Object(found), Value::Object(expected)) => expected
            .iter()
            .all(|(name, value)| found.get(name).is_some_and(|found| fits(found, value))),
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len()
                && found
                    .iter()
                    .zip(expected)
                    .all(|(found, expected)| fits(found, expected))
        }
        _ => found == expected,
    }
}

pub fn emitters_pass_the_shared_cases(engines: &Engines) {
    let place = engines.place("portals");
    place.run(&["migrate"]);
    let key = key(&place, &["--ente", "c_d612"]);
    let collector = Collector::start(&place, "collect.log", &[]);
    let real = format!("http://{}", collector.address);
    let cases = std::fs::read(source(EMITTERS).join("conformance/cases.json"));
    let cases: Vec<Value> =
        serde_json::from_slice(&cases.expect("they are there")).expect("they are JSON");
    let emitters = emitters(&place.folder);
    let mut accepted = 0;
    for (number, case) in cases.iter().enumerate() {
        for emitter in &emitters {
            let name = format!("{}: {}", emitter.language, case["name"]);
            let spool = place
                .folder
                .join(format!("spool-{}-{number}", emitter.language));
            if case["spool"] == "file" {
                std::fs::write(&spool, "a file").expect("it can be written");
            }
            let scripted = case["answers"].as_array();
            let scripted = scripted.map(|answers| Scripted::start(answers.clone()));
            let url = scripted.as_ref().map_or(&real, |scripted| &scripted.url);
            let steps = case["steps"].as_array().expect("steps");
            let results = Session::start(emitter, case, url, &key, &spool).results(steps);
            let found = Value::from(results.clone());
            assert!(fits(&found, &case["expect"]), "{name}: {found:#}");
            match &scripted {
                Some(scripted) => requests_fit(scripted, case, &name),
                None => {
                    accepted += results
                        .iter()
                        .filter_map(|it| it["accepted"].as_u64())
                        .sum::<u64>()
                }
            }
            set_aside_fit(&results, &spool, spool_max(case), &name);
        }
    }
    assert_eq!(accepted, 4 * 4);
    place.run(&["consume", "--once"]);
    assert_eq!(place.count("SELECT count() FROM usage_events"), accepted);
    let paid = "SELECT count() FROM usage_events WHERE kind = 'payment' AND visitor != 0 AND category = 'anagrafe'";
    assert_eq!(place.count(paid), 4);
}

/// Checks the requests that a scripted collector saw: their number, and that they hold the events of the
/// case.
fn requests_fit(scripted: &Scripted, case: &Value, name: &str) {
    let bodies: Vec<Vec<u8>> = scripted.bodies.try_iter().collect();
    if let Some(requests) = case["requests"].as_u64() {
        assert_eq!(bodies.len() as u64, requests, "{name}");
    }
    let sent: Vec<Vec<Value>> = bodies
        .iter()
        .map(|body| {
            let text = std::str::from_utf8(body).expect("UTF-8");
            let lines = text.lines().filter(|line| !line.is_empty());
            lines
                .map(|line| serde_json::from_str(line).expect("an event is JSON"))
                .collect()
        })
        .collect();
    if case["same"] == true {
        assert!(
            sent.iter().all(|events| *events == sent[0]),
            "{name}: {sent:#?}"
        );
    }
    let steps = case["steps"].as_array().expect("steps").iter();
    let emitted: Vec<&Value> = steps
        .map(|step| &step["data"])
        .filter(|data| data.is_object())
        .collect();
    for events in &sent {
        let mut data: Vec<String> = events
            .iter()
            .map(|event| event["data"].to_string())
            .collect();
        let mut expected: Vec<String> = emitted.iter().map(|data| data.to_string()).collect();
        data.sort();
        expected.sort();
        assert_eq!(data, expected, "{name}");
    }
}

/// Checks that the newest refused events, at most `most`, are set aside with their reasons.
fn set_aside_fit(results: &[Value], spool: &Path, most: usize, name: &str) {
    let refused = results
        .iter()
        .filter_map(|result| result["refused"].as_array());
    let refused: BTreeMap<&str, &Value> = refused
        .flatten()
        .map(|event| (event["id"].as_str().expect("an id"), event))
        .collect();
    let files = std::fs::read_dir(spool.join("refused")).map_or(0, Iterator::count);
    assert_eq!(files, 2 * refused.len().min(most), "{name}");
    for (id, event) in refused.into_iter().rev().take(most) {
        let reason = std::fs::read_to_string(spool.join(format!("refused/{id}.txt")));
        let reason = reason.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            reason.starts_with(event["reason"].as_str().expect("a reason")),
            "{name}: {reason}"
        );
        let kept = std::fs::read(spool.join(format!("refused/{id}.json"))).expect("it is kept");
        let kept: Value = serde_json::from_slice(&kept).expect("an event is JSON");
        assert_eq!(kept["id"], id, "{name}");
    }
}

/// Installs each package from a copy of its folder, as a portal would, and runs its example.
pub fn packages_install_from_their_folders(engines: &Engines) {
    let place = engines.place("packages");
    place.run(&["migrate"]);
    let key = key(&place, &["--ente", "c_d612"]);
    let collector = Collector::start(&place, "collect.log", &[]);
    let url = format!("http://{}", collector.address);
    let folder = &place.folder;
    run(Command::new("cp")
        .arg("-r")
        .arg(source(EMITTERS))
        .arg(folder.join("emitters")));
    for mut example in [
        php(folder),
        java(folder),
        javascript(folder),
        python(folder),
    ] {
        let name = format!("{example:?}");
        let spool = tempfile::tempdir_in(folder).expect("a folder can be made");
        let example = example
            .current_dir(folder)
            .env("AFFLUENZA_URL", &url)
            .env("AFFLUENZA_KEY", &key)
            .env("AFFLUENZA_SPOOL", spool.path());
        let output = example.output().expect("it runs");
        assert!(output.status.success(), "{name}: {}", all_of(&output));
        assert!(output.stdout.starts_with(b"sent "), "{name}");
        let refused = example
            .env("AFFLUENZA_KIND", "Payment")
            .output()
            .expect("it runs");
        assert!(!refused.status.success(), "{name}");
        let said = all_of(&refused);
        assert!(
            said.contains("unknown-shape /data/kind: found the text \"Payment\""),
            "{name}: {said}"
        );
    }
    by_hand(&place, &url, &key);
    place.run(&["consume", "--once"]);
    assert_eq!(place.count("SELECT count() FROM usage_events"), 5);
    let known = "SELECT count() FROM usage_events WHERE category = 'anagrafe' AND kind = 'payment'";
    assert_eq!(place.count(known), 4);
}

/// Sends an event and one that the collector refuses with `emit`.
fn by_hand(place: &Place<'_>, url: &str, key: &str) {
    let emit = |ente: &str| {
        let arguments = [
            "emit",
            "--ente",
            ente,
            "--portal",
            "servizi-online",
            "--url",
            url,
        ];
        let mut command = place.command(&arguments);
        command
            .env("AFFLUENZA_KEY", key)
            .output()
            .expect("the program runs")
    };
    let sent = emit("Firenze");
    assert!(sent.status.success(), "{}", stderr(&sent));
    let refused = emit("c_g999");
    assert!(!refused.status.success());
    let said = stderr(&refused);
    assert!(
        said.contains("the collector refused it: foreign-ente: "),
        "{said}"
    );
}

fn php(folder: &Path) -> Command {
    let project = folder.join("php");
    std::fs::create_dir(&project).expect("a folder can be made");
    let path = json!({ "type": "path", "url": "../emitters/php", "options": { "symlink": false } });
    let composer = json!({
        "repositories": [path, { "packagist.org": false }],
        "require": { "affluenza/emitter": "@dev" },
    });
    std::fs::write(project.join("composer.json"), composer.to_string()).expect("it can be written");
    run(Command::new("composer")
        .args(["install", "--no-interaction", "--quiet"])
        .env("COMPOSER_ALLOW_SUPERUSER", "1")
        .env("COMPOSER_HOME", folder.join("composer-home"))
        .current_dir(&project));
    let mut example = Command::new("php");
    example
        .arg("php/vendor/affluenza/emitter/example.php")
        .env("AFFLUENZA_AUTOLOAD", project.join("vendor/autoload.php"));
    example
}

fn java(folder: &Path) -> Command {
    run(Command::new("mvn")
        .args([
            "--quiet",
            "--batch-mode",
            "package",
            "-Dmaven.test.skip=true",
        ])
        .current_dir(folder.join("emitters/java")));
    let mut example = Command::new("java");
    example.args([
        "-cp",
        "emitters/java/target/affluenza-emitter-0.1.0.jar",
        "it.affluenza.emitter.Example",
    ]);
    example
}

fn javascript(folder: &Path) -> Command {
    let project = folder.join("javascript");
    std::fs::create_dir(&project).expect("a folder can be made");
    run(Command::new("npm")
        .args([
            "install",
            "--install-links",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ])
        .arg("../emitters/javascript")
        .current_dir(&project));
    let mut example = Command::new("node");
    example.arg("javascript/node_modules/affluenza-emitter/example.mjs");
    example
}

fn python(folder: &Path) -> Command {
    run(Command::new("python3")
        .args(["-m", "venv", "python"])
        .current_dir(folder));
    run(Command::new("python/bin/pip")
        .args(["install", "--quiet", "./emitters/python"])
        .current_dir(folder));
    let mut example = Command::new(folder.join("python/bin/python"));
    // Apart from the module, so that the installed one is imported.
    std::fs::copy(
        folder.join("emitters/python/example.py"),
        folder.join("example.py"),
    )
    .expect("it can be copied");
    example.arg("example.py");
    example
}
