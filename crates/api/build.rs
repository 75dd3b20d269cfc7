//! Lists the files of the pages for `src/dashboard/assets.rs`, each with its media type.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const FOLDER: &str = "assets";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let mut paths = Vec::new();
    list(Path::new(FOLDER), &mut paths)?;
    paths.sort();
    let mut table = String::from("const ASSETS: &[Asset] = &[\n");
    for path in paths {
        let Some(media_type) = media_type(&path) else {
            continue;
        };
        let name = path.strip_prefix(FOLDER).map_err(io::Error::other)?;
        _ = writeln!(
            table,
            "    Asset {{ path: {name:?}, media_type: {media_type:?}, bytes: \
             include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/\", {path:?})) }},"
        );
    }
    table.push_str("];\n");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
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

/// Returns the media type of a file; `None` for files that are not served.
fn media_type(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "woff2" => Some("font/woff2"),
        _ => None,
    }
}
