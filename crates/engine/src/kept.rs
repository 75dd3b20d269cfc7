//! Keeps an engine running: restarts it when it ends or stops answering.
//!
//! - An engine whose process ends is restarted on the same ports and the same folder.
//! - An engine whose port refuses connections, or that gives no valid answer for a minute, is
//!   killed and restarted.
//! - A failed start is retried with backoff. After the last attempt the engine counts as lost.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::child::ChildExit;
use crate::ports::HealthAnswer;
use crate::{Engine, EngineError};

/// Pause between two health checks.
const LOOK: Duration = Duration::from_secs(5);
/// Consecutive refused connections before the engine is killed.
const REFUSALS_MAX: u32 = 2;
/// Consecutive checks without a valid answer before the engine is killed. Each may take five
/// seconds on top of the pause: a busy machine is not a broken engine.
const SILENCES_MAX: u32 = 12;
/// Consecutive failed starts before the engine is lost.
const ATTEMPTS_MAX: u32 = 10;
/// Backoff before a restart: doubles each time, up to the maximum.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Uptime after which the backoff returns to its minimum.
const STEADY: Duration = Duration::from_secs(60);

/// An engine that can be started, checked and stopped.
pub trait Startable: Sized + Send + Sync + 'static {
    /// Parameters of a start.
    type Recipe: Send + Sync + 'static;
    /// Engine name for messages.
    const ENGINE: Engine;
    /// Starts the engine.
    fn start_from(recipe: &Self::Recipe) -> impl Future<Output = Result<Self, EngineError>> + Send;
    /// Returns the recipe with the ports of this engine.
    #[must_use]
    fn keep_ports(&self, recipe: Self::Recipe) -> Self::Recipe;
    /// Returns the recipe with any free port.
    #[must_use]
    fn any_port(recipe: Self::Recipe) -> Self::Recipe;
    /// Checks once if the engine answers.
    fn look(&self) -> impl Future<Output = HealthAnswer> + Send;
    /// Resolves when the process has ended.
    fn ended(&self) -> impl Future<Output = ChildExit> + Send + 'static;
    /// Stops the engine cleanly, and kills it after `within`.
    fn stop_within(self, within: Duration) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Kills the engine and waits for its death.
    fn end_now(self) -> impl Future<Output = ()> + Send;
}

/// An engine that is kept running. Dropping it kills the engine.
#[derive(Debug)]
pub struct Kept {
    order: Option<oneshot::Sender<Duration>>,
    /// `None` after the loss of the engine has been reported.
    task: Option<JoinHandle<Result<(), EngineError>>>,
    restarts: watch::Receiver<u64>,
}

impl Kept {
    /// Keeps `engine`, which was started from `recipe`, running. Requires an async runtime.
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

    /// Number of restarts, as a watch channel.
    #[must_use]
    pub fn restarts(&self) -> watch::Receiver<u64> {
        self.restarts.clone()
    }

    /// Resolves once, with the cause, when the engine is lost. Cancel-safe.
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

    /// Stops the engine cleanly, and kills it after `within`. A lost engine is already stopped.
    ///
    /// # Errors
    /// The engine had to be killed.
    pub async fn stop_within(mut self, within: Duration) -> Result<(), EngineError> {
        if let Some(order) = self.order.take() {
            // The receiver is gone if the engine is lost.
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
            tracing::error!(cause, "{} is restarted", E::ENGINE);
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

    /// Kills the rest of the engine and restarts it, until a start succeeds or the last attempt
    /// fails.
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
        Ok(within) => engine.stop_within(within).await,
        // The handle was dropped without an order to stop.
        Err(_) => {
            engine.end_now().await;
            Ok(())
        }
    }
}

/// Checks the engine periodically. Returns the reason for a restart.
async fn until_it_fails<E: Startable>(engine: &E) -> String {
    let (mut refusals, mut silences) = (0, 0);
    loop {
        tokio::time::sleep(LOOK).await;
        match engine.look().await {
            HealthAnswer::Right => (refusals, silences) = (0, 0),
            HealthAnswer::Refused => refusals += 1,
            HealthAnswer::None => silences += 1,
        }
        if refusals >= REFUSALS_MAX {
            return format!("{} has closed its port", E::ENGINE);
        }
        if silences >= SILENCES_MAX {
            return format!("{} has not answered {silences} times in a row", E::ENGINE);
        }
    }
}
