//! Keys as used by an administrator and by a service.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use affluenza_http::keys::{
    BrokenLog, KeyError, KeyRefusal, KeyRing, KeyStore, NewKey, Role, Scope, Sessions,
};
use jiff::{SignedDuration, Timestamp, ToSpan};

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("keys.toml");
    (folder, file)
}

fn reader(name: &str, enti: &[&str]) -> NewKey {
    NewKey {
        enti: Scope::of(enti.iter().copied()),
        ..NewKey::new(name, Role::Reader)
    }
}

#[test]
fn a_key_is_accepted_until_it_is_revoked() {
    let (_folder, file) = place();
    let store = KeyStore::new(&file);
    let ring = KeyRing::open(&file).unwrap();
    assert!(ring.is_empty());
    let (key, secret) = store.create(reader("a", &["firenze"])).unwrap();
    ring.reload();
    assert_eq!(*ring.check(secret.expose()).unwrap(), key);
    assert!(key.enti.covers("firenze") && !key.enti.covers("prato"));
    assert_eq!(key.role, Role::Reader);

    store.revoke(&key.id).unwrap();
    ring.reload();
    assert_eq!(ring.check(secret.expose()), Err(KeyRefusal::Revoked));
    assert!(matches!(
        store.revoke(&key.id),
        Err(KeyError::Revoked { .. })
    ));
    assert!(matches!(
        store.revoke("00000000"),
        Err(KeyError::Unknown { .. })
    ));
}

#[test]
fn a_session_stands_for_its_key_until_it_ends() {
    let (folder, file) = place();
    let store = KeyStore::new(&file);
    let (key, secret) = store.create(reader("a", &["firenze"])).unwrap();
    let ring = KeyRing::open(&file).unwrap();
    let path = folder.path().join("session-secret");
    let [over, short, long] = [-1, 600, 6000]
        .map(|seconds| Sessions::open(&path, SignedDuration::from_secs(seconds)).unwrap());
    let session = short.begin(&ring, secret.expose()).unwrap();
    // Every server that has the file accepts it.
    for sessions in [&short, &long] {
        assert_eq!(*sessions.check(&ring, &session).unwrap(), key);
    }
    assert_eq!(ring.check(&session), Err(KeyRefusal::Malformed));
    assert_eq!(short.begin(&ring, &session), Err(KeyRefusal::Malformed));
    for (sessions, other) in [(&over, &short), (&long, &short)] {
        let session = sessions.begin(&ring, secret.expose()).unwrap();
        assert_eq!(other.check(&ring, &session), Err(KeyRefusal::SessionEnded));
    }

    let (id, rest) = session.split_once('.').unwrap();
    let (until, mark) = rest.split_once('.').unwrap();
    let prolonged = format!("{id}.{}.{mark}", until.parse::<i64>().unwrap() + 1);
    assert_eq!(long.check(&ring, &prolonged), Err(KeyRefusal::SessionEnded));
    for damaged in ["", "a.b.c", &session[..session.len() - 1]] {
        let refused = short.check(&ring, damaged);
        assert_eq!(refused, Err(KeyRefusal::Malformed), "{damaged}");
    }
    store.revoke(&key.id).unwrap();
    ring.reload();
    assert_eq!(short.check(&ring, &session), Err(KeyRefusal::Revoked));
}

#[test]
fn a_session_that_was_ended_is_refused_by_all_who_share_the_file() {
    let (folder, file) = place();
    let (_, secret) = KeyStore::new(&file)
        .create(reader("a", &["firenze"]))
        .unwrap();
    let ring = KeyRing::open(&file).unwrap();
    let path = folder.path().join("session-secret");
    let open = || Sessions::open(&path, SignedDuration::from_secs(600)).unwrap();
    let sessions = open();
    let [copied, other] = [(); 2].map(|()| sessions.begin(&ring, secret.expose()).unwrap());
    let forged = format!("{copied}0");
    assert_eq!(sessions.end(&ring, &forged), Err(KeyRefusal::Malformed));
    assert_eq!(sessions.end(&ring, &copied), Ok(()));
    for server in [&sessions, &open()] {
        for refused in [
            server.check(&ring, &copied).map(drop),
            server.end(&ring, &copied),
        ] {
            assert_eq!(refused, Err(KeyRefusal::SessionEnded));
        }
        assert!(server.check(&ring, &other).is_ok());
    }
    fs::write(path.with_extension("ended"), "x").unwrap();
    let damaged = Sessions::open(&path, SignedDuration::from_secs(600));
    assert!(matches!(damaged, Err(KeyError::Damaged { .. })));
}

