//! Files of the pages.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::Compression;
use xxhash_rust::xxh3::Xxh3;

use crate::reply::gzip;

/// A file that is built into the program.
struct File {
    path: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

// The files that are served, listed by the build script.
include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file as it is sent.
#[derive(Clone)]
pub(crate) struct Asset {
    pub media_type: &'static str,
    pub bytes: Bytes,
    /// Compressed bytes; `None` for files that are compressed by themselves.
    pub gzip: Option<Bytes>,
}

/// All files, under an address that changes with their content.
pub(crate) struct Assets {
    /// Hash of all files.
    pub version: String,
    files: BTreeMap<&'static str, Asset>,
}

pub(crate) static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let mut hasher = Xxh3::new();
    let files = FILES.iter().map(|file| {
        hasher.update(file.bytes);
        let is_text = file.media_type != "font/woff2";
        let asset = Asset {
            media_type: file.media_type,
            bytes: Bytes::from_static(file.bytes),
            gzip: is_text
                .then(|| gzip(file.bytes, Compression::best()))
                .flatten(),
        };
        (file.path, asset)
    });
    let files = files.collect();
    Assets {
        version: format!("{:016x}", hasher.digest()),
        files,
    }
});

impl Assets {
    /// Returns the file of a path.
    pub fn find(&self, path: &str) -> Option<&Asset> {
        self.files.get(path)
    }

    /// Returns the address of a file, which a browser may keep for a year.
    pub fn address(&self, path: &str) -> String {
        format!("/assets/{}/{path}", self.version)
    }
}

#[cfg(test)]
mod tests {
    use affluenza_words::Language;

    use super::*;
    use crate::dashboard::frame;

    /// Size of a first visit.
    #[test]
    fn everything_is_under_100_kib_compressed() {
        let page = frame::example(Language::IT);
        let page = gzip(page.as_bytes(), Compression::fast()).map_or(0, |page| page.len());
        let files = ASSETS.files.values();
        let files = files.map(|asset| asset.gzip.as_ref().unwrap_or(&asset.bytes).len());
        let compressed = page + files.sum::<usize>();
        assert!(compressed < 90 * 1024, "{compressed} bytes");
    }

    #[test]
    fn script_fonts_and_style_are_served_and_nothing_else() {
        let paths = Vec::from_iter(ASSETS.files.keys().copied());
        let expected = [
            "app.css",
            "app.js",
            "icon.svg",
            "vendor/titillium-400.woff2",
            "vendor/titillium-600.woff2",
        ];
        assert_eq!(paths, expected);
    }

    /// Every module is in the script, after those that it imports.
    #[test]
    fn the_script_joins_all_modules() {
        let script = std::str::from_utf8(&ASSETS.files["app.js"].bytes).expect("text");
        let at = |part: &str| {
            script
                .find(part)
                .unwrap_or_else(|| panic!("{part} is missing"))
        };
        assert!(at("modules[\"dom.js\"] =") < at("modules[\"table.js\"] ="));
        assert!(at("modules[\"table.js\"] =") < at("modules[\"views/overview.js\"] ="));
        assert!(at("modules[\"views/overview.js\"] =") < at("modules[\"app.js\"] ="));
        assert!(!script.contains("\nimport ") && !script.contains("\nexport "));
    }
}
