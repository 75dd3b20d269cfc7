//! Compares the messages with the code of all crates and with the web pages.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use affluenza_words::Language;

/// A call in the code, and the id that it forms.
struct Call {
    code: &'static str,
    before: &'static str,
    after: &'static str,
}

impl Call {
    const fn of(code: &'static str) -> Self {
        let (before, after) = ("", "");
        Self {
            code,
            before,
            after,
        }
    }
}

const CALLS: [Call; 11] = [
    Call::of("language.say(\""),
    Call::of("self.say(\""),
    Call::of("say_with(\""),
    Call::of("self.section(\""),
    Call::of("self.fact(\""),
    Call {
        code: "self.table(\"",
        before: "",
        after: ".caption",
    },
    Call {
        code: "Words(\"",
        before: "column-",
        after: "",
    },
    Call {
        code: "Figures(\"",
        before: "column-",
        after: "",
    },
    Call {
        code: "(\"note-",
        before: "note-",
        after: "",
    },
    Call {
        code: "t(\"web-",
        before: "web-",
        after: "",
    },
    Call {
        code: "t(\"page-",
        before: "page-",
        after: "",
    },
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Reads the code below a folder: Rust, scripts and markup.
fn read_code(folder: &Path, code: &mut String) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_code = [".rs", ".js", ".html"]
            .iter()
            .any(|end| name.ends_with(end));
        match path.is_dir() {
            true if name != "tests" && name != "vendor" => read_code(&path, code),
            false if is_code => code.push_str(&fs::read_to_string(path).expect("it is text")),
            _ => {}
        }
    }
}

/// Returns the code of all crates without white space.
fn code() -> String {
    let mut code = String::new();
    for entry in fs::read_dir(crates()).expect("the folder is there") {
        let folder = entry.expect("it can be read").path();
        for part in ["src", "assets"].map(|part| folder.join(part)) {
            if part.is_dir() {
                read_code(&part, &mut code);
            }
        }
    }
    code.split_whitespace().collect()
}

fn catalogue(language: Language) -> String {
    let file = format!("words/catalogues/{language}.ftl");
    fs::read_to_string(crates().join(file)).expect("it is there")
}

/// Returns the ids of the messages and attributes in a catalogue.
fn ids(catalogue: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let mut message = "";
    for line in catalogue.lines() {
        let Some((name, _)) = line.split_once(" =") else {
            continue;
        };
        if name.starts_with(|letter: char| letter.is_ascii_lowercase()) {
            message = name;
            ids.insert(name.to_owned());
        } else if let Some(attribute) = name.trim().strip_prefix('.') {
            ids.insert(format!("{message}.{attribute}"));
        }
    }
    ids
}

#[test]
fn every_message_in_code_exists() {
    let (code, ids) = (code(), ids(&catalogue(Language::IT)));
    for call in CALLS {
        let mut found = 0;
        for rest in code.split(call.code).skip(1) {
            let id = rest.split('"').next().unwrap_or_default();
            let id = format!("{}{id}{}", call.before, call.after);
            assert!(ids.contains(&id), "{}{id}", call.code);
            found += 1;
        }
        assert!(found > 0, "{}", call.code);
    }
}

/// Returns true if the code completes a beginning of the id at run time: `"device-{` in Rust,
/// `` `web-device-${ `` in a script. Columns are completed, too, but each is named in the code. The
/// values of a dimension have ids that begin with its name, as `dimension.rs` declares it.
fn is_completed(id: &str, code: &str) -> bool {
    let beginnings = id.match_indices('-').map(|(at, _)| &id[..=at]);
    let mut beginnings = beginnings.filter(|beginning| *beginning != "column-");
    beginnings.any(|beginning| {
        let in_rust = format!("\"{beginning}{{");
        let in_script = format!("`{beginning}${{");
        let declared = [": Code", ": Text"].map(|form| beginning.replace('-', form));
        let declared = declared.map(|form| form.replace(' ', ""));
        code.contains(&in_rust)
            || code.contains(&in_script)
            || declared.iter().any(|form| code.contains(form))
    })
}

/// Returns true if the code or another message names the message. A column is named without
/// `column-`.
fn is_named(id: &str, code: &str, catalogue: &str) -> bool {
    let name = id.split('.').next().unwrap_or(id);
    let column = name.strip_prefix("column-").unwrap_or(name);
    let forms = [
        format!("\"{name}\""),
        format!("\"{name}."),
        format!("\"{column}\""),
        format!("{{{{{name}}}}}"),
    ];
    let is_in_code = forms.iter().any(|form| code.contains(form));
    is_in_code || catalogue.contains(&format!("{{ {name} }}"))
}

#[test]
fn every_message_is_used() {
    let (code, catalogue) = (code(), catalogue(Language::IT));
    let ids = ids(&catalogue);
    let unused = ids
        .iter()
        .filter(|id| !is_completed(id, &code) && !is_named(id, &code, &catalogue));
    assert_eq!(unused.collect::<Vec<_>>(), Vec::<&String>::new());
}
