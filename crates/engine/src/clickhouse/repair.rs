//! Repairs ClickHouse's deduplication logs after a crash.
//!
//! A table with a deduplication window logs the block token of each inserted part. The log is
//! written before the part is safe. A `kill -9` in between keeps the token and loses the part. The
//! retry of that insert then counts as a duplicate, and its rows are lost. So the repair revokes,
//! before each start, every token whose part is not on disk. It writes the same record as
//! ClickHouse for a dropped part.
//!
//! A log is a text file with one record per line and fields separated by tabs: the operation (1
//! adds, 2 drops), the part's name, the token. A part's name consists of its partition, first and
//! last block number, merge level and, after mutations, a version: `201701_5_5_0`. A merged part
//! *covers* its source parts.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{EngineError, at};

const LOGS: &str = "deduplication_logs";
const ADD: &str = "1";
const DROP: &str = "2";
/// Files that every part must have.
const NEEDED: [&str; 3] = ["checksums.txt", "columns.txt", "count.txt"];
/// Name fragments of mark files.
const MARKS: [&str; 2] = [".mrk", ".cmrk"];

/// Result of a repair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// Number of tables with deduplication logs.
    pub tables: usize,
    /// Number of active tokens before the repair, including those of lost parts.
    pub tokens: usize,
    /// Parts that were lost although their tokens were kept. These tokens were revoked.
    pub lost_parts: Vec<String>,
    /// Number of logs whose torn end was removed.
    pub torn_lines: usize,
}

/// Revokes every deduplication token whose part is lost, in all tables under ClickHouse's data
/// folder. The engine must not run.
///
/// # Errors
/// A log or the folder of a table cannot be read or written.
pub fn repair_deduplication_logs(data: &Path) -> Result<RepairReport, EngineError> {
    let mut report = RepairReport::default();
    // Tables are two levels deep: store/abc/abcdef01-…
    for prefix in folders(&data.join("store"))? {
        for table in folders(&prefix)? {
            let logs = table.join(LOGS);
            if logs.is_dir() {
                report.tables += 1;
                repair_table(&table, &logs, &mut report)?;
            }
        }
    }
    if !report.lost_parts.is_empty() || report.torn_lines > 0 {
        tracing::warn!(
            lost_parts = report.lost_parts.len(),
            torn_lines = report.torn_lines,
            tokens = report.tokens,
            "ClickHouse had kept deduplication tokens of lost parts: removed them"
        );
    }
    Ok(report)
}

fn repair_table(table: &Path, logs: &Path, report: &mut RepairReport) -> Result<(), EngineError> {
    let parts = TableParts::on_disk(table)?;
    // The log that added a token, and its part.
    let mut live: HashMap<String, (PathBuf, String)> = HashMap::new();
    for path in log_files(logs)?.into_values() {
        let text = read_whole_lines(&path, report)?;
        for record in text.lines().filter_map(InsertRecord::parse) {
            match record.operation {
                // A token may return with another part after its first part was dropped.
                ADD => {
                    let token = (path.clone(), record.part.to_owned());
                    live.insert(record.block.to_owned(), token);
                }
                DROP => drop(live.remove(record.block)),
                _ => {}
            }
        }
    }
    report.tokens += live.len();
    // The record goes to the log that added the token, so that both have the same lifetime.
    let mut drops: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for (block, (path, part)) in live {
        if !parts.hold(&part) {
            let lines = drops.entry(path).or_default();
            lines.push(format!("{DROP}\t{part}\t{block}\n"));
            report.lost_parts.push(part);
        }
    }
    report.lost_parts.sort();
    for (path, mut lines) in drops {
        lines.sort();
        append(&path, &lines.concat()).map_err(at(&path))?;
    }
    Ok(())
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn truncate(path: &Path, length: u64) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    file.set_len(length)?;
    file.sync_all()
}

/// One line of a log.
struct InsertRecord<'a> {
    operation: &'a str,
    part: &'a str,
    block: &'a str,
}

impl<'a> InsertRecord<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.splitn(3, '\t');
        Some(Self {
            operation: fields.next()?,
            part: fields.next()?,
            block: fields.next()?,
        })
    }
}

/// Returns the text of a log up to its first invalid line, and truncates the file there. The engine
/// would not load the table otherwise. A power cut leaves half a line, or zeros in place of lines.
fn read_whole_lines(path: &Path, report: &mut RepairReport) -> Result<String, EngineError> {
    let mut bytes = fs::read(path).map_err(at(path))?;
    let whole: usize = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .take_while(|line| is_record(line))
        .map(<[u8]>::len)
        .sum();
    if whole < bytes.len() {
        truncate(path, whole as u64).map_err(at(path))?;
        report.torn_lines += 1;
        bytes.truncate(whole);
    }
    String::from_utf8(bytes).map_err(|_| {
        EngineError::io(
            path,
            io::Error::other("the deduplication log is not text, restore the folder from a backup"),
        )
    })
}

