use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Returns a token that SIGINT and SIGTERM cancel. A second signal exits at once, with the exit
/// code 128 + signal. `late` runs on its own thread if the process is still running after
/// `patience`. Call within the async runtime.
pub fn cancelled_by_signals(patience: Duration, late: fn()) -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let canceller = stop.clone();
    tokio::spawn(async move {
        loop {
            let number = tokio::select! {
                _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
                _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
            };
            if canceller.is_cancelled() {
                std::process::exit(128 + number);
            }
            tracing::info!("finishing work in progress; a second signal ends at once");
            canceller.cancel();
            std::thread::spawn(move || {
                std::thread::sleep(patience);
                late();
            });
        }
    });
    Ok(stop)
}
