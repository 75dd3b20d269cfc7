//! An engine that is started again when it ends or stops answering.
//!
//! - An engine whose process ends is started again on the same ports and the same folder.
//! - An engine whose port refuses connections, or that gives no right answer for a minute, is killed
//!   and started again.
//! - A start that fails is repeated after a pause. After the last attempt the engine counts as lost.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::cache::{ClickHouseLibrary, KafkaJars};
use crate::child::ChildExit;
use crate::ports::Answer;
use crate::{ClickHouse, ClickHouseSettings, Engine, EngineError, Kafka, KafkaSettings};

/// Pause between two looks at an engine.
const LOOK: Duration = Duration::from_secs(5);
/// Looks in a row that find the port closed, before the engine is killed.
const REFUSALS_MAX: u32 = 2;
/// Looks in a row without a right answer, before the engine is killed. Each may take five seconds
/// beside the pause: a busy machine is not a broken engine.
const SILENCES_MAX: u32 = 12;
/// Starts in a row that fail, before the engine is lost.
const ATTEMPTS_MAX: u32 = 10;
/// Pause before a start is repeated: doubled each time, up to the most.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// An engine that ran for this long ended by an accident of its own: it is started again at once.
const STEADY: Duration = Duration::from_secs(60);

/// How an engine is started, looked at and stopped.
pub trait Startable: Sized + Send + Sync + 'static {
    /// What a start needs.
    type Recipe: Send + Sync + 'static;
    /// Name for messages.
    const ENGINE: Engine;
    /// Starts it.
    fn start_from(recipe: &Self::Recipe) -> impl Future<Output = Result<Self, EngineError>> + Send;
    /// The same recipe with the ports that this engine has.
    #[must_use]
    fn keep_ports(&self, recipe: Self::Recipe) -> Self::Recipe;
    /// Looks once if it answers.
    fn look_once(&self) -> impl Future<Output = Answer> + Send;
    /// Resolves when its process has ended.
    fn ended(&self) -> impl Future<Output = ChildExit> + Send + 'static;
    /// Stops it cleanly, by force after `within`.
    fn end_within(self, within: Duration) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Kills it and waits for its death.
    fn end_now(self) -> impl Future<Output = ()> + Send;
}

impl Startable for Kafka {
    type Recipe = (KafkaSettings, KafkaJars);
    const ENGINE: Engine = Engine::Kafka;

    async fn start_from((settings, jars): &Self::Recipe) -> Result<Self, EngineError> {
        Self::start(settings, jars).await
    }

    fn keep_ports(&self, (mut settings, jars): Self::Recipe) -> Self::Recipe {
        settings.port = Some(self.port());
        (settings, jars)
    }

    async fn look_once(&self) -> Answer {
        self.look().await
    }

    fn ended(&self) -> impl Future<Output = ChildExit> + Send + 'static {
        self.exited()
    }

    async fn end_within(self, within: Duration) -> Result<(), EngineError> {
        self.stop_within(within).await
    }

    async fn end_now(self) {
        self.kill().await;
    }
}

impl Startable for ClickHouse {
    type Recipe = (ClickHouseSettings, ClickHouseLibrary);
    const ENGINE: Engine = Engine::ClickHouse;

    async fn start_from((settings, library): &Self::Recipe) -> Result<Self, EngineError> {
        Self::start(settings, library).await
    }

    fn keep_ports(&self, (mut settings, library): Self::Recipe) -> Self::Recipe {
        settings.http_port = Some(self.http_port());
        (settings, library)
    }

    async fn look_once(&self) -> Answer {
        self.look().await
    }

    fn ended(&self) -> impl Future<Output = ChildExit> + Send + 'static {
        self.exited()
    }

    async fn end_within(self, within: Duration) -> Result<(), EngineError> {
        self.stop_within(within).await
    }

    async fn end_now(self) {
        self.kill().await;
    }
}

/// A running engine that is kept running. Dropping it kills the engine.
#[derive(Debug)]
pub struct Kept {
    order: Option<oneshot::Sender<Duration>>,
    /// `None` once the engine is lost.
    task: Option<JoinHandle<Result<(), EngineError>>>,
    restarts: watch::Receiver<u64>,
}

