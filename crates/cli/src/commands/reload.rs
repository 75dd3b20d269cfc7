//! A register that is replaced while a service runs.

use std::time::Duration;

use affluenza_register::Register;
use affluenza_telemetry::Stop;
use anyhow::Result;

use crate::settings::Settings;

/// Pause between two looks at the register's file.
const LOOK: Duration = Duration::from_secs(5);

/// Hands a replaced register to `take`, until `stop` is told. One that cannot be used leaves the
/// old one in force.
pub async fn register(settings: Settings, take: impl Fn(Register) -> Result<()>, stop: Stop) {
    let stamp = || {
        let metadata = std::fs::metadata(&settings.register.file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    let mut seen = stamp();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.told() => return,
        }
        let found = stamp();
        if found == seen {
            continue;
        }
        seen = found;
        let taken = tokio::task::block_in_place(|| super::register(&settings)).and_then(&take);
        match taken {
            Ok(()) => tracing::info!("a replaced register is in force"),
            Err(error) => tracing::error!(
                error = format!("{error:#}"),
                "a replaced register cannot be used: the old one stays in force"
            ),
        }
    }
}
