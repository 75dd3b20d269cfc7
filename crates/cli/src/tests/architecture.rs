//! Compares the documents with the tree: the table of crates in ARCHITECTURE.md with the manifests,
//! and each path and link of ARCHITECTURE.md and the READMEs with the files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::top;

/// Extensions that make a word in backticks a path.
const EXTENSIONS: [&str; 7] = [".rs", ".sql", ".md", ".toml", ".js", ".json", ".html"];
/// Folders that make a word in backticks a path, in the README files of the crates.
const CRATE_FOLDERS: [&str; 4] = ["src/", "tests/", "sql/", "assets/"];
/// A crate that depends on all but this many others is described by the ones it lacks.
const MISSING_MAX: usize = 2;

fn read(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Lists the folders of the crates.
fn crate_folders() -> Vec<String> {
    let mut folders: Vec<String> = fs::read_dir(top().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    folders.sort();
    folders
}

/// Returns the row of each crate, as its manifest requires it.
fn rows_of_manifests() -> BTreeMap<String, String> {
    let folders = crate_folders();
    let rows = folders.iter().map(|folder| row(folder, &folders));
    folders.iter().cloned().zip(rows).collect()
}

/// Returns the row of a crate: its folder, its description, and the crates it depends on.
fn row(folder: &str, folders: &[String]) -> String {
    let manifest: toml::Table = read(&format!("crates/{folder}/Cargo.toml"))
        .parse()
        .unwrap();
    let purpose = manifest["package"]["description"].as_str().unwrap();
    let purpose = purpose.trim_end_matches('.');
    let knows = knows(folder, &manifest, folders);
    format!("| {folder} | {purpose} | {knows} |")
}

/// Describes the dependencies on other crates of this repository, those of tests left out.
fn knows(folder: &str, manifest: &toml::Table, folders: &[String]) -> String {
    let (known, missing): (Vec<&str>, Vec<&str>) = folders
        .iter()
        .map(String::as_str)
        .filter(|other| *other != folder)
        .partition(|other| has_dependency(manifest, other));
    match (known.len(), missing.len()) {
        (0, _) => "nothing".to_owned(),
        (_, 0) => "all others".to_owned(),
        (_, lacking) if lacking <= MISSING_MAX => format!("all but {}", missing.join(", ")),
        _ => known.join(", "),
    }
}

fn has_dependency(manifest: &toml::Table, other: &str) -> bool {
    let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
    let name = format!("affluenza-{other}");
    dependencies.is_some_and(|dependencies| dependencies.contains_key(&name))
}

/// Returns the words in backticks outside blocks of code.
fn quoted(markdown: &str) -> Vec<&str> {
    let outside_of_blocks = markdown.split("```").step_by(2);
    outside_of_blocks
        .flat_map(|text| text.split('`').skip(1).step_by(2))
        .collect()
}

/// Returns true if the word names a file by its extension, or a folder by its last letter.
fn is_path(word: &str) -> bool {
    let has_end = word.ends_with('/') || EXTENSIONS.iter().any(|end| word.ends_with(end));
    has_end && !word.contains(' ') && !word.starts_with('/')
}

/// Returns the targets of the links of a Markdown text. Pictures are left out: a command makes them.
fn links(markdown: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for text in markdown.split("```").step_by(2) {
        for (at, _) in text.match_indices("](") {
            let label = text[..at].rfind('[').unwrap_or_default();
            let target = text[at + 2..].split(')').next().unwrap_or_default();
            if !text[..label].ends_with('!') {
                found.push(target);
            }
        }
    }
    found
}

/// Returns the anchor that a forge gives to a heading.
fn anchor(heading: &str) -> String {
    let letters = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = letters
        .chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

#[test]
fn the_table_of_crates_agrees_with_the_manifests() {
    let architecture = read("ARCHITECTURE.md");
    let table = architecture
        .lines()
        .skip_while(|line| *line != "| crate | purpose | knows |")
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut rows: BTreeMap<String, &str> = BTreeMap::new();
    for row in table {
        let name = row.split('|').nth(1).unwrap_or_default().trim();
        let twice = rows.insert(name.to_owned(), row);
        assert!(twice.is_none(), "ARCHITECTURE.md has two rows for {name}");
    }
    let mut faults = Vec::new();
    let required = rows_of_manifests();
    for (name, row) in &required {
        match rows.remove(name) {
            Some(found) if found == row => {}
            Some(found) => faults.push(format!("row of {name}:\n  is     {found}\n  should {row}")),
            None => faults.push(format!("row of {name} is missing:\n  should {row}")),
        }
    }
    for name in rows.keys() {
        faults.push(format!(
            "row of {name} must go: crates/{name} does not exist"
        ));
    }
    assert!(faults.is_empty(), "ARCHITECTURE.md:\n{}", faults.join("\n"));
}

#[test]
fn every_path_in_the_architecture_exists() {
    let architecture = read("ARCHITECTURE.md");
    let mut paths = quoted(&architecture);
    paths.retain(|word| is_path(word));
    assert!(paths.len() > 30, "only {} paths were found", paths.len());
    for path in paths {
        assert!(
            top().join(path).exists(),
            "ARCHITECTURE.md: `{path}` does not exist"
        );
    }
}

/// Lists the README files in a folder of the repository and in its subfolders.
fn readmes(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(top().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            found.extend(readmes(&path));
        } else if entry.file_name() == "README.md" {
            found.push(path);
        }
    }
    found
}

/// Paths are relative to the crate. The folder `tests/it` belongs to the repository.
#[test]
fn every_path_in_the_readmes_of_the_crates_exists() {
    let mut found = 0;
    for readme in readmes("crates") {
        let mut folders = Path::new(&readme).ancestors().skip(1);
        let home = folders.find(|folder| top().join(folder).join("Cargo.toml").exists());
        let home = home.unwrap();
        let text = read(&readme);
        for path in quoted(&text) {
            if CRATE_FOLDERS.iter().any(|folder| path.starts_with(folder)) {
                let exists = top().join(home).join(path).exists()
                    || path.starts_with("tests/it/") && top().join(path).exists();
                assert!(exists, "{readme}: `{path}` does not exist");
                found += 1;
            }
        }
    }
    assert!(found > 30, "only {found} paths were found");
}

/// Lists the documents whose links are checked.
fn documents() -> Vec<String> {
    let mut documents = vec!["README.md".to_owned(), "ARCHITECTURE.md".to_owned()];
    for folder in crate_folders() {
        documents.push(format!("crates/{folder}/README.md"));
    }
    documents.retain(|path| top().join(path).exists());
    for entry in fs::read_dir(top().join("deploy/guides")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        documents.push(format!("deploy/guides/{name}"));
    }
    documents
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    for document in documents() {
        let text = read(&document);
        for link in links(&text).iter().filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(&document).parent().unwrap();
            let path = match file {
                "" => PathBuf::from(&document),
                file => folder.join(file),
            };
            assert!(
                top().join(&path).exists(),
                "{document}: {link} leads nowhere"
            );
            if !heading.is_empty() {
                let target = read(path.to_str().unwrap());
                let mut headings = target.lines().filter(|line| line.starts_with('#'));
                assert!(
                    headings.any(|line| anchor(line) == heading),
                    "{document}: {link} has no heading"
                );
            }
        }
    }
}
