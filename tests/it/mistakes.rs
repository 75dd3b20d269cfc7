//! Mistakes of operators: each causes one line that names the cause and the remedy.

use std::process::Command;

use affluenza_kafka::Cluster;

use crate::support::{Engines, program, stderr, write};

/// Runs `command`, which must fail with one line that contains all `words`.
fn fails(command: &mut Command, words: &[&str]) {
    let output = command.output().expect("the program runs");
    let said = stderr(&output);
    assert!(!output.status.success(), "{command:?} succeeded");
    let complaint = said.lines().last().unwrap_or_default();
    assert!(
        complaint.starts_with("affluenza: "),
        "{command:?} said: {said}"
    );
    for word in words {
        assert!(
            complaint.contains(word),
            "{command:?} does not say {word:?}: {complaint}"
        );
    }
    assert!(!said.contains("panicked"), "{said}");
}

pub fn each_has_one_clear_line(engines: &Engines) {
    let place = engines.place("mistakes");
    let folder = &place.folder;
    fails(
        &mut program(&["consmue"]),
        &["consmue", "consume", "--help"],
    );
    fails(&mut program(&["report"]), &["--year"]);
    fails(
        &mut program(&["report", "--year", "2017", "--lang", "xx"]),
        &["--lang", "it", "en"],
    );
    fails(
        &mut program(&["simulate", "--focus", "1999", "--to", "stdout"]),
        &["1999", "2016 or 2017"],
    );

    let missing = folder.join("missing.toml");
    fails(
        &mut program(&[
            "--config",
            missing.to_str().expect("plain"),
            "config",
            "check",
        ]),
        &["missing.toml", "No such file"],
    );
    let wrong = write(
        folder,
        "wrong.toml",
        b"[kafka]\nbootstrap_server = \"a:1\"\n",
    );
    fails(
        &mut program(&[
            "--config",
            wrong.to_str().expect("plain"),
            "config",
            "check",
        ]),
        &["wrong.toml", "bootstrap_server", "bootstrap_servers"],
    );
    let wrong = write(
        folder,
        "values.toml",
        b"[kafka]\npartitions = 0\n[clickhouse]\nurl = \"localhost:8123\"\n",
    );
    fails(
        &mut program(&[
            "--config",
            wrong.to_str().expect("plain"),
            "config",
            "check",
        ]),
        &["kafka.partitions", "clickhouse.url", "2 problem"],
    );
    let ports = write(
        folder,
        "ports.toml",
        b"[collect.http]\nlisten = \"127.0.0.1:9000\"\n[serve.http]\nlisten = \"127.0.0.1:9000\"\n",
    );
    let data = folder.join("mistyped");
    let of_data = ["--data", data.to_str().expect("plain")];
    for command in [&["config", "check"][..], &["up", "--once"]] {
        fails(
            program(&[&of_data[..], command].concat()).env("AFFLUENZA_CONFIG", &ports),
            &["collect.http.listen", "serve.http.listen", "9000"],
        );
    }
    for command in [&["report", "--year", "2017"][..], &["audit"], &["events"]] {
        fails(
            &mut program(&[&of_data[..], command].concat()),
            &["there is no data in", "mistyped", "--data"],
        );
    }
    fails(
        &mut program(&[&of_data[..], &["keys", "create", "a", "--ente", "Firenz"]].concat()),
        &["no ente \"Firenz\"", "did you mean \"Firenze\"?"],
    );
    assert!(!data.exists(), "a mistyped folder is not created");
    fails(
        program(&["classify"]).env("AFFLUENZA_LOG", "inof"),
        &["\"inof\"", "did you mean \"info\"?"],
    );
    for command in [&["--help"][..], &["config", "print"], &["man"]] {
        let full = std::fs::File::create("/dev/full").expect("it is there");
        fails(
            program(command).stdout(full),
            &["standard output cannot be written"],
        );
    }
    let wrong = write(folder, "register.toml", b"[[ente]]\ncode = \"x\"\n");
    fails(
        program(&["config", "check"]).env("AFFLUENZA__REGISTER__FILE", &wrong),
        &["register.toml", "name"],
    );

    let log = write(folder, "a.log.gz", b"\x1f\x8b\x08\x00garbage");
    let import = [
        "import",
        "access-log",
        "--ente",
        "firenze",
        "--portal",
        "www",
    ];
    fails(
        place.command(&import).arg(folder.join("none.log")),
        &["none.log"],
    );
    fails(place.command(&import).arg(&log), &["a.log.gz"]);

    let unreachable = [
        ("AFFLUENZA__KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1"),
        ("AFFLUENZA__CLICKHOUSE__URL", "http://127.0.0.1:1"),
    ];
    fails(
        program(&["report", "--year", "2017"]).envs(unreachable),
        &["127.0.0.1:1", "clickhouse.url"],
    );
    fails(
        place
            .command(&["report", "--year", "2017"])
            .env("AFFLUENZA__CLICKHOUSE__PASSWORD", "wrong"),
        &["clickhouse.password"],
    );
    fails(
        &mut place.command(&["report", "--year", "2017"]),
        &["affluenza migrate"],
    );

    // Engines that cannot start. Without PATH the program finds no Java.
    let data = folder.join("engines");
    let mut without_java = program(&["up", "--once"]);
    without_java
        .env("AFFLUENZA_DATA", &data)
        .env("PATH", "")
        .env_remove("JAVA_HOME");
    fails(&mut without_java, &["Java", "17"]);
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
    let port = taken
        .local_addr()
        .expect("it has an address")
        .port()
        .to_string();
    let mut blocked = program(&["up", "--once"]);
    blocked
        .env("AFFLUENZA_DATA", &data)
        .env("AFFLUENZA__ENGINE__CLICKHOUSE_HTTP_PORT", &port);
    fails(&mut blocked, &[&port]);
    let mut no_folder = program(&["up", "--once"]);
    no_folder.env("AFFLUENZA_DATA", "/proc/affluenza");
    fails(&mut no_folder, &["/proc/affluenza"]);
}

