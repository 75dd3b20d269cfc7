//! One machine: the engines of `up` reject strangers, are restarted when they die, and recover
//! after a power cut. The test observes them from outside, through sockets and processes.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use affluenza_engine::lasting_port;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::http::Access;
use crate::support::{Engines, Place, Running, eventually, stderr, write};

const PATIENCE: Duration = Duration::from_secs(30);
/// Maximum time to wait for a response to a stranger.
const ANSWER_MAX: Duration = Duration::from_millis(500);
/// Maximum duration of a shutdown, with a margin for a busy machine.
const END_MAX: Duration = Duration::from_secs(40);
const ENTE: &str = "c_d612";

/// A running `up` with its own data folder.
struct Machine<'e> {
    place: Place<'e>,
    data: PathBuf,
    up: Option<Running>,
    starts: usize,
    key: String,
    sent: u64,
}

impl<'e> Machine<'e> {
    fn start(engines: &'e Engines, name: &str) -> Self {
        let place = engines.place(name);
        let data = place.folder.join("data");
        let mut machine = Self {
            place,
            data,
            up: None,
            starts: 0,
            key: String::new(),
            sent: 0,
        };
        let data = machine.data.display().to_string();
        let create = [
            "--data", &data, "keys", "create", "machine", "--role", "writer",
        ];
        let created = machine
            .place
            .command(&create)
            .env("AFFLUENZA_CONFIG", machine.config())
            .output()
            .expect("the program runs");
        assert!(created.status.success(), "{}", stderr(&created));
        machine.key = String::from_utf8_lossy(&created.stdout).trim().to_owned();
        machine.start_again();
        // The name of the user for analysts begins like a key.
        let log = machine.log().replace("affluenza_reader", "");
        assert!(!log.contains("affluenza_"), "only the demo makes keys");
        machine
    }

    fn start_again(&mut self) {
        self.starts += 1;
        let data = self.data.display().to_string();
        let settings = [("AFFLUENZA_CONFIG", self.config())];
        let settings = settings
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let log = format!("up-{}.log", self.starts);
        self.up = Some(
            self.place
                .spawn_with(&["--data", &data, "up"], &log, &settings),
        );
        eventually("up is ready", || self.log().contains("running; Ctrl-C"));
    }

    /// A configuration file with fixed random ports. Otherwise the `up` of another test could take the
    /// default port of an engine that is being restarted.
    fn config(&self) -> String {
        let path = self.place.folder.join("up.toml");
        if !path.exists() {
            let clickhouse = lasting_port().expect("a port is free");
            let mut kafka = (0..100).filter_map(|_| lasting_port());
            let kafka = kafka.find(|kafka| *kafka != clickhouse);
            let kafka = kafka.expect("another port is free");
            let ports =
                format!("[engine]\nclickhouse_http_port = {clickhouse}\nkafka_port = {kafka}\n");
            write(&self.place.folder, "up.toml", ports.as_bytes());
        }
        path.display().to_string()
    }

    fn log(&self) -> String {
        let path = self.place.folder.join(format!("up-{}.log", self.starts));
        fs::read_to_string(path).unwrap_or_default()
    }

    fn said(&self, beginning: &str) -> String {
        let log = self.log();
        let line = log.lines().find(|line| line.contains(beginning));
        line.unwrap_or_else(|| panic!("{beginning:?} is not in {log}"))
            .to_owned()
    }

    fn address(&self, beginning: &str) -> String {
        let line = self.said(beginning);
        let address = line.split("http://").nth(1).expect("it names an address");
        address
            .split(['/', ' '])
            .next()
            .expect("it has a port")
            .to_owned()
    }

    fn access(&self) -> Access {
        let password = fs::read_to_string(self.data.join("clickhouse/password"));
        Access {
            address: self.address("ClickHouse  http"),
            user: "affluenza".to_owned(),
            password: password.expect("it is there").trim().to_owned(),
            database: "affluenza".to_owned(),
        }
    }

    fn count(&self, query: &str) -> Option<u64> {
        self.access().ask(query, PATIENCE).ok()?.trim().parse().ok()
    }

