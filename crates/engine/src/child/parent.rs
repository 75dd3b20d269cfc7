//! Parent side: starts the holder process of an engine and watches it.
#![expect(
    unsafe_code,
    reason = "the session and the lock are set between fork and exec"
)]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::future::Future;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use rustix::io::FdFlags;
use rustix::process::{Pid, PidfdFlags, Signal};
use tokio::sync::watch;

use super::report::{KILL, ReportLine};
use super::{ChildExit, ExitStatus, HIDDEN};
use crate::folder::DataDir;
use crate::logs::{self, LOGS};
use crate::{Engine, EngineError};

/// Extra time for the holder to end, after the engine's grace time.
const MARGIN: Duration = Duration::from_secs(5);
/// Timeout for the holder's report that the engine has started.
const HELD_WITHIN: Duration = Duration::from_secs(60);
/// Environment variable of every holder. A program that finds it here was executed as a holder but
/// did not call `run_if_child`.
const MARK: &str = "AFFLUENZA_ENGINE_CHILD";
/// Maximum time for which dropping a running engine waits for its death.
const DROP_MAX: Duration = Duration::from_secs(2);

/// Parameters of an engine start.
pub(crate) struct Launch<'a> {
    pub engine: Engine,
    /// [`super::SUPERVISE`] or [`super::HOST`].
    pub mode: &'static str,
    /// Program or library of the engine.
    pub target: &'a OsStr,
    pub args: Vec<OsString>,
    /// Time zone of the engine, if it matters.
    pub timezone: Option<&'a str>,
    pub folder: &'a DataDir,
    /// File in the log folder for the engine's standard output and error.
    pub console: &'static str,
    /// File in the log folder that may show why the engine ended.
    pub other_log: &'static str,
    /// Time limit for a clean stop.
    pub grace: Duration,
}

#[derive(Debug, Clone, Default)]
struct State {
    server: Option<u32>,
    exit: Option<ChildExit>,
}

/// A running engine. Dropping it kills the engine.
#[derive(Debug)]
pub(crate) struct Child {
    engine: Engine,
    /// Process id of the engine.
    pub pid: u32,
    lifeline: Option<ChildStdin>,
    /// Process file descriptor of the holder, which is safe against reuse of the process id.
    holder: OwnedFd,
    state: watch::Receiver<State>,
    /// Disconnects when the holder is dead and reaped. The mutex makes the receiver `Sync`.
    buried: Mutex<mpsc::Receiver<()>>,
}

fn not_ready(engine: Engine, waited: Duration, log: PathBuf) -> EngineError {
    EngineError::NotReady {
        engine,
        waited,
        log,
    }
}

fn not_spawned(program: &Path) -> impl FnOnce(io::Error) -> EngineError + '_ {
    move |cause| EngineError::Spawn {
        program: program.to_owned(),
        cause,
    }
}

impl Child {
    /// Starts the holder, and waits until it has started the engine.
    pub(crate) async fn launch(launch: Launch<'_>) -> Result<Self, EngineError> {
        let logs = launch.folder.sub(LOGS)?;
        let console = logs.join(launch.console);
        logs::rotate(&console)?;
        let executable = running_executable();
        if std::env::var_os(MARK).is_some() {
            // Without this check the program would start itself without end.
            let cause = io::Error::other("its main does not begin with run_if_child");
            return Err(not_spawned(&executable)(cause));
        }
        let mut command = Command::new(&executable);
        command.env(MARK, "1");
        command.args([HIDDEN, launch.mode]);
        command.arg(launch.grace.as_millis().to_string());
        command.arg(launch.target);
        command.args(launch.args);
        command.envs(launch.timezone.map(|zone| ("TZ", zone)));
        command.current_dir(launch.folder.path());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(logs::append(&console)?);
        let lock = launch.folder.lock_file().try_clone();
        let lock = lock.map_err(not_spawned(&executable))?;
        // SAFETY: only system calls run between fork and exec; nothing allocates or locks.
        unsafe {
            command.pre_exec(move || enter_session(&lock));
        }
        let mut child = command.spawn().map_err(not_spawned(&executable))?;
        let holder = rustix::process::pidfd_open(Pid::from_child(&child), PidfdFlags::empty())
            .map_err(|errno| not_spawned(&executable)(errno.into()))?;
        let lifeline = child.stdin.take();

        let files = [launch.other_log, launch.console].map(|name| logs.join(name));
        let (sender, state) = watch::channel(State::default());
        let (burial, buried) = mpsc::channel();
        let engine = launch.engine;
        std::thread::Builder::new()
            .name(format!("{engine} watch"))
            .spawn(move || {
                watch_over(child, &sender, |status, words| {
                    let mut exit = ChildExit {
                        logs,
                        ..ChildExit::unknown(engine)
                    };
                    exit.status = status;
                    for end in files.iter().map(|log| logs::tail(log)) {
                        exit.last_lines.extend(end.last);
                        exit.troubles.extend(end.troubles);
                    }
                    exit.last_lines.extend(words.clone());
                    exit.troubles.extend(words);
                    exit
                });
                drop(burial);
            })
            .map_err(not_spawned(&executable))?;
        let mut child = Self {
            engine,
            pid: 0,
            lifeline,
            holder,
            state,
            buried: Mutex::new(buried),
        };
        child.pid = child.server_pid(console).await?;
        Ok(child)
    }