/// A copy of the key file is not enough: the secret of the sessions is in a separate file.
#[test]
fn a_session_needs_the_secret_and_a_readers_key() {
    let (folder, file) = place();
    let store = KeyStore::new(&file);
    let (_, secret) = store.create(reader("a", &["firenze"])).unwrap();
    let ring = KeyRing::open(&file).unwrap();
    let hour = SignedDuration::from_hours(1);
    let open = |name| Sessions::open(&folder.path().join(name), hour);
    let sessions = open("session-secret").unwrap();
    let mode = fs::metadata(folder.path().join("session-secret")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let forged = open("another").unwrap();
    let forged = forged.begin(&ring, secret.expose()).unwrap();
    assert_eq!(
        sessions.check(&ring, &forged),
        Err(KeyRefusal::SessionEnded)
    );
    // Without a folder that can be written, a session lasts as long as the process.
    let alone = open("keys.toml/session-secret");
    assert!(matches!(alone, Err(KeyError::Io { .. })));
    let (alone, other) = (open("/proc/none").unwrap(), open("/proc/none").unwrap());
    let session = alone.begin(&ring, secret.expose()).unwrap();
    assert!(alone.check(&ring, &session).is_ok() && other.check(&ring, &session).is_err());
    assert!(matches!(open("keys.toml"), Err(KeyError::Damaged { .. })));
    for role in [Role::Writer, Role::Admin] {
        let (_, secret) = store.create(NewKey::new("b", role)).unwrap();
        ring.reload();
        let refused = sessions.begin(&ring, secret.expose());
        assert_eq!(refused, Err(KeyRefusal::NoReader));
    }
}

#[test]
fn a_running_ring_loads_a_new_key() {
    let (_folder, file) = place();
    let store = KeyStore::new(&file);
    let ring = KeyRing::open(&file).unwrap();
    let (_, secret) = store.create(reader("a", &["firenze"])).unwrap();
    let began = std::time::Instant::now();
    while ring.check(secret.expose()).is_err() {
        assert!(began.elapsed().as_secs() < 20, "the key was not loaded");
        std::thread::yield_now();
    }
}

#[test]
fn the_secret_is_nowhere_at_rest_and_only_the_owner_may_read_the_file() {
    let (folder, file) = place();
    let (_, secret) = KeyStore::new(&file)
        .create(reader("a", &["firenze"]))
        .unwrap();
    let secret_part = &secret.expose()[19..];
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(secret_part), "{}", path.display());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn another_secret_with_a_known_id_is_refused() {
    let (_folder, file) = place();
    let store = KeyStore::new(&file);
    let (_, secret) = store.create(reader("a", &["firenze"])).unwrap();
    let (_, other) = store.create(reader("b", &["firenze"])).unwrap();
    let ring = KeyRing::open(&file).unwrap();
    // The id of one key with the secret of another has no valid checksum.
    let mixed = format!("{}{}", &secret.expose()[..19], &other.expose()[19..]);
    assert_eq!(ring.check(&mixed), Err(KeyRefusal::Malformed));
    assert_eq!(ring.check(""), Err(KeyRefusal::Malformed));
}

#[test]
fn an_expired_key_is_refused() {
    let (_folder, file) = place();
    let store = KeyStore::new(&file);
    let mut new = NewKey::new("short", Role::Admin);
    new.expires = Some(Timestamp::now() + 1.hour());
    let (_, secret) = store.create(new.clone()).unwrap();
    let ring = KeyRing::open(&file).unwrap();
    assert!(ring.check(secret.expose()).is_ok());
    let text = fs::read_to_string(&file).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("expires"))
        .unwrap();
    let past = "expires = \"2020-01-01T00:00:00Z\"";
    fs::write(&file, text.replace(line, past)).unwrap();
    ring.reload();
    assert_eq!(ring.check(secret.expose()), Err(KeyRefusal::Expired));
    // The log detects a change of the file that it does not contain.
    assert!(matches!(store.verify(), Err(KeyError::Damaged { .. })));
    new.expires = Some(Timestamp::UNIX_EPOCH);
    assert!(matches!(store.create(new), Err(KeyError::Invalid(_))));
}

#[test]
fn invalid_keys_are_not_created() {
    let (_folder, file) = place();
    let store = KeyStore::new(&file);
    let empty = reader("a", &[]);
    let nameless = NewKey::new(" ", Role::Reader);
    let admin = NewKey {
        role: Role::Admin,
        ..reader("a", &["firenze"])
    };
    let portals = NewKey {
        portals: Scope::of(["p"]),
        ..reader("a", &["firenze"])
    };
    for new in [empty, nameless, admin, portals] {
        assert!(matches!(store.create(new), Err(KeyError::Invalid(_))));
    }
    assert!(!file.exists());
}