    fn is_running(&mut self) -> bool {
        self.up.as_mut().is_some_and(|up| !up.has_ended())
    }

    /// Process ids of ClickHouse and of Kafka's Java.
    fn engines(&self) -> [u32; 2] {
        let up = self.up.as_ref().expect("it runs").0.id();
        let holders = children(up);
        let kafka = holders.iter().flat_map(|holder| children(*holder)).next();
        let is_clickhouse = |holder: &&u32| command_of(**holder).contains(&"host".to_owned());
        let clickhouse = holders.iter().find(is_clickhouse);
        [
            *clickhouse.expect("ClickHouse runs"),
            kafka.expect("Kafka runs"),
        ]
    }

    fn post(&mut self, count: u64) {
        let events: Vec<Value> = (0..count)
            .map(|number| {
                json!({
                    "specversion": "1.0", "type": "it.affluenza.access.v1",
                    "source": "https://portal.example.it/machine", "id": format!("m-{}", self.sent + number),
                    "time": "2026-03-05T10:00:00Z", "data": {"ente": ENTE, "portal": "servizi-online"},
                })
            })
            .collect();
        let body = serde_json::to_vec(&events).expect("it is JSON");
        let answer = self.request(&body);
        assert!(
            answer.starts_with("HTTP/1.1 202"),
            "{answer}: {}",
            self.log()
        );
        self.sent += count;
    }

    fn request(&self, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address("Collector")).expect("it listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a time-out can be set");
        let head = format!(
            "POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Type: application/cloudevents-batch+json\r\nContent-Length: {}\r\n\r\n",
            self.key,
            body.len()
        );
        stream
            .write_all(head.as_bytes())
            .expect("it can be written to");
        stream.write_all(body).expect("it can be written to");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    /// Checks that every acknowledged event is one fact, and that the accounts balance.
    fn is_exact(&self) {
        let both = "SELECT count() = uniqExact(identity) ? count() : 0 FROM usage_events";
        eventually("every event is stored once", || {
            self.count(both) == Some(self.sent)
        });
        let hours = "SELECT sum(accesses) FROM usage_hourly";
        eventually("and counted once", || self.count(hours) == Some(self.sent));
        // After an insert without an answer, a consumer compares the month first.
        let doubts = "SELECT count() FROM months_in_doubt FINAL WHERE NOT settled";
        eventually("no month is in doubt", || self.count(doubts) == Some(0));
        self.run(&["audit"]);
        let log = std::fs::read(self.data.join("clickhouse/logs/server.log"));
        let log = String::from_utf8_lossy(&log.expect("the engine has a log")).into_owned();
        let delayed = log.matches("Temporarily pause scheduling").count();
        assert!(delayed < 100, "the log is flooded: {delayed} delayed tasks");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let data = self.data.display().to_string();
        let mut command = self.place.command(&["--data", &data]);
        command
            .args(arguments)
            .env("AFFLUENZA_CONFIG", self.config());
        command
    }

    /// Runs the program while `up` runs, asserts success, and returns the output.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("it prints text")
    }

    /// Kills all processes, as a power cut does.
    fn cut(&mut self) {
        for engine in self.engines() {
            signal(engine, Signal::KILL);
        }
        self.up.take().expect("it runs").kill();
    }
}

fn signal(process: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(process).expect("it is small")).expect("it is not 0");
    kill_process(pid, signal).expect("it can be told");
}

