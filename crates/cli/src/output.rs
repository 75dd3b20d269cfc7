//! Output: standard output for results, standard error for everything else.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use affluenza_event::mask;
use affluenza_register::RegisterErrors;
use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::args::OutputFormat;

/// Columns assumed without a terminal.
pub const WIDTH_DEFAULT: u16 = 100;

/// Error of standard output.
pub const UNWRITABLE: &str = "standard output cannot be written";

/// Prints an error with its remedy, as one line.
pub fn complain(line: &str) {
    say(&format!("affluenza: {}", line.replace('\n', " ")));
}

/// Prints an error and its causes as one line. Each of several problems of a register has its own.
pub fn complain_of(error: &anyhow::Error) {
    match error.downcast_ref::<RegisterErrors>() {
        Some(errors) if errors.problems().len() > 1 => {
            complain(&format!("{error}: {} problems", errors.problems().len()));
            for problem in errors.problems() {
                complain(&problem.to_string());
            }
        }
        _ => complain(&chain(error)),
    }
}

/// Joins an error and its causes. Skips a cause that the text already contains.
pub fn chain(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| {
        let cause = cause.to_string();
        match said.contains(&cause) {
            true => said,
            false if said.is_empty() => cause,
            false => format!("{said}: {cause}"),
        }
    })
}

/// Masks personal data in a text.
pub fn masked(text: &str) -> String {
    String::from_utf8_lossy(&mask(text.as_bytes())).into_owned()
}

/// Prints a message. It is lost if standard error is closed.
pub fn say(line: &str) {
    writeln!(io::stderr(), "{line}").ok();
}

/// Prints a result.
pub fn print(text: &str) -> Result<()> {
    print_bytes(text.as_bytes())
}

/// Prints a result: as text for people, or as one JSON document.
pub fn print_as(format: OutputFormat, text: &str, value: &impl Serialize) -> Result<()> {
    match format {
        OutputFormat::Text => print(text),
        OutputFormat::Json => print(&serde_json::to_string_pretty(value)?),
    }
}

/// Prints a result that may be binary.
pub fn print_bytes(bytes: &[u8]) -> Result<()> {
    print_all(bytes).context(UNWRITABLE)
}

fn print_all(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    if std::str::from_utf8(bytes).is_ok_and(|text| !text.ends_with('\n')) {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Writes a file through a temporary file in the same folder. After an error the old file is unchanged.
/// The new file has the access rights of the old one. A target that is no regular file, such as a
/// pipe, is written directly.
pub fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let old = fs::metadata(file).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return fs::write(file, bytes);
    }
    // The target of a link is replaced, not the link.
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    // The rights of a new file, without those that the process masks.
    builder
        .prefix(".affluenza-")
        .permissions(Permissions::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    if let Some(old) = old {
        temporary.as_file().set_permissions(old.permissions())?;
    }
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(file)?;
    Ok(())
}

/// Quotes a word for a shell, if it needs quotes.
pub fn shell_word(word: &str) -> String {
    let mut chars = word.chars();
    let is_plain = chars.all(|c| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c));
    match word.is_empty() || !is_plain {
        false => word.to_owned(),
        true => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// True if the error is a closed pipe: the reader, such as `head`, has ended.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}

/// Returns the columns of the terminal.
pub fn width() -> usize {
    let columns = rustix::termios::tcgetwinsize(io::stdout())
        .map(|size| size.ws_col)
        .ok()
        .filter(|columns| *columns > 0)
        .unwrap_or(WIDTH_DEFAULT);
    usize::from(columns)
}

/// Creates a progress bar with counts and rate. Nothing is drawn without a terminal.
pub fn bar(name: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style =
        "{prefix:>10} [{bar:30}] {human_pos:>9} / {human_len}  {per_sec:>14}  {elapsed_precise}";
    bar.set_style(
        ProgressStyle::with_template(style)
            .expect("the template is valid")
            .progress_chars("=> "),
    );
    bar.set_prefix(name);
    if io::stderr().is_terminal() {
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    bar
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r.txt");
        replace(&file, b"one").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let mut old = fs::File::open(&file).unwrap();
        replace(&file, b"other").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "other");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "the rights are kept");
        // The old file was replaced, not written.
        assert_eq!(io::read_to_string(&mut old).unwrap(), "one");
        let link = folder.path().join("link.txt");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, b"by the link").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "by the link");
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        replace(Path::new("/dev/null"), b"gone").unwrap();
        assert!(replace(Path::new("/dev/full"), b"x").is_err());
    }

    #[test]
    fn words_of_a_shell_are_quoted() {
        for (word, quoted) in [
            ("/tmp/data-1", "/tmp/data-1"),
            ("/tmp/my data", "'/tmp/my data'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(word), quoted);
        }
    }

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow!("No such file").context("cannot open a: No such file");
        assert_eq!(chain(&error), "cannot open a: No such file");
        let error = anyhow!("No such file").context("a").context("b");
        assert_eq!(chain(&error), "b: a: No such file");
    }
}