    /// Waits for the process id of the engine.
    async fn server_pid(&self, console: PathBuf) -> Result<u32, EngineError> {
        let (engine, mut state) = (self.engine, self.state.clone());
        let started = state.wait_for(|state| state.server.is_some() || state.exit.is_some());
        let started = tokio::time::timeout(HELD_WITHIN, started).await;
        let state = started.map(|state| state.map(|state| state.clone()).unwrap_or_default());
        let state = state.map_err(|_| not_ready(engine, HELD_WITHIN, console))?;
        let exit = state.exit.unwrap_or_else(|| ChildExit::unknown(engine));
        state.server.ok_or(EngineError::Exited(exit))
    }

    /// Waits until `ready` resolves. Fails if the engine ends before, and kills it after `within`;
    /// `log` then has the reason.
    pub(crate) async fn ready_within<T>(
        self,
        within: Duration,
        log: PathBuf,
        ready: impl Future<Output = T>,
    ) -> Result<(Self, T), EngineError> {
        tokio::select! {
            exit = self.exited() => Err(EngineError::Exited(exit)),
            ready = tokio::time::timeout(within, ready) => match ready {
                Ok(ready) => Ok((self, ready)),
                Err(_) => {
                    let engine = self.engine;
                    self.kill().await;
                    Err(not_ready(engine, within, log))
                }
            },
        }
    }

    /// Resolves when the engine has ended, for any reason.
    pub(crate) fn exited(&self) -> impl Future<Output = ChildExit> + Send + 'static {
        let mut state = self.state.clone();
        let lost = ChildExit::unknown(self.engine);
        async move {
            loop {
                if let Some(exit) = state.borrow_and_update().exit.clone() {
                    return exit;
                }
                if state.changed().await.is_err() {
                    return lost;
                }
            }
        }
    }

    /// Stops the engine cleanly, and kills it after `within`. A frozen process cannot react to the
    /// closed lifeline, so its holder is killed from here. `codes` are the exit codes of a clean
    /// stop.
    pub(crate) async fn stop(mut self, within: Duration, codes: &[i32]) -> Result<(), EngineError> {
        if let Some(exit) = self.ended() {
            return Err(EngineError::Exited(exit));
        }
        drop(self.lifeline.take());
        let late = EngineError::NotStopped {
            engine: self.engine,
            waited: within,
        };
        match tokio::time::timeout(within, self.exited()).await {
            Ok(exit) => match exit.status {
                ExitStatus::Signal(9) => Err(late),
                ExitStatus::Code(code) if codes.contains(&code) => Ok(()),
                _ => Err(EngineError::Exited(exit)),
            },
            Err(_) => {
                self.kill_holder();
                self.exited().await;
                Err(late)
            }
        }
    }

    /// Kills the engine at once, like `kill -9`, and waits for its death.
    pub(crate) async fn kill(mut self) {
        self.send_kill();
        if tokio::time::timeout(MARGIN, self.exited()).await.is_err() {
            self.kill_holder();
            self.exited().await;
        }
    }

    fn ended(&self) -> Option<ChildExit> {
        self.state.borrow().exit.clone()
    }

    fn send_kill(&mut self) {
        if let Some(mut lifeline) = self.lifeline.take() {
            let _ = writeln!(lifeline, "{KILL}");
        }
    }

    fn kill_holder(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.holder, Signal::KILL);
    }

    fn is_reaped_within(&mut self, time: Duration) -> bool {
        // The channel carries no messages; it disconnects when the watch thread ends.
        match self.buried.get_mut() {
            Ok(buried) => buried.recv_timeout(time) == Err(mpsc::RecvTimeoutError::Disconnected),
            Err(_) => false,
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        self.send_kill();
        if !self.is_reaped_within(DROP_MAX) {
            self.kill_holder();
            self.is_reaped_within(DROP_MAX);
        }
    }
}

/// Path of the running program, even if a newer build has replaced its file.
fn running_executable() -> PathBuf {
    match std::env::current_exe() {
        Ok(path) if path.exists() => path,
        _ => PathBuf::from("/proc/self/exe"),
    }
}

/// Leaves the terminal's session and lets `exec` pass on the lock.
fn enter_session(lock: &File) -> std::io::Result<()> {
    rustix::process::setsid()?;
    rustix::io::fcntl_setfd(lock, FdFlags::empty())?;
    Ok(())
}

/// Reads the holder's reports until it ends, then reaps it.
fn watch_over(
    mut child: std::process::Child,
    state: &watch::Sender<State>,
    exit: impl FnOnce(ExitStatus, Option<String>) -> ChildExit,
) {
    let mut told = None;
    let mut words = None;
    if let Some(reports) = child.stdout.take() {
        for line in BufReader::new(reports).lines().map_while(Result::ok) {
            match ReportLine::parse(&line) {
                Some(ReportLine::Pid(pid)) => state.send_modify(|state| state.server = Some(pid)),
                Some(ReportLine::Exit(status)) => told = Some(status),
                Some(ReportLine::Error(text)) => words = Some(text),
                None => {}
            }
        }
    }
    let own = child.wait().map_or(ExitStatus::Unknown, ExitStatus::from);
    // The engine's status takes precedence over that of the holder, which may have died first.
    let exit = exit(told.unwrap_or(own), words);
    state.send_modify(|state| state.exit = Some(exit));
}