fn children(of: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{of}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let text: String = lists.collect();
    text.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

fn command_of(process: u32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
    text.split('\0').map(str::to_owned).collect()
}

fn family(of: u32) -> Vec<u32> {
    let mut all = vec![of];
    for child in children(of) {
        all.extend(family(child));
    }
    all
}

/// TCP ports on which the processes listen, from the kernel's list.
fn listening(processes: &[u32]) -> BTreeSet<u16> {
    let sockets: BTreeSet<String> = processes
        .iter()
        .flat_map(|process| fs::read_dir(format!("/proc/{process}/fd")))
        .flatten()
        .flatten()
        .filter_map(|fd| fs::read_link(fd.path()).ok()?.to_str().map(str::to_owned))
        .filter_map(|link| {
            Some(
                link.strip_prefix("socket:[")?
                    .trim_end_matches(']')
                    .to_owned(),
            )
        })
        .collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    tables
        .iter()
        .flatten()
        .flat_map(|table| table.lines().skip(1))
        .filter_map(|line| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let is_ours = cells.get(3) == Some(&"0A") && sockets.contains(*cells.get(9)?);
            let port = cells.get(1)?.rsplit(':').next()?;
            is_ours.then(|| u16::from_str_radix(port, 16).ok())?
        })
        .collect()
}

/// Bytes of strangers: other protocols, noise, and truncated requests.
fn strange() -> Vec<Vec<u8>> {
    let kafka = [
        b"\0\0\0\x23\0\x12\0\x03\0\0\0\x01\0\x0ardkafka\0\x08librdkafka".as_slice(),
        &[0; 12],
    ];
    vec![
        vec![0xff; 50],
        vec![0; 200],
        [
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".as_slice(),
            &[7; 200],
        ]
        .concat(),
        kafka.concat(),
        b"*1\r\n$4\r\nPING\r\n".to_vec(),
        b"BLAH \xff\xfe / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET / HT".to_vec(),
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nSEL".to_vec(),
        b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(),
    ]
}

/// Sends the bytes and disconnects; ignores the response.
fn send_and_leave(port: u16, bytes: &[u8]) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        // The engine is being restarted.
        return;
    };
    let _ = stream.write_all(bytes);
    let _ = stream.set_read_timeout(Some(ANSWER_MAX));
    let _ = stream.read(&mut [0; 64]);
}

/// Requests without a password are rejected, only the printed ports are open, and no bytes on them
/// stop `up`.
pub fn strangers_neither_ask_nor_stop_anything(engines: &Engines) {
    let mut machine = Machine::start(engines, "strangers");
    machine.post(20);
    machine.is_exact();
    for user in ["default", "affluenza", "affluenza_reader", "nobody"] {
        strangers_are_refused(&machine.access(), user);
    }
    let up = machine.up.as_ref().expect("it runs").0.id();
    let ports = listening(&family(up));
    // Two ports of Kafka (clients and internal), ClickHouse over HTTP, the collector and the API.
    assert_eq!(ports.len(), 5, "{ports:?}");
    for bytes in strange() {
        for port in &ports {
            send_and_leave(*port, &bytes);
        }
        eventually("ClickHouse answers again", || {
            machine.count("SELECT 1") == Some(1)
        });
        machine.post(20);
        assert!(machine.is_running(), "{bytes:?}: {}", machine.log());
    }
    machine.is_exact();
    assert!(
        machine.log().contains("ClickHouse is restarted"),
        "a stranger ended it once"
    );
    assert_eq!(listening(&family(up)), ports, "the ports stay the same");
    machine.up.take().expect("it runs").terminate();
}

fn strangers_are_refused(access: &Access, user: &str) {
    let stranger = Access {
        user: user.to_owned(),
        password: String::new(),
        ..access.clone()
    };
    for query in [
        "SELECT 1",
        "SELECT count() FROM system.one",
        "SELECT * FROM system.quota_usage",
        "SHOW GRANTS",
        "SHOW PROCESSLIST",
        "KILL QUERY WHERE 1",
        "SYSTEM STOP LISTEN HTTP",
        "SYSTEM SHUTDOWN",
        "CREATE TEMPORARY TABLE t (a UInt8)",
        "INSERT INTO FUNCTION null('x UInt8') VALUES (1)",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SET max_concurrent_queries_for_all_users = 0",
        "SELECT 1 SETTINGS max_concurrent_queries_for_all_users = 0",
    ] {
        let answer = stranger.ask(query, PATIENCE);
        assert!(answer.is_err(), "{user}: {query}: {answer:?}");
    }
}