impl Kept {
    /// Keeps `engine`, which was started from `recipe`, running. Call within an async runtime.
    pub fn keep<E: Startable>(engine: E, recipe: E::Recipe) -> Self {
        let recipe = engine.keep_ports(recipe);
        let (order, ordered) = oneshot::channel();
        let (counter, restarts) = watch::channel(0);
        let keeper = Keeper { recipe, counter };
        Self {
            order: Some(order),
            task: Some(tokio::spawn(keeper.run(engine, ordered))),
            restarts,
        }
    }

    /// Counts how often the engine was started again.
    #[must_use]
    pub fn restarts(&self) -> watch::Receiver<u64> {
        self.restarts.clone()
    }

    /// Resolves with the cause when the engine is lost, once. May be dropped and called again.
    pub async fn lost(&mut self) -> EngineError {
        if let Some(task) = &mut self.task {
            let result = task.await;
            self.task = None;
            match result {
                Ok(Err(error)) => return error,
                Ok(Ok(())) => {}
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
        std::future::pending().await
    }

    /// Stops the engine cleanly, by force after `within`. An engine that is lost is stopped already.
    ///
    /// # Errors
    /// It had to be killed.
    pub async fn stop_within(mut self, within: Duration) -> Result<(), EngineError> {
        if let Some(order) = self.order.take() {
            // Nobody listens when the engine is lost.
            let _ = order.send(within);
        }
        match self.task.take() {
            Some(task) => match task.await {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            },
            None => Ok(()),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

struct Keeper<R> {
    recipe: R,
    counter: watch::Sender<u64>,
}

impl<R: Send + Sync + 'static> Keeper<R> {
    async fn run<E: Startable<Recipe = R>>(
        self,
        mut engine: E,
        mut ordered: oneshot::Receiver<Duration>,
    ) -> Result<(), EngineError> {
        let mut pause = PAUSE_MIN;
        loop {
            let since = Instant::now();
            let cause = tokio::select! {
                order = &mut ordered => return stop(engine, order).await,
                exit = engine.ended() => exit.to_string(),
                cause = until_it_fails(&engine) => cause,
            };
            tracing::error!(cause, "{} is started again", E::ENGINE);
            if since.elapsed() >= STEADY {
                pause = PAUSE_MIN;
            }
            engine = tokio::select! {
                order = &mut ordered => {
                    drop(order);
                    return Ok(());
                }
                again = self.again(engine, &mut pause) => again?,
            };
            self.counter.send_modify(|count| *count += 1);
            tracing::warn!("{} runs again", E::ENGINE);
        }
    }

    /// Kills what is left of the engine and starts it again, until it runs or every attempt failed.
    async fn again<E: Startable<Recipe = R>>(
        &self,
        engine: E,
        pause: &mut Duration,
    ) -> Result<E, EngineError> {
        engine.end_now().await;
        let mut attempt = 1;
        loop {
            tokio::time::sleep(*pause).await;
            *pause = (*pause * 2).min(PAUSE_MAX);
            match E::start_from(&self.recipe).await {
                Ok(engine) => return Ok(engine),
                Err(error) if attempt == ATTEMPTS_MAX => return Err(error),
                Err(error) => {
                    tracing::error!(attempt, %error, "{} could not be started", E::ENGINE);
                }
            }
            attempt += 1;
        }
    }
}

async fn stop<E: Startable>(
    engine: E,
    order: Result<Duration, oneshot::error::RecvError>,
) -> Result<(), EngineError> {
    match order {
        Ok(within) => engine.end_within(within).await,
        // The keeper was dropped without an order.
        Err(_) => {
            engine.end_now().await;
            Ok(())
        }
    }
}

/// Looks at the engine again and again. Returns why it must be started again.
async fn until_it_fails<E: Startable>(engine: &E) -> String {
    let (mut refusals, mut silences) = (0, 0);
    loop {
        tokio::time::sleep(LOOK).await;
        match engine.look_once().await {
            Answer::Right => (refusals, silences) = (0, 0),
            Answer::Refused => refusals += 1,
            Answer::None => silences += 1,
        }
        if refusals >= REFUSALS_MAX {
            return format!("{} has closed its port", E::ENGINE);
        }
        if silences >= SILENCES_MAX {
            return format!(
                "{} has given no answer {silences} times in a row",
                E::ENGINE
            );
        }
    }
}
