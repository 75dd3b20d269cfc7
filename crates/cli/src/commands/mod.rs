//! Commands, from parsed arguments to printed results.

mod accept;
mod acts;
mod audit;
mod backup;
mod chain;
mod check_data;
mod check_events;
mod classify;
mod collect;
mod config;
mod consume;
mod dead_letters;
mod decide;
mod demo_keys;
mod doubts;
mod emit;
mod erase;
mod event_feed;
mod event_tail;
mod events;
mod figures;
mod import;
mod keys;
mod manual;
mod migrate;
mod names;
pub mod open_data;
mod ports;
mod present_findings;
mod previews;
mod public_index;
pub mod readers;
mod rebuild;
mod recover;
mod register;
mod register_files;
mod reload;
mod report;
mod rows;
mod serve;
mod simulate;
mod transactions;
mod up;
mod upkeep;
mod watch;
mod year;
mod zones;

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use affluenza_classify::device::{ConfiguredBots, DeviceRules, RuleFile};
use affluenza_classify::geo::Geo;
use affluenza_http::telemetry::trace::Tracing;
use affluenza_http::telemetry::{CancellationToken, cancelled_by_signals};
use affluenza_pipeline::Classifier;
use affluenza_register::Register;
use anyhow::{Context, Result, anyhow, ensure};
use tokio::net::TcpListener;

pub use self::check_events::CheckEvents;
pub use self::emit::Emit;
pub use self::events::FollowEvents;
use self::register_files::RegisterFiles;
pub use self::report::NoFigures;
use crate::args::{Args, Command, Import, RegisterCommand};
use crate::output;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// Exit code of a command that was stopped by force after a signal.
const EXIT_BY_FORCE: i32 = 1;

/// Runs a command.
pub fn run(args: Args) -> Result<()> {
    // These two work without a configuration, and with an invalid one.
    match &args.command {
        Command::Completions(wanted) => return manual::completions(wanted),
        Command::Man(wanted) => return manual::man(wanted),
        _ => {}
    }
    let mut settings = Settings::read(args.config.as_deref(), environment())?;
    if let Some(data) = args.data {
        settings.engine.data = data;
    }
    if let Some(filter) = args.log {
        settings.log.filter = filter;
    }
    if let Command::Config(what) = &args.command {
        return config::run(what, &settings);
    }
    settings.check()?;
    affluenza_http::telemetry::start_logging(settings.log.format, &settings.log.filter)
        .map_err(|problem| anyhow!(problem))?;
    check_data_folder(&settings, &args.command)?;
    let _tracing = start_tracing(&settings, &args.command)?;
    use_device_rules(&settings.classification.rules_dir)?;
    acts::note(&settings, &args.command)?;
    match args.command {
        Command::Up(up) => up::run(&settings, &up),
        Command::Collect(collect) => collect::run(&settings, &collect),
        Command::Consume(consume) => consume::run(&settings, &consume),
        Command::Serve(serve) => serve::run(&settings, &serve),
        Command::Simulate(simulate) => simulate::run(&settings, &simulate),
        Command::Import(Import::AccessLog(import)) => import::run(&settings, *import),
        Command::Import(Import::Figures(import)) => figures::import(&settings, &import),
        Command::CheckData(check) => check_data::run(&settings, &check),
        Command::Report(report) => report::run(&settings, &report),
        Command::CloseYear(close) => year::close(&settings, close.year.into(), &close.options),
        Command::CloseMonth(close) => year::close(&settings, close.month, &close.options),
        Command::VerifyYear(verify) => year::verify(&settings, &verify),
        Command::YearChanges(changes) => year::changes(&settings, &changes),
        Command::OpenData(open_data) => open_data::run(&settings, &open_data),
        Command::Audit(audit) => audit::run(&settings, &audit),
        Command::Accept(accept) => accept::run(&settings, &accept),
        Command::Rebuild(wanted) => rebuild::run(&settings, &wanted),
        Command::Erase(order) => erase::run(&settings, &order),
        Command::Backup(backup) => backup::backup(&settings, &backup),
        Command::Restore(restore) => backup::restore(&settings, &restore),
        Command::Classify(classify) => classify::run(&settings, &classify),
        Command::Emit(emit) => emit::run(&settings, &emit),
        Command::CheckEvents(check) => check_events::run(&settings, &check),
        Command::Events(events) => events::run(&settings, &events),
        Command::Migrate(migrate) => migrate::run(&settings, &migrate),
        Command::Register(what) => register::run(&settings, &what),
        Command::DeadLetters(what) => dead_letters::run(&settings, &what),
        Command::Keys(what) => keys::run(&settings, &what),
        Command::Readers(what) => readers::run(&settings, &what),
        Command::Config(_) | Command::Completions(_) | Command::Man(_) => Ok(()),
    }
}

