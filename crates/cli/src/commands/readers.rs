//! Creates, lists and drops ClickHouse users for analysts.
//!
//! A server gets them by SQL. The local engine reads its users at its start only, so that those of this
//! machine are in a file of the data folder.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use affluenza_store::Store;
use affluenza_store::access::EnteReader;
use affluenza_store::readers::{ListedReader, is_reader_name};
use anyhow::{Context, Result, ensure};
use comfy_table::{Table, presets};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::args::readers::{CreateReader, Readers};
use crate::commands::names::known_ente;
use crate::output::{self, say};
use crate::platform::Needs;
use crate::settings::{ReaderSettings, Settings};

const PASSWORD_BYTES: usize = 24;
const NEXT_START: &str = "takes effect when `affluenza up` starts the next time";

pub fn run(settings: &Settings, what: &Readers) -> Result<()> {
    match what {
        Readers::Create(new) => create(settings, new),
        Readers::List { format } => {
            let readers = match LocalReaders::of(settings) {
                Some(file) => file.listed()?,
                None => on_server(settings, async |store| Ok(store.admin().readers().await?))?,
            };
            output::print_as(*format, &table(&readers), &readers)
        }
        Readers::Drop { user } => {
            match LocalReaders::of(settings) {
                Some(file) => {
                    file.remove(user)?;
                    say(&format!("user {user} is dropped; this {NEXT_START}"));
                }
                None => {
                    on_server(settings, async |store| {
                        Ok(store.admin().drop_reader(user).await?)
                    })?;
                    say(&format!("user {user} is dropped"));
                }
            }
            Ok(())
        }
    }
}

fn on_server<T>(settings: &Settings, work: impl AsyncFnOnce(&Store) -> Result<T>) -> Result<T> {
    super::with_platform(settings, Needs::CLICKHOUSE, async |platform, _| {
        let store = Store::new(&platform.store);
        store.admin().check_schema().await?;
        work(&store).await
    })
}

fn create(settings: &Settings, new: &CreateReader) -> Result<()> {
    let user = &new.user;
    ensure!(
        is_reader_name(user),
        "user {user:?}: use letters, digits and '_', and no reserved name"
    );
    ensure!(
        !settings.engine.readers.iter().any(|one| one.user == *user),
        "user {user}: `engine.readers` of the configuration has this name"
    );
    let register = super::register(settings)?;
    let codes = new
        .enti
        .iter()
        .map(|name| known_ente(&register, name).map(str::to_owned));
    let mut password = [0; PASSWORD_BYTES];
    getrandom::fill(&mut password)?;
    let password = hex::encode(password);
    let reader = EnteReader {
        user: user.clone(),
        password_sha256: hex::encode(Sha256::digest(&password)),
        enti: codes.collect::<Result<_>>()?,
    };
    let (before, note) = match LocalReaders::of(settings) {
        Some(file) => {
            let before = file.listed()?;
            file.add(&reader)?;
            (before, format!("; this {NEXT_START}"))
        }
        None => {
            let before = on_server(settings, async |store| {
                let before = store.admin().readers().await?;
                store.admin().create_reader(&reader).await?;
                Ok(before)
            })?;
            (before, String::new())
        }
    };
    if before.iter().any(|one| one.user == *user) {
        say(&format!(
            "user {user} existed: its enti are replaced, and its former password ends"
        ));
    }
    let database = reader.database(&settings.clickhouse.database);
    say(&format!(
        "user {user} with database {database}{note}. This is the only time that the password is shown:"
    ));
    let shown = json!({ "user": user, "password": password, "database": database });
    output::print_as(new.format, &password, &shown)
}

/// Readers of the local engine, as a file in the data folder.
pub struct LocalReaders(PathBuf);

impl LocalReaders {
    /// Returns the file; `None` if the configuration names a server.
    pub fn of(settings: &Settings) -> Option<Self> {
        let is_local = settings.clickhouse.url.is_empty();
        is_local.then(|| Self(settings.engine.data.join("readers.json")))
    }

    /// Reads the file; a missing one has no readers.
    pub fn read(&self) -> Result<Vec<ReaderSettings>> {
        let name = || self.0.display().to_string();
        match fs::read(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            text => Ok(serde_json::from_slice(&text.with_context(name)?).with_context(name)?),
        }
    }

    fn listed(&self) -> Result<Vec<ListedReader>> {
        let readers = self.read()?.into_iter();
        let listed = readers.map(|one| ListedReader {
            user: one.user,
            enti: one.enti,
        });
        Ok(listed.collect())
    }

    /// Adds a reader, or replaces the one of its name.
    fn add(&self, reader: &EnteReader) -> Result<()> {
        let mut readers = self.read()?;
        readers.retain(|one| one.user != reader.user);
        readers.push(ReaderSettings {
            user: reader.user.clone(),
            password_sha256: reader.password_sha256.clone(),
            enti: reader.enti.clone(),
        });
        readers.sort_by(|one, other| one.user.cmp(&other.user));
        self.write(&readers)
    }

    fn remove(&self, user: &str) -> Result<()> {
        let mut readers = self.read()?;
        let before = readers.len();
        readers.retain(|one| one.user != user);
        ensure!(
            readers.len() < before,
            "no user {user} was created: `affluenza readers list` lists those that were"
        );
        self.write(&readers)
    }

    /// Replaces the file, which its owner alone can read.
    fn write(&self, readers: &[ReaderSettings]) -> Result<()> {
        let name = || format!("{} cannot be written", self.0.display());
        let folder = self.0.parent().with_context(name)?;
        fs::create_dir_all(folder).with_context(name)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).with_context(name)?;
        file.write_all(&serde_json::to_vec_pretty(readers)?)
            .with_context(name)?;
        file.as_file().sync_all().with_context(name)?;
        file.persist(&self.0).with_context(name)?;
        Ok(())
    }
}

fn table(readers: &[ListedReader]) -> String {
    if readers.is_empty() {
        return "no users; `affluenza readers create NAME` creates one".to_owned();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["USER", "ENTI"]);
    for reader in readers {
        let enti = match reader.enti.is_empty() {
            true => "all".to_owned(),
            false => reader.enti.join(","),
        };
        table.add_row([reader.user.clone(), enti]);
    }
    table.to_string()
}
