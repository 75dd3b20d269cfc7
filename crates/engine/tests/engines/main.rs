//! Tests with real engines: start, use, stop, kill and restart.
//!
//! The engines re-execute the running program, so this test has its own `main`. In one of the tests
//! it is also the parent that gets killed.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test, which clippy cannot see without the usual harness"
)]

mod clickhouse;
mod kafka;
mod orphans;
mod procs;
mod wire;

use affluenza_engine::{Cache, ClickHouseLibrary, KafkaJars};
use libtest_mimic::{Arguments, Trial};

fn main() {
    affluenza_engine::run_if_child();
    if let Some(dir) = orphans::parent_folder() {
        return orphans::run_parent(&dir);
    }
    let args = Arguments::from_args();
    let trials = vec![
        trial("kafka: start, use, stop, restart, crash", kafka::life),
        trial(
            "clickhouse: start, use, stop, restart, crash",
            clickhouse::life,
        ),
        trial(
            "clickhouse: a token of a lost part is removed",
            clickhouse::lost_part,
        ),
        trial(
            "clickhouse: clients that ask during the start do not end it",
            clickhouse::asked_early,
        ),
        trial(
            "kill -9 of the parent leaves no process",
            orphans::none_is_left,
        ),
    ];
    libtest_mimic::run(&args, trials).exit();
}

fn trial(name: &str, run: fn()) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

fn jars() -> KafkaJars {
    Cache::from_env()
        .unwrap()
        .prepare_kafka(&|step| eprintln!("{step}"))
        .unwrap()
}

fn library() -> ClickHouseLibrary {
    Cache::from_env()
        .unwrap()
        .prepare_clickhouse(&|step| eprintln!("{step}"))
        .unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
