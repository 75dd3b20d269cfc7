//! Creates, lists and revokes API keys, and prints the log of administrative access.

use affluenza_http::keys::{AdminAction, Key, KeyError, KeyStore, NewKey, Role, Scope};
use anyhow::{Context, Result, anyhow};
use comfy_table::{Table, presets};
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use crate::args::OutputFormat;
use crate::args::keys::{CreateKey, Keys};
use crate::commands::names::{GivenNames, known_ente};
use crate::output::{self, say};
use crate::settings::Settings;

pub fn run(settings: &Settings, what: &Keys) -> Result<()> {
    let store = KeyStore::new(settings.keys.file_in(&settings.engine.data));
    match what {
        Keys::Create(new) => create(&store, settings, new),
        Keys::List { format } => output::print(&listed(&store.list()?, *format)?),
        Keys::Revoke { id } => {
            let key = store.revoke(id)?;
            say(&format!("key {id} ({}) is revoked", key.name));
            Ok(())
        }
        Keys::Log { verify, format } => log(&store, *verify, *format),
    }
}

fn create(store: &KeyStore, settings: &Settings, new: &CreateKey) -> Result<()> {
    let enti = codes(settings, new)?;
    let expires = match new.days {
        None => None,
        Some(days) => Some(
            Timestamp::from_second(Timestamp::now().as_second())?
                .checked_add((i64::from(days) * 24).hours())
                .context("--days lies too far ahead")?,
        ),
    };
    let (key, secret) = store.create(NewKey {
        name: new.name.clone(),
        role: new.role,
        enti: scope(&enti),
        portals: scope(&new.portals),
        sources: scope(&new.sources),
        expires,
    })?;
    say(&format!(
        "key {} for {}, role {}, enti {}; this is the only time that it is shown:",
        key.id, key.name, key.role, key.enti
    ));
    let mut shown = shown(&key)?;
    shown["secret"] = secret.expose().into();
    output::print_as(new.format, secret.expose(), &shown)
}

/// Returns the codes of the enti of a new key, since keys hold codes as figures do. A writer may send
/// events of an ente before the register has it; another key would show nothing.
fn codes(settings: &Settings, new: &CreateKey) -> Result<Vec<String>> {
    if new.enti.is_empty() {
        return Ok(Vec::new());
    }
    let register = super::register(settings)?;
    let codes = new.enti.iter().map(|given| match new.role {
        Role::Writer => Ok(GivenNames(&register).ente(given)),
        Role::Reader | Role::Admin => known_ente(&register, given),
    });
    let codes = codes.map(|code| code.map(str::to_owned));
    codes.collect::<Result<_>>().with_context(|| {
        let file = &settings.register.file;
        match file.as_os_str().is_empty() {
            true => "no register.file is configured, and the example register is used".to_owned(),
            false => format!("register {}", file.display()),
        }
    })
}

/// Returns a key without the hash of its secret.
fn shown(key: &Key) -> Result<Value> {
    let mut shown = serde_json::to_value(key)?;
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("hash");
    }
    Ok(shown)
}

fn scope(codes: &[String]) -> Scope {
    if codes.is_empty() {
        Scope::All
    } else {
        Scope::of(codes.iter().map(String::as_str))
    }
}

fn listed(keys: &[Key], format: OutputFormat) -> Result<String> {
    if format == OutputFormat::Json {
        let list = keys.iter().map(shown).collect::<Result<Vec<_>>>()?;
        return Ok(serde_json::to_string_pretty(&list)?);
    }
    if keys.is_empty() {
        return Ok("no keys; `affluenza keys create NAME` creates one".to_owned());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["ID", "NAME", "ROLE", "ENTI", "CREATED", "STATE"]);
    let now = Timestamp::now();
    for key in keys {
        table.add_row([
            key.id.clone(),
            key.name.clone(),
            key.role.to_string(),
            key.enti.to_string(),
            key.created.to_string(),
            state(key, now),
        ]);
    }
    Ok(table.to_string())
}

fn state(key: &Key, now: Timestamp) -> String {
    match (key.revoked, key.expires) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) if at <= now => format!("expired {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "active".to_owned(),
    }
}

fn log(store: &KeyStore, verify: bool, format: OutputFormat) -> Result<()> {
    let entries = match store.verify() {
        Ok(entries) => entries,
        // Without --verify, print the log in spite of a damaged file of keys.
        Err(error @ KeyError::Damaged { .. }) if !verify => {
            say(&format!("warning: {error}"));
            store.log().verify()?
        }
        Err(error) => return Err(anyhow!("{error}")),
    };
    if verify {
        let head = store.log().head()?.unwrap_or_else(|| "none".to_owned());
        return output::print(&format!(
            "{} entries verified, newest hash {head}",
            entries.len()
        ));
    }
    let lines: Vec<String> = entries.iter().map(line).collect();
    output::print_as(format, &lines.join("\n"), &entries)
}

fn line(entry: &AdminAction) -> String {
    format!(
        "{}\t{}\t{}\t{}\t{}\t{}",
        entry.number, entry.at, entry.by, entry.action, entry.subject, entry.detail
    )
}
