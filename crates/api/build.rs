//! Lists the files of the folder `assets` that are served, and joins its modules to one script.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const FOLDER: &str = "assets";
/// Joined files: the first part is the name.
const STYLES: [&str; 2] = ["vendor/uplot.css", "app.css"];
const CHARTS: &str = "vendor/uplot.js";
const MAIN: &str = "app.js";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let mut paths = Vec::new();
    list(Path::new(FOLDER), &mut paths)?;
    paths.sort();
    let mut files = BTreeMap::new();
    for path in &paths {
        let name = path.strip_prefix(FOLDER).map_err(io::Error::other)?;
        files.insert(name.to_string_lossy().into_owned(), path.canonicalize()?);
    }
    let styles = STYLES.map(|name| fs::read_to_string(Path::new(FOLDER).join(name)));
    let [charts, main] = styles;
    fs::write(out.join("app.css"), charts? + &main?)?;
    fs::write(out.join(MAIN), script(&files)?)?;

    let served = files.iter().filter(|(name, _)| media_type(name).is_some());
    let served = served.map(|(name, path)| (name.as_str(), path.clone()));
    let joined = ["app.css", MAIN].map(|name| (name, out.join(name)));
    let mut table = String::from("const FILES: &[File] = &[\n");
    for (name, path) in served.chain(joined) {
        let kind = media_type(name).unwrap_or("text/javascript; charset=utf-8");
        _ = writeln!(
            table,
            "File {{ path: {name:?}, media_type: {kind:?}, bytes: include_bytes!({path:?}) }},"
        );
    }
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table)
}

/// Collects the files of a folder and of those in it.
fn list(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => list(&path, paths)?,
            false => paths.push(path),
        }
    }
    Ok(())
}

/// Returns the media type of a file that is served as it is; `None` for others.
fn media_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" if name == "app.css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "woff2" => Some("font/woff2"),
        _ => None,
    }
}

/// Joins the library of charts, all modules and the main module to one script.
fn script(files: &BTreeMap<String, PathBuf>) -> io::Result<String> {
    let mut modules = Modules {
        files,
        done: Vec::new(),
        script: fs::read_to_string(&files[CHARTS])?
            + "\n(() => {\n\"use strict\";\nconst modules = {};\n",
    };
    let views = files.keys().filter(|name| name.starts_with("views/"));
    for view in views {
        modules.add(view)?;
    }
    modules.add(MAIN)?;
    Ok(modules.script + "})();\n")
}

/// Modules that become functions of one script, each after those that it imports. The form of an
/// import or export is one of a few, and any other fails the build.
struct Modules<'f> {
    files: &'f BTreeMap<String, PathBuf>,
    done: Vec<String>,
    script: String,
}

impl Modules<'_> {
    fn add(&mut self, name: &str) -> io::Result<()> {
        if self.done.iter().any(|done| done == name) {
            return Ok(());
        }
        self.done.push(name.to_owned());
        let path = self
            .files
            .get(name)
            .ok_or_else(|| wrong(name, "is missing"))?;
        let source = fs::read_to_string(path)?;
        let (mut body, mut exports) = (String::new(), Vec::new());
        for line in source.lines() {
            if let Some(import) = line.strip_prefix("import ") {
                let (names, from) = import
                    .trim_end_matches([';', '"'])
                    .split_once(" from \"")
                    .ok_or_else(|| wrong(name, line))?;
                let from = resolved(name, from);
                self.add(&from)?;
                _ = writeln!(body, "const {names} = modules[{from:?}];");
            } else if let Some(declared) = line.strip_prefix("export ") {
                let exported = declared_name(declared).ok_or_else(|| wrong(name, line))?;
                let declared = declared.strip_prefix("default ");
                exports.push(match declared {
                    Some(_) => format!("default: {exported}"),
                    None => exported.to_owned(),
                });
                body += declared.unwrap_or(&line["export ".len()..]);
                body.push('\n');
            } else {
                body += line;
                body.push('\n');
            }
        }
        let exports = exports.join(", ");
        _ = write!(
            self.script,
            "modules[{name:?}] = (() => {{\n{body}return {{ {exports} }};\n}})();\n"
        );
        Ok(())
    }
}

/// Returns the path of an import from the folder `assets`.
fn resolved(importer: &str, path: &str) -> String {
    let folder = importer.rsplit_once('/').map(|(folder, _)| folder);
    match (path.strip_prefix("../"), path.strip_prefix("./"), folder) {
        (Some(above), ..) => above.to_owned(),
        (_, Some(beside), Some(folder)) => format!("{folder}/{beside}"),
        (_, beside, _) => beside.unwrap_or(path).to_owned(),
    }
}

/// Returns the name that a line declares after `export`.
fn declared_name(line: &str) -> Option<&str> {
    let line = line.strip_prefix("default ").unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line);
    let kinds = ["function ", "class ", "const "];
    let rest = kinds.iter().find_map(|kind| line.strip_prefix(kind))?;
    rest.split(|c: char| !c.is_alphanumeric()).next()
}

fn wrong(module: &str, line: &str) -> io::Error {
    io::Error::other(format!("{module}: {line}: not a known form"))
}
