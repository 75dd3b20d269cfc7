//! The log of administrative acts: it contains every act, and every change to the log is detected.

use std::path::{Path, PathBuf};

use crate::support::{Engines, Place, stderr};

/// Output of `keys log --verify`: `Ok` if the log verifies.
fn verified(place: &Place<'_>) -> Result<String, String> {
    let output = place
        .command(&["keys", "log", "--verify"])
        .output()
        .expect("the program runs");
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).expect("it is text")),
        false => Err(stderr(&output)),
    }
}

fn find(folder: &Path, name: &str) -> PathBuf {
    let found = std::fs::read_dir(folder).expect("the folder is there");
    found
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.file_name().is_some_and(|found| found == name))
        .unwrap_or_else(|| panic!("no {name} in {}", folder.display()))
}

pub fn every_change_of_the_log_is_noticed(engines: &Engines) {
    let place = engines.place("acts");
    let key = place.run(&["keys", "create", "first", "--ente", "c_d612"]);
    place.run(&["keys", "create", "second"]);
    place.run(&["keys", "revoke", &key.trim()[10..18]]);
    place.run(&["migrate"]);
    place.run(&["register", "apply"]);
    // An act is logged before it is executed, so failed acts are in the log, too.
    let nothing = place.command(&["close-year", "2015"]).output();
    assert!(!nothing.expect("the program runs").status.success());
    place.run(&["keys", "create", "third"]);

    let told = place.run(&["keys", "log"]);
    let acts: Vec<&str> = told
        .lines()
        .map(|line| line.split('\t').nth(3).expect("an act"))
        .collect();
    let done = [
        "key-create",
        "key-create",
        "key-revoke",
        "register-apply",
        "year-close",
        "key-create",
    ];
    assert_eq!(acts, done, "{told}");
    let secret = key.trim().rsplit('_').next().expect("a secret");
    assert!(!told.contains(secret), "no secret is in it");
    let whole = verified(&place).expect("nothing was changed");
    assert!(
        whole.contains("6 entries verified, newest hash "),
        "{whole}"
    );

    let data = place.folder.join("data");
    let (log, keys) = (find(&data, "keys.log"), find(&data, "keys.toml"));
    let read = |path: &Path| std::fs::read_to_string(path).expect("it is text");
    let (right, right_keys) = (read(&log), read(&keys));
    let lines: Vec<&str> = right.lines().collect();
    let without = |left: &[usize]| -> String {
        let kept = lines
            .iter()
            .enumerate()
            .filter(|(at, _)| !left.contains(at));
        kept.map(|(_, line)| format!("{line}\n")).collect()
    };
    let changed = right.replacen("year-close", "year-look", 1);
    let swapped = {
        let mut lines = lines.clone();
        lines.swap(2, 3);
        lines.join("\n") + "\n"
    };
    let forged = {
        let line = lines[5].replace("third", "fourth");
        format!("{right}{line}\n")
    };
    for (what, log_text, keys_text, said) in [
        (
            "a changed line",
            &changed,
            &right_keys,
            "line 5: it was changed",
        ),
        (
            "a missing line",
            &without(&[3]),
            &right_keys,
            "line 4: a line before it was",
        ),
        (
            "the first line gone",
            &without(&[0]),
            &right_keys,
            "line 1: a line before it was",
        ),
        (
            "two lines swapped",
            &swapped,
            &right_keys,
            "line 3: a line before it was",
        ),
        ("a forged line", &forged, &right_keys, "line 7"),
        (
            "the end gone",
            &without(&[5]),
            &right_keys,
            "entries at the end of the log are missing",
        ),
        (
            "no log at all",
            &String::new(),
            &right_keys,
            "entries at the end of the log are missing",
        ),
        (
            "a key made by hand",
            &right,
            &right_keys.replacen("c_d612", "firenze", 1),
            "it was changed by hand",
        ),
        (
            "no line ends",
            &right.replace('\n', " "),
            &right_keys,
            "entries at the end of the log are missing",
        ),
    ] {
        std::fs::write(&log, log_text).expect("it can be written");
        std::fs::write(&keys, keys_text).expect("it can be written");
        let noticed = verified(&place).expect_err(what);
        assert!(noticed.contains(said), "{what}: {noticed}");
    }
    // An act that cannot be appended to a broken log is refused.
    std::fs::write(&log, &changed).expect("it can be written");
    std::fs::write(&keys, &right_keys).expect("it can be written");
    let refused = place.command(&["register", "apply"]).output();
    let refused = refused.expect("the program runs");
    assert!(
        !refused.status.success() && stderr(&refused).contains("nothing was done"),
        "{}",
        stderr(&refused)
    );
    std::fs::write(&log, &right).expect("it can be written");
    assert_eq!(verified(&place).as_deref(), Ok(&*whole));

    // Removing the newest entries is invisible to the log itself: only the printed newest hash
    // reveals it.
    place.run(&["register", "apply"]);
    let newer = verified(&place).expect("it holds");
    std::fs::write(&log, &right).expect("it can be written");
    assert_eq!(verified(&place).as_deref(), Ok(&*whole));
    assert_ne!(newer, whole);
}
