//! Parses every command that the READMEs, the guides and the deployment files show. A renamed flag
//! that is still documented fails here.

use std::fs;
use std::path::{Path, PathBuf};

use affluenza_event::AHEAD_MS_MAX;
use clap::Parser;
use clap::error::ErrorKind;

use super::top;
use crate::args::Args;
use crate::settings::Settings;

/// Lists the files in `folder` of the repository with this extension.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(top().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} has no .{extension}");
    found
}

/// Extracts the ```sh blocks of a Markdown text.
fn shell_blocks(markdown: &str) -> String {
    let mut inside = false;
    let mut blocks = String::new();
    for line in markdown.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => {
                blocks.push_str(line);
                blocks.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

/// Splits a script into the words of its simple commands: pipes, lists and substitutions are split,
/// comments and redirections dropped. Supports only the shell syntax that the documents use.
fn commands(script: &str) -> Vec<Vec<String>> {
    let script = script.replace("\\\n", " ");
    let mut commands = vec![Vec::new()];
    let (mut word, mut has_word, mut quote) = (String::new(), false, None);
    let mut letters = script.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(mark), _) if letter == mark => quote = None,
            (Some(_), _) => word.push(letter),
            (None, '\'' | '"') => (quote, has_word) = (Some(letter), true),
            (None, '#') if !has_word => {
                while letters.peek().is_some_and(|next| *next != '\n') {
                    letters.next();
                }
            }
            (None, '|' | ';' | '&' | '\n' | '(' | ')') => {
                end_word(&mut word, &mut has_word, &mut commands);
                commands.push(Vec::new());
            }
            (None, _) if letter.is_whitespace() => {
                end_word(&mut word, &mut has_word, &mut commands);
            }
            (None, _) => {
                word.push(letter);
                has_word = true;
            }
        }
    }
    end_word(&mut word, &mut has_word, &mut commands);
    for command in &mut commands {
        while let Some(at) = command.iter().position(|word| word.starts_with(['>', '<'])) {
            let alone = command[at].trim_start_matches(['>', '<']).is_empty();
            command.drain(at..(at + 1 + usize::from(alone)).min(command.len()));
        }
    }
    commands
}

fn end_word(word: &mut String, has_word: &mut bool, commands: &mut [Vec<String>]) {
    if std::mem::take(has_word) {
        let command = commands.last_mut().expect("there is always one");
        command.push(std::mem::take(word));
    }
}

/// Returns the arguments of the program if this command runs it. The program may stand first, after
/// variables or `sudo -u USER`, or after `--` of another program.
fn arguments(command: &[String]) -> Option<&[String]> {
    let mut rest = command;
    loop {
        match rest {
            [first, after @ ..] if is_program(first) => return Some(after),
            [first, flag, _, after @ ..] if first == "sudo" && flag == "-u" => rest = after,
            [first, after @ ..] if first == "sudo" || first.contains('=') => rest = after,
            _ => break,
        }
    }
    let at = command.iter().position(|word| word == "--")?;
    let (first, after) = command[at + 1..].split_first()?;
    is_program(first).then_some(after)
}

fn is_program(word: &str) -> bool {
    word == "affluenza" || word.ends_with("/affluenza")
}

fn assert_understood(place: &Path, words: &[String]) {
    let typed = std::iter::once("affluenza").chain(words.iter().map(String::as_str));
    if let Err(error) = Args::try_parse_from(typed) {
        assert!(
            matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            ),
            "{}: affluenza {}: {error}",
            place.display(),
            words.join(" ")
        );
    }
}

#[test]
fn commands_of_the_readme_and_the_guides_are_understood() {
    let mut texts = vec![top().join("README.md")];
    texts.extend(files("deploy/guides", "md"));
    let crates = fs::read_dir(top().join("crates")).unwrap();
    let readmes = crates.map(|entry| entry.unwrap().path().join("README.md"));
    texts.extend(readmes.filter(|path| path.exists()));
    let mut understood = 0;
    for path in texts {
        let blocks = shell_blocks(&fs::read_to_string(&path).unwrap());
        for command in commands(&blocks) {
            if let Some(words) = arguments(&command) {
                assert_understood(&path, words);
                understood += 1;
            }
        }
    }
    assert!(understood > 30, "only {understood} commands were found");
}

#[test]
fn commands_of_units_and_manifests_are_understood() {
    for path in files("deploy/systemd", "service") {
        let unit = fs::read_to_string(&path).unwrap();
        let command = unit
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart="))
            .unwrap();
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        assert_understood(&path, arguments(&words).unwrap());
    }
    let mut understood = 0;
    for (folder, key) in [
        ("deploy/kubernetes", "args: ["),
        ("deploy/compose", "command: ["),
    ] {
        for path in files(folder, "yaml") {
            for line in fs::read_to_string(&path).unwrap().lines() {
                let Some(list) = line.trim().strip_prefix(key) else {
                    continue;
                };
                let words: Vec<String> = list
                    .trim_end_matches(']')
                    .split(", ")
                    .map(|word| word.trim_matches('"').to_owned())
                    .collect();
                assert_understood(&path, &words);
                understood += 1;
            }
        }
    }
    assert!(understood >= 5, "only {understood} commands were found");
}

#[test]
fn every_alert_is_in_the_operators_guide() {
    let guide = fs::read_to_string(top().join("deploy/guides/operator.md")).unwrap();
    let alerts = fs::read_to_string(top().join("deploy/prometheus/alerts.yaml")).unwrap();
    let names: Vec<&str> = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(names.len() > 3, "{names:?}");
    for name in names {
        assert!(guide.contains(&format!("| {name} |")), "{name}");
    }
}

#[test]
fn example_configurations_are_right() {
    let mut examples = files("deploy", "toml");
    examples.retain(|path| path.file_name().unwrap() != "register.toml");
    examples.extend(files("deploy/kubernetes", "toml"));
    assert!(examples.len() >= 3, "{examples:?}");
    for path in examples {
        let settings = Settings::read(Some(&path), std::iter::empty());
        let checked = settings.and_then(|settings| settings.check());
        checked.unwrap_or_else(|error| panic!("{}: {error:#}", path.display()));
    }
}

#[test]
fn the_limit_of_future_times_is_in_the_guides() {
    assert_eq!(AHEAD_MS_MAX, 10 * 60_000, "correct the guides as well");
    for (guide, limit) in [
        ("portal-developer.md", "ten minutes in the future"),
        ("portal-developer.it.md", "dieci minuti nel futuro"),
    ] {
        let text = fs::read_to_string(top().join("deploy/guides").join(guide)).unwrap();
        assert_eq!(text.matches(limit).count(), 2, "{guide}");
    }
}

#[test]
fn commands_are_found_in_a_script() {
    let script = "KEY=$(affluenza keys create 'the name' --role writer)  # comment\n\
                  echo x | A=b affluenza classify > out\n\
                  kubectl -n affluenza exec pod -- /usr/bin/affluenza \\\n audit\n";
    let found: Vec<String> = commands(script)
        .iter()
        .filter_map(|command| Some(arguments(command)?.join(" ")))
        .collect();
    assert_eq!(
        found,
        ["keys create the name --role writer", "classify", "audit"]
    );
}