fn is_record(line: &[u8]) -> bool {
    let text = line
        .strip_suffix(b"\n")
        .and_then(|text| std::str::from_utf8(text).ok());
    let record = text.and_then(InsertRecord::parse);
    record.is_some_and(|record| {
        [ADD, DROP].contains(&record.operation) && !record.block.contains('\0')
    })
}

/// Returns the logs of a table in the order of writing: `deduplication_log_1.txt`,
/// `deduplication_log_2.txt`, …
fn log_files(logs: &Path) -> Result<BTreeMap<u64, PathBuf>, EngineError> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(logs).map_err(at(logs))? {
        let path = entry.map_err(at(logs))?.path();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        let number = stem
            .rsplit('_')
            .next()
            .and_then(|number| number.parse().ok());
        if let (Some(number), Some("txt")) = (number, path.extension().and_then(|e| e.to_str())) {
            files.insert(number, path);
        }
    }
    Ok(files)
}

/// Complete parts in the folder of a table, by partition.
struct TableParts(HashMap<String, Vec<PartNumbers>>);

impl TableParts {
    fn on_disk(table: &Path) -> Result<Self, EngineError> {
        let mut parts = HashMap::<String, Vec<PartNumbers>>::new();
        for folder in folders(table)? {
            let Some(name) = folder.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if let Some((partition, range)) = parse_part(name)
                && is_whole(&folder)?
            {
                parts.entry(partition.to_owned()).or_default().push(range);
            }
        }
        Ok(Self(parts))
    }

    /// True if the part, or a part merged from it, exists. An unknown name counts as existing: an
    /// extra token loses rows only if the part is lost, too, but a missing token duplicates rows.
    fn hold(&self, name: &str) -> bool {
        let Some((partition, range)) = parse_part(name) else {
            return true;
        };
        let others = self.0.get(partition);
        others.is_some_and(|others| others.iter().any(|other| other.covers(&range)))
    }
}

/// False if a required file is missing or empty, as after a power cut or on a full disk. ClickHouse
/// sets such a part aside at its start, so the part is no proof.
fn is_whole(part: &Path) -> Result<bool, EngineError> {
    let mut needed = NEEDED.to_vec();
    for entry in fs::read_dir(part).map_err(at(part))? {
        let entry = entry.map_err(at(part))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let is_needed = NEEDED.contains(&name) || MARKS.iter().any(|marks| name.contains(marks));
        if is_needed && entry.metadata().map_err(at(part))?.len() == 0 {
            return Ok(false);
        }
        needed.retain(|needed| *needed != name);
    }
    Ok(needed.is_empty())
}

/// Numbers in a part's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PartNumbers {
    first: i64,
    last: i64,
    level: u64,
    mutation: i64,
}

impl PartNumbers {
    /// True if `other` is this part, or one of its sources.
    fn covers(&self, other: &Self) -> bool {
        self.first <= other.first
            && self.last >= other.last
            && self.level >= other.level
            && self.mutation >= other.mutation
    }
}

/// Parses `PARTITION_FIRST_LAST_LEVEL[_MUTATION]`. The name of a partition has no underscore.
fn parse_part(name: &str) -> Option<(&str, PartNumbers)> {
    let mut fields = name.split('_');
    let partition = fields.next().filter(|partition| !partition.is_empty())?;
    let range = PartNumbers {
        first: fields.next()?.parse().ok()?,
        last: fields.next()?.parse().ok()?,
        level: fields.next()?.parse().ok()?,
        mutation: fields.next().map_or(Some(0), |field| field.parse().ok())?,
    };
    fields.next().is_none().then_some((partition, range))
}