/// Checks that a command which shows or changes stored data finds some, before anything is created: the
/// name of the folder may be mistyped.
fn check_data_folder(settings: &Settings, command: &Command) -> Result<()> {
    let needs = match command {
        Command::Report(_)
        | Command::CheckData(_)
        | Command::VerifyYear(_)
        | Command::YearChanges(_)
        | Command::OpenData(_)
        | Command::Backup(_)
        | Command::Import(Import::Figures(_))
        | Command::Register(RegisterCommand::Apply | RegisterCommand::Unresolved { .. }) => {
            Needs::CLICKHOUSE
        }
        Command::Audit(_)
        | Command::Accept(_)
        | Command::Rebuild(_)
        | Command::Erase(_)
        | Command::CloseYear(_)
        | Command::CloseMonth(_)
        | Command::Events(_) => Needs::BOTH,
        Command::DeadLetters(_) => Needs::KAFKA,
        _ => return Ok(()),
    };
    let folders = needs.local(settings).folders();
    let data = &settings.engine.data;
    ensure!(
        folders.is_empty() || folders.iter().any(|name| data.join(name).exists()),
        "there is no data in {}: name the folder of `affluenza up` with --data, or the servers in the configuration",
        data.display()
    );
    Ok(())
}

/// Starts tracing, for long-running commands only.
fn start_tracing(settings: &Settings, command: &Command) -> Result<Option<Tracing>> {
    let role = match command {
        Command::Up(_) => "up",
        Command::Collect(_) => "collect",
        Command::Consume(_) => "consume",
        Command::Serve(_) => "serve",
        _ => return Ok(None),
    };
    Tracing::start(&settings.trace, role).map_err(|problem| anyhow!(problem))
}

/// Returns the environment variables that are valid text.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Time for a command to end after a signal. Service managers and orchestrators kill after half a
/// minute or later.
const END_MAX: Duration = Duration::from_secs(25);

/// Ends a command that still waits for an unresponsive server. Nothing is lost: unfinished batches
/// are found again by their offset metadata, as after a kill.
fn end_by_force() {
    output::complain(&format!(
        "not ended {} s after the signal, because Kafka or ClickHouse does not answer: forced exit; unfinished work is repeated at the next start",
        END_MAX.as_secs()
    ));
    std::process::exit(EXIT_BY_FORCE);
}

/// Runs `work` to its end. Signals cancel its token.
fn with_runtime<T>(work: impl AsyncFnOnce(CancellationToken) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("threads cannot be started")?;
    let result = runtime.block_on(async {
        let stop =
            cancelled_by_signals(END_MAX, end_by_force).context("signals cannot be handled")?;
        work(stop).await
    });
    // The runtime ends with the process: abandoned tasks must not delay the exit, and a signal must
    // still end a command that writes its results.
    std::mem::forget(runtime);
    result
}

/// Runs `work` with Kafka and ClickHouse, and then stops those that this command started. Signals
/// cancel its token.
fn with_platform<T>(
    settings: &Settings,
    needs: Needs,
    work: impl AsyncFnOnce(&mut Platform, &CancellationToken) -> Result<T>,
) -> Result<T> {
    with_runtime(async |stop| {
        let mut platform = Platform::open(settings, needs).await?;
        let result = work(&mut platform, &stop).await;
        let closed = platform.close().await;
        // An engine that cannot stop is often a consequence of the command's error.
        let done = result?;
        closed?;
        Ok(done)
    })
}

/// Listens on a configured address. Port 0 stands for `default`, or for a free port if another
/// program holds that.
async fn listen(address: &str, default: u16) -> io::Result<TcpListener> {
    let Some(host) = address.strip_suffix(":0") else {
        return affluenza_http::listen(address).await;
    };
    match affluenza_http::listen(&format!("{host}:{default}")).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            output::say(&format!("port {default} is taken: a free one is used"));
            affluenza_http::listen(address).await
        }
        listening => listening,
    }
}

