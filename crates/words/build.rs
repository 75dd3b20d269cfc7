//! Lists the catalogues of the folder for `src/language.rs`. The build fails where they differ.

#[path = "src/check.rs"]
mod check;
#[path = "src/pattern.rs"]
mod pattern;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use check::CatalogueFile;

const FOLDER: &str = "catalogues";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let files = catalogue_files()?;
    for fault in check::faults(&files) {
        println!("cargo::error={FOLDER}: {fault}");
    }
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("languages.rs"), languages(&files))
}

/// Reads the catalogues in the order of their codes.
fn catalogue_files() -> io::Result<Vec<CatalogueFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(Path::new(FOLDER))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "ftl") {
            let code = path.file_stem().and_then(|stem| stem.to_str());
            files.push(CatalogueFile {
                code: code.unwrap_or_default().to_owned(),
                text: fs::read_to_string(&path)?,
            });
        }
    }
    files.sort_by(|a, b| a.code.cmp(&b.code));
    Ok(files)
}

/// Returns a constant for each language, their list, and the table of their catalogues.
fn languages(files: &[CatalogueFile]) -> String {
    let (mut constants, mut names, mut table) = (String::new(), Vec::new(), String::new());
    for (place, CatalogueFile { code, .. }) in files.iter().enumerate() {
        let name = code.to_uppercase();
        _ = writeln!(
            constants,
            "    /// Language `{code}`.\n    pub const {name}: Self = Self({place});"
        );
        _ = writeln!(
            table,
            "    CatalogueSource {{ code: {code:?}, format: grouped::<{place}, _>, text: \
             include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{FOLDER}/{code}.ftl\")) }},"
        );
        names.push(format!("Self::{name}"));
    }
    let count = files.len();
    format!(
        "impl Language {{\n{constants}    /// Every language, in the order of the codes.\n    \
         pub const ALL: [Self; {count}] = [{}];\n}}\n\
         static SOURCES: [CatalogueSource; {count}] = [\n{table}];\n",
        names.join(", ")
    )
}