#[test]
fn a_writer_writes_within_its_scope_only() {
    let (_folder, file) = place();
    let new = NewKey {
        enti: Scope::of(["firenze"]),
        portals: Scope::of(["www"]),
        ..NewKey::new("portal", Role::Writer)
    };
    let (key, _) = KeyStore::new(&file).create(new).unwrap();
    assert_eq!(key.role, Role::Writer);
    assert!(key.enti.covers("firenze") && !key.enti.covers("prato"));
    assert!(key.portals.covers("www") && !key.portals.covers("other"));
    assert!(key.sources.covers("https://a"));
}

#[test]
fn every_tampering_with_the_log_is_noticed() {
    let (_folder, file) = place();
    let store = KeyStore::new(&file);
    let (key, _) = store.create(reader("a", &["firenze"])).unwrap();
    store.create(reader("b", &["prato"])).unwrap();
    store.revoke(&key.id).unwrap();
    store
        .note("year-close", "2017", serde_json::json!({}))
        .unwrap();
    let entries = store.verify().unwrap();
    let actions: Vec<&str> = entries.iter().map(|entry| &*entry.action).collect();
    assert_eq!(
        actions,
        ["key-create", "key-create", "key-revoke", "year-close"]
    );

    let log = store.log();
    let whole = fs::read_to_string(log.path()).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let broken = |text: String| {
        fs::write(log.path(), text).unwrap();
        store.verify().unwrap_err()
    };
    let changed = broken(whole.replace("\"b\"", "\"c\""));
    assert!(matches!(
        changed,
        KeyError::Log(BrokenLog::Changed { line: 2 })
    ));
    let missing = broken(format!("{}\n{}\n{}\n", lines[0], lines[2], lines[3]));
    assert!(
        matches!(missing, KeyError::Log(BrokenLog::Unchained { line: 2 })),
        "{missing}"
    );
    let cut = broken(format!("{}\n{}\n", lines[0], lines[1]));
    assert!(matches!(cut, KeyError::Damaged { .. }), "{cut}");
    // A broken log accepts no entry, so no key is created.
    fs::write(log.path(), whole.replace("\"b\"", "\"c\"")).unwrap();
    assert!(matches!(
        store.create(reader("d", &["prato"])),
        Err(KeyError::Log(_))
    ));
    assert_eq!(store.list().unwrap().len(), 2);
}

#[test]
fn a_crash_between_log_and_file_is_finished_by_the_next_change() {
    let (_folder, file) = place();
    let store = KeyStore::new(&file);
    store.create(reader("a", &["firenze"])).unwrap();
    let before = fs::read_to_string(&file).unwrap();
    store.create(reader("b", &["prato"])).unwrap();
    // Simulates a crash before the rename and in the middle of the next line.
    fs::rename(&file, file.with_extension("draft")).unwrap();
    fs::write(&file, before).unwrap();
    let log = store.log();
    let text = fs::read_to_string(log.path()).unwrap();
    fs::write(log.path(), format!("{text}0123")).unwrap();
    store.create(reader("c", &["siena"])).unwrap();
    let names: Vec<String> = store
        .list()
        .unwrap()
        .into_iter()
        .map(|key| key.name)
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(store.verify().unwrap().len(), 3);
}

#[test]
fn many_at_once_lose_nothing() {
    let (_folder, file) = place();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = KeyStore::new(&file);
            scope.spawn(move || {
                for number in 0..5 {
                    let name = format!("{thread}-{number}");
                    store.create(reader(&name, &["firenze"])).unwrap();
                }
            });
        }
    });
    let store = KeyStore::new(&file);
    assert_eq!(store.list().unwrap().len(), 20);
    assert_eq!(store.verify().unwrap().len(), 20);
}

#[test]
fn a_damaged_file_leaves_the_old_keys_active() {
    let (_folder, file) = place();
    let store = KeyStore::new(&file);
    let (_, secret) = store.create(reader("a", &["firenze"])).unwrap();
    let ring = KeyRing::open(&file).unwrap();
    fs::write(&file, "key = 1").unwrap();
    ring.reload();
    assert!(ring.check(secret.expose()).is_ok());
    assert!(matches!(
        KeyRing::open(&file),
        Err(KeyError::Damaged { .. })
    ));
    // A missing file has no keys.
    fs::remove_file(&file).unwrap();
    ring.reload();
    assert_eq!(ring.check(secret.expose()), Err(KeyRefusal::Unknown));
}
