//! Notes administrative acts in the log of administrative access before they start. The log thus
//! shows every attempt, whatever its outcome.

use std::path::Path;

use affluenza_http::keys::KeyStore;
use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::args::readers::Readers;
use crate::args::{Command, DeadLetters, Import, RegisterCommand};
use crate::settings::Settings;

/// Action, subject and details of an act.
type Act = (&'static str, String, Value);

/// Notes a command that changes stored or published data.
pub fn note(settings: &Settings, command: &Command) -> Result<()> {
    let Some((action, subject, detail)) = act(command) else {
        return Ok(());
    };
    let file = settings.keys.file_in(&settings.engine.data);
    KeyStore::new(&file)
        .note(action, &subject, detail)
        .context("the log of administrative access cannot be written: nothing was done")
}

/// Returns the act of a command, if it is one. Key commands note their own acts; commands that only
/// read or only add events are not acts.
fn act(command: &Command) -> Option<Act> {
    Some(match command {
        Command::CloseYear(close) => (
            "year-close",
            close.year.to_string(),
            json!({ "restate": close.options.restate }),
        ),
        Command::CloseMonth(close) => (
            "month-close",
            close.month.to_string(),
            json!({ "restate": close.options.restate }),
        ),
        Command::Rebuild(rebuild) => {
            if rebuild.dry_run {
                return None;
            }
            let detail = json!({ "abandon": rebuild.abandon });
            ("rebuild", String::new(), detail)
        }
        Command::Erase(erase) => {
            // Without a reason, the order is refused right away.
            let reason = erase.reason.as_deref().unwrap_or_default();
            if erase.dry_run || reason.trim().is_empty() {
                return None;
            }
            let detail =
                json!({ "portal": erase.portal, "period": erase.period, "reason": erase.reason });
            ("erase", erase.ente.clone(), detail)
        }
        Command::Audit(audit) if audit.repair => (
            "repair",
            audit.period.clone().unwrap_or_default(),
            Value::Null,
        ),
        Command::Accept(accept) => {
            let (action, subject, reason) = accept.told();
            (action, subject, json!({ "reason": reason }))
        }
        Command::Register(RegisterCommand::Apply) => ("register-apply", String::new(), Value::Null),
        Command::DeadLetters(DeadLetters::Requeue(requeue)) if !requeue.dry_run => {
            let positions: Vec<String> =
                requeue.positions.iter().map(ToString::to_string).collect();
            let detail = json!({ "all": requeue.all, "corrected": requeue.corrected });
            ("dead-letters-requeue", positions.join(" "), detail)
        }
        Command::Import(Import::Figures(import)) => {
            if import.dry_run || import.list {
                return None;
            }
            let file = import.file.as_deref().unwrap_or(Path::new(""));
            let detail = json!({ "remove": import.remove });
            ("figures-import", file.display().to_string(), detail)
        }
        Command::Readers(Readers::Create(new)) => (
            "reader-create",
            new.user.clone(),
            json!({ "enti": new.enti }),
        ),
        Command::Readers(Readers::Drop { user }) => ("reader-drop", user.clone(), Value::Null),
        Command::OpenData(open_data) => (
            "open-data",
            open_data.year.to_string(),
            json!({ "out": open_data.out }),
        ),
        _ => return None,
    })
}
