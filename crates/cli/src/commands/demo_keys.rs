//! Keys of the demo, for trying the collector and the API.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use affluenza_http::keys::{KeyRing, KeyStore, NewKey, Role};
use anyhow::{Context, Result};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::output::shell_word;
use crate::settings::Settings;

/// Time for which the keys are valid, in days.
const DAYS: i64 = 30;

/// Keys of the demo, in a form for a command line: the keys on a terminal, and otherwise commands
/// that read them from their files, because standard error may be a journal.
pub struct DemoKeys {
    pub writer: String,
    pub reader: String,
    /// Day on which the older of the keys ends, in UTC.
    pub until: Date,
}

impl DemoKeys {
    /// Reads the keys of the data folder. Creates those that are missing or have ended.
    pub fn open(settings: &Settings) -> Result<Self> {
        let writer = DemoKey::open(settings, Role::Writer)?;
        let reader = DemoKey::open(settings, Role::Reader)?;
        Ok(Self {
            until: TimeZone::UTC
                .to_datetime(writer.until.min(reader.until))
                .date(),
            writer: writer.shown,
            reader: reader.shown,
        })
    }
}

struct DemoKey {
    shown: String,
    until: Timestamp,
}

impl DemoKey {
    fn open(settings: &Settings, role: Role) -> Result<Self> {
        let keys = settings.keys.file_in(&settings.engine.data);
        let file = settings.engine.data.join(format!("demo-{role}-key"));
        let known = fs::read_to_string(&file).ok();
        let known = known.and_then(|secret| {
            let key = KeyRing::open(keys.clone())
                .ok()?
                .check(secret.trim())
                .ok()?;
            Some((secret, key.expires?))
        });
        let (secret, until) = match known {
            Some(known) => known,
            None => {
                let until = Timestamp::from_second(Timestamp::now().as_second())?
                    .checked_add((DAYS * 24).hours())
                    .context("the clock is wrong")?;
                // The file is made first, so that no key is left that nobody has.
                let mut private =
                    private_file(&file).with_context(|| file.display().to_string())?;
                let (_, secret) = KeyStore::new(keys).create(NewKey {
                    expires: Some(until),
                    ..NewKey::new(format!("demo {role}"), role)
                })?;
                writeln!(private, "{}", secret.expose())
                    .with_context(|| file.display().to_string())?;
                (secret.expose().to_owned(), until)
            }
        };
        let shown = match io::stderr().is_terminal() {
            true => secret.trim().to_owned(),
            false => format!("$(cat {})", shell_word(&file.display().to_string())),
        };
        Ok(Self { shown, until })
    }
}

/// Creates a file that its owner alone can read, in place of an old one.
fn private_file(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}
