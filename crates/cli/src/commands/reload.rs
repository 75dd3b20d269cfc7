//! Reloads the register while a service runs.

use affluenza_http::telemetry::{CancellationToken, Files};
use affluenza_register::Register;

use crate::settings::Settings;

/// Passes each new version of the register to `take`, until `stop` is triggered. An invalid file
/// leaves the old register in use.
pub async fn register(settings: Settings, take: impl Fn(Register), stop: CancellationToken) {
    let mut files = Files::new([settings.register.file.clone()]);
    while files.were_replaced(&stop).await {
        match tokio::task::block_in_place(|| super::register(&settings)) {
            Ok(register) => {
                take(register);
                tracing::info!("a replaced register is active");
            }
            Err(error) => tracing::error!(
                error = format!("{error:#}"),
                "a replaced register cannot be used: the old one stays active"
            ),
        }
    }
}
