//! Erases events by order.

use affluenza_pipeline::erase::{Order, erase, preview};
use affluenza_store::Store;
use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::args::erase::Erase;
use crate::commands::names::GivenNames;
use crate::output;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

pub fn run(settings: &Settings, args: &Erase) -> Result<()> {
    let period = super::audit::period_of(args.period.as_deref())?;
    let reason = args.reason.clone().unwrap_or_default();
    if !args.dry_run && reason.trim().is_empty() {
        bail!("--reason is empty: say who ordered it and on what ground");
    }
    let register = super::register(settings)?;
    let names = GivenNames(&register);
    let ente = names.ente(&args.ente);
    let portal = args.portal.as_deref();
    let portal = portal.map_or("", |given| names.portal(ente, given));
    let order = Order {
        ente: ente.to_owned(),
        portal: portal.to_owned(),
        days: period.days.start..=period.days.end.saturating_sub(1),
        reason,
    };
    let done = super::with_platform(settings, Needs::BOTH, async |platform, _| {
        work(platform, settings, &order, args.dry_run).await
    })?;
    output::print_as(args.format, &done.text, &done.value)
}

/// Result of the command, for people and for programs.
struct Done {
    text: String,
    value: Value,
}

async fn work(
    platform: &Platform,
    settings: &Settings,
    order: &Order,
    dry_run: bool,
) -> Result<Done> {
    let store = Store::new(&platform.store);
    store.admin().check_schema().await?;
    if dry_run {
        let (facts, events) = preview(&store, order).await?;
        return Ok(Done {
            text: format!(
                "{facts} facts and {events} events of the aggregates would be erased; nothing was changed"
            ),
            value: json!({ "dry_run": true, "facts": facts, "events": events }),
        });
    }
    let mut classifier = super::classifier(settings)?;
    let (erased, compared) = erase(&store, &platform.bus, &mut classifier, order).await?;
    if !compared.failures.is_empty() {
        bail!(
            "{} facts erased (erasure {}), but the accounts do not balance: see `affluenza audit`",
            erased.facts,
            erased.id
        );
    }
    Ok(Done {
        text: format!(
            "{} facts erased, erasure {}; the records stay in the log for its retention, which has no limit by default",
            erased.facts, erased.id
        ),
        value: json!({ "dry_run": false, "facts": erased.facts, "erasure": erased.id }),
    })
}
