//! Groups of commands and examples of the help pages, from `help.txt`.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};

use super::Args;

/// A line `# NAME` begins a group, a line that is not indented a command, and an indented line is an
/// example.
const HELP: &str = include_str!("help.txt");

/// Returns the command line of the program, with groups and examples.
pub fn command() -> Command {
    let mut command = Args::command();
    let mut groups = String::new();
    for block in HELP.split("\n\n") {
        let mut lines = block.lines().peekable();
        let name = lines.next().unwrap_or_default().trim_start_matches("# ");
        let _ = writeln!(groups, "{name}:");
        while let Some(path) = lines.next() {
            let mut examples = String::from("Examples:");
            while let Some(example) = lines.next_if(|line| line.starts_with(' ')) {
                let _ = write!(examples, "\n  {}", example.trim());
            }
            let path: Vec<&str> = path.split(' ').collect();
            command = with_examples(command, &path, examples);
            if let [name] = path[..] {
                let known = command.find_subcommand(name).and_then(Command::get_about);
                let about = known.map(ToString::to_string).unwrap_or_default();
                let _ = writeln!(groups, "  {name:<13} {about}");
            }
        }
        groups.push('\n');
    }
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}Options:\n{{options}}\n\n`affluenza COMMAND --help` explains a command and has examples."
    );
    command.help_template(template)
}

fn with_examples(command: Command, path: &[&str], examples: String) -> Command {
    match path {
        [] => command.after_help(examples),
        [name, rest @ ..] => {
            let name = (*name).to_owned();
            command.mut_subcommand(name, |inner| with_examples(inner, rest, examples))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that the page of every command below `command` has examples.
    fn assert_examples(command: &Command) {
        for inner in command.get_subcommands() {
            let name = inner.get_name();
            let has_examples = inner.get_after_help().is_some();
            assert!(has_examples || name == "help", "{name} in help.txt");
            assert_examples(inner);
        }
    }

    #[test]
    fn every_command_has_a_group_and_examples() {
        let command = command();
        assert_examples(&command);
        let page = command.clone().render_help().to_string();
        for inner in command.get_subcommands() {
            let line = format!("\n  {} ", inner.get_name());
            assert_eq!(page.matches(&line).count(), 1, "{line}{page}");
        }
    }

    #[test]
    fn every_example_is_accepted() {
        for line in HELP.lines().filter(|line| line.starts_with(' ')) {
            let line = line.split(" > ").next().unwrap_or_default();
            let quoted = line.split('"').enumerate();
            let words = quoted.flat_map(|(at, text)| match at % 2 {
                0 => text.split_whitespace().collect(),
                _ => vec![text],
            });
            let parsed = command().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }

    /// Commands without `--format`: servers, commands whose result is JSON or a file in any case, and
    /// commands that only confirm what they did in a sentence.
    const WITHOUT_FORMAT: [&str; 21] = [
        "collect",
        "consume",
        "serve",
        "emit",
        "dead-letters show",
        "open-data",
        "register import",
        "simulate region",
        "completions",
        "man",
        "accept loss",
        "accept place",
        "accept log",
        "accept facts",
        "restore",
        "register apply",
        "import figures",
        "dead-letters requeue",
        "keys revoke",
        "readers drop",
        "config check",
    ];

    /// Collects the paths of the commands below `command` that do something, and of those without a
    /// format.
    fn walk(command: &Command, path: &str, leaves: &mut Vec<String>, without: &mut Vec<String>) {
        for inner in command.get_subcommands() {
            let path = format!("{path} {}", inner.get_name());
            let path = path.trim_start();
            if path == "help" || path.ends_with(" help") {
                continue;
            }
            let mut options = inner.get_arguments();
            let format = options.find(|option| option.get_id() == "format");
            let is_leaf = !inner.has_subcommands() || inner.get_arguments().count() > 1;
            match format.map(clap::Arg::get_possible_values) {
                Some(values) => {
                    let has_json = values.iter().any(|value| value.get_name() == "json");
                    assert!(has_json, "{path} --format json");
                }
                None if is_leaf && !inner.is_subcommand_required_set() => {
                    without.push(path.to_owned());
                }
                None => {}
            }
            leaves.push(path.to_owned());
            walk(inner, path, leaves, without);
        }
    }

    #[test]
    fn every_result_is_one_json_document_on_request() {
        let (mut commands, mut without) = (Vec::new(), Vec::new());
        walk(&command(), "", &mut commands, &mut without);
        assert!(commands.len() > 40, "{commands:?}");
        let mut expected = WITHOUT_FORMAT.map(str::to_owned);
        expected.sort();
        without.sort();
        assert_eq!(without, expected);
    }

    #[test]
    fn options_of_the_command_come_before_those_of_the_program() {
        let mut command = command();
        command.build();
        let emit = command.find_subcommand_mut("emit").unwrap();
        let page = emit.render_help().to_string();
        let place = |name: &str| page.find(name).unwrap_or_else(|| panic!("{name}: {page}"));
        assert!(place("--portal") < place("--help"));
        assert!(place("--help") < place("Global options:"));
        assert!(place("Global options:") < place("--config"));
    }
}