/// An engine whose process has died or whose port is closed is restarted.
pub fn dead_engines_are_started_again(engines: &Engines) {
    let mut machine = Machine::start(engines, "dead-engines");
    machine.post(50);
    let [clickhouse, kafka] = machine.engines();
    signal(clickhouse, Signal::KILL);
    machine.post(50);
    eventually("ClickHouse runs again", || {
        machine.log().contains("ClickHouse runs again")
    });
    machine.post(50);
    signal(kafka, Signal::KILL);
    machine.post(50);
    eventually("Kafka runs again", || {
        machine.log().contains("Kafka runs again")
    });
    machine.post(50);
    machine.is_exact();
    // Closes the port while the process lives.
    let closed = machine.access().ask("SYSTEM STOP LISTEN HTTP", PATIENCE);
    drop(closed);
    machine.post(50);
    eventually("the port is open again", || {
        machine.log().contains("has closed its port")
    });
    machine.is_exact();
    machine.up.take().expect("it runs").terminate();
}

/// A signal stops `up` in time even if an engine does not stop.
pub fn frozen_engines_do_not_hold_the_end(engines: &Engines) {
    let mut machine = Machine::start(engines, "frozen-engines");
    for which in 0..2 {
        machine.post(20);
        let frozen = machine.engines()[which];
        signal(frozen, Signal::STOP);
        machine.post(20);
        let began = Instant::now();
        machine.up.take().expect("it runs").end();
        let took = began.elapsed();
        assert!(took < END_MAX, "{which}: {took:?}: {}", machine.log());
        eventually("no engine is left", || {
            !Path::new(&format!("/proc/{frozen}")).exists()
        });
        machine.start_again();
        machine.is_exact();
    }
    machine.up.take().expect("it runs").terminate();
}

/// Broken parts, as after a power cut or a full disk, are detached and restored from the log.
pub fn broken_parts_are_restored_unasked(engines: &Engines) {
    let mut machine = Machine::start(engines, "broken-parts");
    machine.post(500);
    machine.is_exact();
    let parts = |machine: &Machine<'_>, table: &str| -> Vec<PathBuf> {
        let query = format!(
            "SELECT path FROM system.parts WHERE database = 'affluenza' AND table = '{table}' AND active ORDER BY path FORMAT TSV"
        );
        let rows = machine.access().rows(&query);
        rows.into_iter().map(|row| PathBuf::from(&row[0])).collect()
    };
    let facts = parts(&machine, "usage_events");
    let hours = parts(&machine, "usage_hourly");
    let ledger = parts(&machine, "ingest_ledger");
    machine.cut();
    // Damage of power cuts: empty mark files, truncated files, folders of empty files.
    for file in files_of(&facts[0]).iter().filter(|file| is_of_marks(file)) {
        fs::write(file, "").expect("it can be emptied");
    }
    for file in files_of(&hours[0]) {
        let bytes = fs::read(&file).expect("it can be read");
        fs::write(&file, &bytes[..bytes.len() / 2]).expect("it can be cut");
    }
    fs::remove_file(ledger[0].join("columns.txt")).expect("it can be removed");
    let table = facts[0].parent().expect("parts lie in a folder");
    for number in 9_000..9_150 {
        let part = table.join(format!("202603_{number}_{number}_0"));
        fs::create_dir(&part).expect("a folder can be made");
        for file in files_of(&facts[0]) {
            let name = file.file_name().expect("it has a name");
            fs::write(part.join(name), "").expect("a file can be made");
        }
    }
    machine.start_again();
    let said = machine.said("ClickHouse had not ended cleanly");
    assert!(
        said.contains("facts") && said.contains("restored from the log"),
        "{said}"
    );
    machine.post(500);
    machine.is_exact();
    let left =
        machine.count("SELECT count() FROM system.detached_parts WHERE database = 'affluenza'");
    assert_eq!(left, Some(0), "what was restored is removed");
    machine.up.take().expect("it runs").terminate();
}

fn is_of_marks(file: &Path) -> bool {
    let kind = file.extension().and_then(|kind| kind.to_str());
    kind.is_some_and(|kind| kind.contains("mrk"))
}