pub fn alarms_instead_of_guesses(engines: &Engines) {
    let place = engines.place("alarms");
    place.run(&["migrate"]);
    let bus = place.bus();
    place.run(&["simulate", "--focus", "2016", "--scale", "0.001"]);
    place.run(&["consume", "--once"]);
    let stored = place.count("SELECT count() FROM usage_events");

    // A table with a small deduplication window cannot guarantee exactly-once.
    let window = |inserts: u32| {
        let statement = format!(
            "ALTER TABLE usage_hourly MODIFY SETTING non_replicated_deduplication_window = {inserts}"
        );
        place
            .wait(place.store().admin().run_statement(&statement))
            .expect("the setting can be changed");
    };
    window(100);
    fails(
        &mut place.command(&["consume", "--once"]),
        &["usage_hourly", "100 inserts", "ALTER TABLE"],
    );
    window(100_000);

    // A recreated topic has other records at the same offsets.
    let cluster = Cluster::new(&bus).expect("Kafka can be asked");
    place
        .wait(cluster.delete_topic(&bus.topic))
        .expect("the topic can be deleted");
    place.run(&["migrate"]);
    place.run(&["simulate", "--focus", "2016", "--scale", "0.002"]);
    fails(
        &mut place.command(&["consume", "--once"]),
        &["created again", "--accept-new-stream"],
    );
    place.run(&["consume", "--once", "--accept-new-stream"]);

    // A group without offsets must not restart from the beginning.
    let mut again = place.command(&["consume", "--once"]);
    again.env("AFFLUENZA__KAFKA__GROUP", "alarms-third");
    fails(&mut again, &["partition", "ledger reaches to"]);
    assert_eq!(
        place.count("SELECT count() FROM (SELECT identity FROM usage_events GROUP BY identity HAVING count() > 1)"),
        0,
        "no event twice, whatever the log"
    );
    assert!(place.count("SELECT count() FROM usage_events") > stored);
}