/// Reads the configured register.
fn register(settings: &Settings) -> Result<Register> {
    RegisterFiles::configured(settings).register
}

/// Builds the classifier of the configuration.
fn classifier(settings: &Settings) -> Result<Classifier> {
    Ok(first_classifier(settings, register(settings)?))
}

/// Builds the classifier of a start: with a geography database that cannot be read, countries stay
/// unknown.
fn first_classifier(settings: &Settings, register: Register) -> Classifier {
    let geo = geo(settings).unwrap_or_else(|error| {
        // Events without a country are better than no events.
        tracing::warn!(
            error = format!("{error:#}"),
            "no geography: countries stay unknown"
        );
        Geo::none()
    });
    classifier_with(settings, register, geo)
}

/// Reads the configured geography database.
fn geo(settings: &Settings) -> Result<Geo> {
    let database = &settings.geography.database;
    if database.as_os_str().is_empty() {
        return Ok(Geo::none());
    }
    let name = format!("geography database {}", database.display());
    let bytes = fs::read(database).with_context(|| name.clone())?;
    Geo::from_bytes(bytes).context(name)
}

/// Replaces built-in device rules by the files `*.rules` of this folder, if one is configured.
fn use_device_rules(folder: &Path) -> Result<()> {
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    let name = format!("device rules in {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| name.clone())? {
        let path = entry.with_context(|| name.clone())?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "rules")
        {
            let file = path.file_name().unwrap_or_default();
            files.push(RuleFile {
                name: file.to_string_lossy().into_owned(),
                text: fs::read_to_string(&path).with_context(|| path.display().to_string())?,
            });
        }
    }
    let rules = DeviceRules::read(&files).context(name)?;
    Ok(rules.use_everywhere()?)
}

fn classifier_with(settings: &Settings, register: Register, geo: Geo) -> Classifier {
    let own_bots = ConfiguredBots::new(&settings.classification.bots);
    Classifier::new(register, geo, own_bots)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn a_folder_without_data_is_named_and_not_created() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.engine.data = folder.path().join("mistyped");
        let checked = |settings: &Settings, line: &str| {
            let words = std::iter::once("affluenza").chain(line.split(' '));
            check_data_folder(settings, &Args::try_parse_from(words).unwrap().command)
        };
        let lines = [
            "report --year 2017",
            "audit",
            "events",
            "verify-year",
            "dead-letters list",
            "erase --ente a --reason b",
        ];
        for line in lines {
            let error = checked(&settings, line).unwrap_err().to_string();
            assert!(error.starts_with("there is no data in "), "{error}");
            assert!(error.contains("mistyped"), "{error}");
        }
        for line in ["up", "migrate", "simulate --focus 2017", "classify"] {
            checked(&settings, line).unwrap();
        }
        assert!(!settings.engine.data.exists());
        settings.clickhouse.url = "http://127.0.0.1:1".to_owned();
        checked(&settings, "report --year 2017").unwrap();
        checked(&settings, "audit").unwrap_err();
        fs::create_dir_all(settings.engine.data.join("kafka")).unwrap();
        for line in lines {
            checked(&settings, line).unwrap();
        }
    }

    #[tokio::test]
    async fn a_default_port_that_is_taken_is_replaced_and_a_chosen_one_is_not() {
        let holder = listen("127.0.0.1:0", 0).await.unwrap();
        let taken = holder.local_addr().unwrap().port();
        let other = listen("127.0.0.1:0", taken).await.unwrap();
        assert_ne!(other.local_addr().unwrap().port(), taken);
        let chosen = format!("127.0.0.1:{taken}");
        assert!(listen(&chosen, 1).await.is_err());
    }

    #[test]
    fn a_wrong_file_of_device_rules_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("notes.txt"), "not read").unwrap();
        fs::write(folder.path().join("bots.rules"), "# Ours.\n[bot bot.own]\n").unwrap();
        let error = output::chain(&use_device_rules(folder.path()).unwrap_err());
        assert!(
            error.contains("bots.rules:2: [bot bot.own] is no header"),
            "{error}"
        );
        fs::rename(
            folder.path().join("bots.rules"),
            folder.path().join("bot.rules"),
        )
        .unwrap();
        let error = output::chain(&use_device_rules(folder.path()).unwrap_err());
        assert!(
            error.contains("bot.rules: no file of rules has this name"),
            "{error}"
        );
    }
}