fn files_of(part: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(part).expect("it is there").flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect()
}

/// An incomplete backup can be repeated under its name, and the runbook of a full disk works as
/// printed.
pub fn interrupted_backups_are_written_again(engines: &Engines) {
    let mut machine = Machine::start(engines, "cut-off");
    machine.post(300);
    machine.is_exact();
    let backups = machine.data.join("clickhouse/data/backups");
    // A backup whose server was killed has a lock and no list of its contents.
    fs::create_dir_all(backups.join("b1")).expect("a folder can be made");
    write(&backups.join("b1"), ".lock", b"");
    let said = machine.run(&["backup", "b1"]);
    assert!(said.contains("written in"), "{said}");
    assert!(backups.join("b1/.backup").exists(), "it is whole");
    let again = machine
        .command(&["backup", "b1"])
        .output()
        .expect("it runs");
    assert!(!again.status.success(), "a whole backup keeps its name");
    // Without `up`, as with an external server: merges on a full disk leave empty mark files.
    let query = "SELECT path FROM system.parts WHERE database = 'affluenza' AND table = 'usage_events' AND active ORDER BY path FORMAT TSV";
    let part = PathBuf::from(&machine.access().rows(query)[0][0]);
    machine.up.take().expect("it runs").terminate();
    for file in files_of(&part).iter().filter(|file| is_of_marks(file)) {
        fs::write(file, "").expect("it can be emptied");
    }
    machine.run(&["audit", "--repair"]);
    machine.run(&["audit"]);
    machine.start_again();
    machine.is_exact();
    machine.up.take().expect("it runs").terminate();
}

/// Checks the engine settings that keep acknowledged events through a power cut.
pub fn acknowledged_records_are_on_the_disk(engines: &Engines) {
    let mut machine = Machine::start(engines, "synced");
    let rows = machine.access().rows(
        "SELECT name, value FROM system.merge_tree_settings WHERE name IN ('fsync_after_insert', 'fsync_part_directory', 'min_rows_to_fsync_after_merge', 'min_compressed_bytes_to_fsync_after_merge') FORMAT TSV",
    );
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row[1] == "1"), "{rows:?}");
    let metadata = "SELECT value FROM system.settings WHERE name = 'fsync_metadata'";
    assert_eq!(machine.count(metadata), Some(1));
    // No table overrides the setting.
    let otherwise = "SELECT count() FROM system.tables WHERE database = 'affluenza' AND create_table_query LIKE '%fsync%'";
    assert_eq!(machine.count(otherwise), Some(0));
    let broker = machine.said("Kafka       127.0.0.1");
    let broker = broker
        .split_whitespace()
        .nth(1)
        .expect("it names an address");
    assert_eq!(broker_setting(broker, "log.flush.interval.messages"), "1");
    machine.up.take().expect("it runs").terminate();
}

/// Reads a property of broker 1 with Kafka's DescribeConfigs request, version 1.
fn broker_setting(broker: &str, name: &str) -> String {
    fn text(value: &str) -> Vec<u8> {
        let length = u16::try_from(value.len()).expect("it is short");
        [&length.to_be_bytes(), value.as_bytes()].concat()
    }
    let mut body = vec![0, 32, 0, 1, 0, 0, 0, 7];
    body.extend(text("test"));
    body.extend([0, 0, 0, 1, 4]);
    body.extend(text("1"));
    body.extend([0, 0, 0, 1]);
    body.extend(text(name));
    body.push(0);
    let mut stream = TcpStream::connect(broker).expect("it listens");
    let length = u32::try_from(body.len()).expect("it is short");
    stream
        .write_all(&[&length.to_be_bytes(), body.as_slice()].concat())
        .expect("it can be written to");
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("it answers");
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).expect("it answers");
    let at = answer
        .windows(name.len())
        .position(|part| part == name.as_bytes());
    let rest = &answer[at.unwrap_or_else(|| panic!("{answer:?}")) + name.len()..];
    let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
    String::from_utf8_lossy(&rest[2..2 + length]).into_owned()
}
