//! Makes a first table of enti from the public index of bodies.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use affluenza_register::Register;
use affluenza_register::public_index::{ImportedEnti, Residents, import_enti};
use anyhow::{Context, Result, anyhow};

use super::register_files::text_of;
use crate::args::RegisterImport;
use crate::output::{self, say};

/// Doubts that are listed one by one.
const LISTED_MAX: usize = 50;

pub fn run(args: &RegisterImport) -> Result<()> {
    let residents = match (&args.residents, args.residents_year) {
        (Some(file), Some(year)) => {
            let residents = Residents::read(&read(file)?, year);
            Some(residents.with_context(|| file.display().to_string())?)
        }
        _ => None,
    };
    let index = read(&args.index)?;
    let imported = import_enti(&index, residents.as_ref(), &args.provinces)
        .with_context(|| args.index.display().to_string())?;
    write(&args.output, &imported.csv)
        .with_context(|| format!("{} cannot be written", args.output.display()))?;
    let mut doubts: Vec<String> = imported.doubts.iter().map(ToString::to_string).collect();
    doubts.extend(faults(&imported));
    for doubt in doubts.iter().take(LISTED_MAX) {
        say(doubt);
    }
    if doubts.len() > LISTED_MAX {
        say(&format!("… and {} more", doubts.len() - LISTED_MAX));
    }
    for (category, bodies) in &imported.other_categories {
        say(&format!(
            "category {category}: {bodies} bodies left out, because the register has no kind for them"
        ));
    }
    output::print(&format!(
        "{} enti written to {}: name the file under [files] enti in the register",
        imported.enti,
        args.output.display()
    ))
}

fn read(file: &Path) -> Result<String> {
    text_of(file).map_err(|reason| anyhow!("{} cannot be read: {reason}", file.display()))
}

/// Writes a new file. An existing table of enti may hold the work of days.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    File::create_new(file)?.write_all(text.as_bytes())
}

/// Returns the faults that `register check` would find in the written file.
fn faults(imported: &ImportedEnti) -> Vec<String> {
    let main = "[files]\nenti = [\"enti.csv\"]";
    let Err(errors) = Register::read(main, |_| Ok(imported.csv.clone())) else {
        return Vec::new();
    };
    errors.problems().iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::register_files::RegisterFiles;

    #[test]
    fn a_table_is_written_once_and_the_register_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let fixtures =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../register/tests/fixtures/public_index");
        let args = RegisterImport {
            index: fixtures.join("enti.csv"),
            residents: Some(fixtures.join("residents.csv")),
            residents_year: Some(2024),
            provinces: vec!["048".to_owned()],
            output: folder.path().join("enti.csv"),
        };
        run(&args).unwrap();
        let main = folder.path().join("register.toml");
        std::fs::write(&main, "[files]\nenti = [\"enti.csv\"]\n").unwrap();
        let register = RegisterFiles::read(&main).register.unwrap();
        assert_eq!(register.enti().len(), 4);

        let error = output::chain(&run(&args).unwrap_err());
        assert!(error.contains("enti.csv cannot be written"), "{error}");
    }
}
