//! Erases events by order.

use affluenza_pipeline::erase::{Order, erase, preview};
use affluenza_register::{Ente, Portal};
use affluenza_store::Store;
use anyhow::{Result, bail};

use crate::args::erase::Erase;
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
    let ente = register.ente(&args.ente);
    let given = args.portal.as_deref().unwrap_or_default();
    let portal = ente.and_then(|ente| register.portal(ente, given));
    for (what, code, is_known) in [
        ("public body", &*args.ente, ente.is_some()),
        ("portal", given, portal.is_some() || given.is_empty()),
    ] {
        if !is_known {
            output::say(&format!(
                "the register has no {what} {code:?}: searching for events with this code"
            ));
        }
    }
    let order = Order {
        // A code that the register does not know is used as given, because events may carry it.
        ente: ente.map_or(&*args.ente, Ente::code).to_owned(),
        portal: portal.map_or(given, Portal::code).to_owned(),
        days: period.days.start..=period.days.end.saturating_sub(1),
        reason,
    };
    let done = super::with_platform(settings, Needs::BOTH, async |platform, _| {
        work(platform, settings, &order, args.dry_run).await
    })?;
    output::print(&done)
}

async fn work(
    platform: &Platform,
    settings: &Settings,
    order: &Order,
    dry_run: bool,
) -> Result<String> {
    let store = Store::new(&platform.store);
    store.admin().check_schema().await?;
    if dry_run {
        let (facts, events) = preview(&store, order).await?;
        return Ok(format!(
            "{facts} facts and {events} events of the aggregates would be erased; nothing was changed"
        ));
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
    Ok(format!(
        "{} facts erased, erasure {}; the records stay in the log until its retention ends",
        erased.facts, erased.id
    ))
}