/// Lists the folders in a folder; empty if the folder does not exist.
fn folders(path: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(EngineError::io(path, cause)),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry.map_err(at(path))?;
        if entry.file_type().map_err(at(path))?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a data folder with one table, its logs and its parts.
    fn table(logs: &[(&str, &str)], parts: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let table = dir
            .path()
            .join("store/309/309e9aa9-b343-463b-9763-716e3df861c2");
        fs::create_dir_all(table.join("detached/201701_1_1_0")).unwrap();
        fs::create_dir_all(table.join(LOGS)).unwrap();
        for part in parts {
            fs::create_dir(table.join(part)).unwrap();
            for name in NEEDED {
                fs::write(table.join(part).join(name), "x").unwrap();
            }
        }
        for (name, text) in logs {
            fs::write(table.join(LOGS).join(name), text).unwrap();
        }
        (dir, table.join(LOGS))
    }

    const LOG: &str = "deduplication_log_1.txt";

    #[test]
    fn a_token_is_removed_only_if_its_part_is_neither_present_nor_merged() {
        let text = "1\t201701_1_1_0\tone\n1\t201701_2_2_0\ttwo\n1\t201702_3_3_0\tthree\n";
        // 201701_1_2_1 was merged from the first two parts; the February part is lost.
        let (dir, logs) = table(&[(LOG, text)], &["201701_1_2_1", "201702_4_4_0"]);
        let empty = tempfile::tempdir().unwrap();
        let nothing = repair_deduplication_logs(empty.path()).unwrap();
        assert_eq!(nothing, RepairReport::default());
        let report = repair_deduplication_logs(dir.path()).unwrap();
        assert_eq!(report.tables, 1);
        assert_eq!(report.tokens, 3);
        assert_eq!(report.lost_parts, ["201702_3_3_0"]);
        let mended = fs::read_to_string(logs.join(LOG)).unwrap();
        assert_eq!(mended, format!("{text}2\t201702_3_3_0\tthree\n"));

        let again = repair_deduplication_logs(dir.path()).unwrap();
        assert_eq!(
            (again.tokens, again.lost_parts.len()),
            (2, 0),
            "a second repair finds nothing"
        );
        assert_eq!(fs::read_to_string(logs.join(LOG)).unwrap(), mended);
    }

    #[test]
    fn the_last_word_on_a_token_counts_over_all_logs_in_their_order() {
        let first = "1\tall_1_1_0\ta\n2\tall_1_1_0\ta\n1\tall_2_2_0\tb\n";
        // Log 10 was written after log 2, although its name sorts before it.
        let second = "1\tall_3_3_0\ta\n2\tall_2_2_0\tb\n";
        let third = "1\tall_9_9_0\tb\n";
        let logs = [
            ("deduplication_log_1.txt", first),
            ("deduplication_log_10.txt", third),
            ("deduplication_log_2.txt", second),
        ];
        let (dir, logs) = table(&logs, &[]);
        let report = repair_deduplication_logs(dir.path()).unwrap();
        assert_eq!(report.lost_parts, ["all_3_3_0", "all_9_9_0"]);
        let read = |name: &str| fs::read_to_string(logs.join(name)).unwrap();
        assert_eq!(read("deduplication_log_1.txt"), first);
        assert_eq!(
            read("deduplication_log_2.txt"),
            format!("{second}2\tall_3_3_0\ta\n")
        );
        assert_eq!(
            read("deduplication_log_10.txt"),
            format!("{third}2\tall_9_9_0\tb\n")
        );
    }

    /// A power cut leaves half a line, and a file system may return zeros in place of lines.
    #[test]
    fn torn_lines_are_removed_with_all_that_follows() {
        let whole = "1\tall_1_1_0\ta\n";
        for torn in ["1\tall_2_2_", "\0\0\0\0\n1\tall_2_2_0\tb\n"] {
            let text = format!("{whole}{torn}");
            let (dir, logs) = table(&[(LOG, &text)], &["all_1_1_0", "all_2_2_0"]);
            let report = repair_deduplication_logs(dir.path()).unwrap();
            assert_eq!((report.torn_lines, report.tokens), (1, 1));
            assert_eq!(fs::read_to_string(logs.join(LOG)).unwrap(), whole);
        }
    }

    #[test]
    fn a_part_that_is_there_but_broken_proves_nothing() {
        let text = "1\tall_1_1_0\ta\n1\tall_2_2_0\tb\n1\tall_3_3_0\tc\n1\tall_4_4_0\td\n";
        let names = ["all_1_1_0", "all_2_2_0", "all_3_3_0", "all_4_4_0"];
        let (dir, logs) = table(&[(LOG, text)], &names);
        let parts = logs.parent().unwrap();
        fs::write(parts.join("all_2_2_0/data.cmrk4"), "").unwrap();
        fs::write(parts.join("all_3_3_0/count.txt"), "").unwrap();
        fs::remove_file(parts.join("all_4_4_0/checksums.txt")).unwrap();
        let report = repair_deduplication_logs(dir.path()).unwrap();
        assert_eq!(report.lost_parts, ["all_2_2_0", "all_3_3_0", "all_4_4_0"]);
    }

    #[test]
    fn names_of_parts_are_read_and_ranges_compared() {
        let range = |name| parse_part(name).unwrap().1;
        let numbers = PartNumbers {
            first: 1,
            last: 5,
            level: 2,
            mutation: 9,
        };
        assert_eq!(parse_part("20170101_1_5_2_9"), Some(("20170101", numbers)));
        for (one, other, expected) in [
            ("p_1_5_1", "p_2_3_0", true),
            ("p_1_5_1", "p_2_6_0", false),
            // Before the mutation.
            ("p_2_2_0", "p_2_2_0_7", false),
        ] {
            assert_eq!(range(one).covers(&range(other)), expected, "{one} {other}");
        }
        for name in [
            "detached",
            "deduplication_logs",
            "tmp_insert_p_1_1_0",
            "p_1_1",
            "p_1_1_0_1_1",
        ] {
            assert_eq!(parse_part(name), None, "{name}");
        }
    }
}
