//! Logos: pictures from files that can be printed safely.
//!
//! A browser shows the bytes of the file, the PDF its shapes. So a file may neither run nor load
//! anything, nor depend on fonts.

use std::fmt;
use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;
use usvg::roxmltree::{self, Document, Node, ParsingOptions};

use crate::text::harmless;

/// Largest file, in bytes, and largest side of a PNG, in pixels.
const BYTES_MAX: u64 = 512 << 10;
const SIDE_MAX: u32 = 4_000;
/// Largest number of elements and attributes of an SVG.
const NODES_MAX: u32 = 50_000;
/// Elements that draw, and those that describe.
const SHAPES: [&str; 21] = [
    "svg",
    "g",
    "defs",
    "symbol",
    "use",
    "switch",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "style",
    "title",
    "desc",
    "metadata",
];
/// Effects, which are refused by name once the shapes that use them are known.
const EFFECTS: [&str; 3] = ["mask", "filter", "pattern"];
const SVG: &str = "http://www.w3.org/2000/svg";
const XHTML: &str = "http://www.w3.org/1999/xhtml";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A picture.
#[derive(Debug, Clone)]
pub struct Logo {
    /// Name, which screen readers speak.
    pub name: String,
    bytes: Vec<u8>,
    form: LogoForm,
}

#[derive(Debug, Clone)]
pub(crate) enum LogoForm {
    Svg(Box<usvg::Tree>),
    Png {
        /// Width and height in pixels.
        size: [u32; 2],
    },
}

/// A file that is refused.
#[derive(Debug, Error)]
#[error("{setting}: {}: {fault}", file.display())]
pub struct LogoError {
    setting: String,
    file: PathBuf,
    fault: LogoFault,
}

#[derive(Debug, Error)]
enum LogoFault {
    #[error("it cannot be read: {0}: correct the path, which begins at the working folder")]
    Unreadable(#[from] std::io::Error),
    #[error("it has more than {} KiB: reduce it", BYTES_MAX >> 10)]
    Large,
    #[error("it has {0}x{1} pixels: use at most {SIDE_MAX} each way")]
    Wide(u32, u32),
    #[error("it is neither SVG nor PNG: convert it")]
    Unknown,
    #[error("the PNG is damaged: {0}: export it again")]
    Png(#[from] png::DecodingError),
    #[error("the SVG is damaged: {0}: export it again")]
    Svg(#[from] usvg::Error),
    #[error("the SVG is damaged: {0}: export it again")]
    Xml(#[from] roxmltree::Error),
    #[error("line {line} has {what}: {remedy}")]
    Part {
        line: u32,
        what: String,
        remedy: &'static str,
    },
    #[error("the picture has {0}, which cannot be printed: export it without, or as PNG")]
    Effect(&'static str),
}

impl Logo {
    /// Reads the file that a setting names.
    pub(super) fn read(setting: &str, file: &Path, name: &str) -> Result<Self, LogoError> {
        let read = || -> Result<Vec<u8>, LogoFault> {
            let mut bytes = Vec::new();
            let opened = std::fs::File::open(file)?;
            opened.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let logo = read().and_then(|bytes| Self::of(bytes, name));
        logo.map_err(|fault| LogoError {
            setting: setting.to_owned(),
            file: file.to_owned(),
            fault,
        })
    }

    fn of(bytes: Vec<u8>, name: &str) -> Result<Self, LogoFault> {
        if bytes.len() as u64 > BYTES_MAX {
            return Err(LogoFault::Large);
        }
        let form = match bytes.starts_with(PNG) {
            true => png(&bytes)?,
            false => svg(std::str::from_utf8(&bytes).map_err(|_| LogoFault::Unknown)?)?,
        };
        Ok(Self {
            name: harmless(name.trim()),
            bytes,
            form,
        })
    }

    /// Returns the media type of the file.
    pub fn media_type(&self) -> &'static str {
        match self.form {
            LogoForm::Svg(_) => "image/svg+xml",
            LogoForm::Png { .. } => "image/png",
        }
    }

    /// Returns the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn form(&self) -> &LogoForm {
        &self.form
    }

    /// Returns the size in a box, with the same proportions.
    pub(crate) fn size_in(&self, [width, height]: [f32; 2]) -> [f32; 2] {
        let [own_width, own_height] = match &self.form {
            LogoForm::Svg(tree) => [tree.size().width(), tree.size().height()],
            LogoForm::Png { size } => size.map(|side| side as f32),
        };
        let scale = (width / own_width).min(height / own_height);
        [own_width * scale, own_height * scale]
    }
}

impl PartialEq for Logo {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.bytes) == (&other.name, &other.bytes)
    }
}

/// Decodes the whole file, so that no later step meets damage.
fn png(bytes: &[u8]) -> Result<LogoForm, LogoFault> {
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info()?;
    let (width, height) = (reader.info().width, reader.info().height);
    if width.max(height) > SIDE_MAX {
        return Err(LogoFault::Wide(width, height));
    }
    let mut pixels = vec![0; reader.output_buffer_size().unwrap_or_default()];
    reader.next_frame(&mut pixels)?;
    let size = [width, height];
    Ok(LogoForm::Png { size })
}

fn svg(text: &str) -> Result<LogoForm, LogoFault> {
    let text = text.trim_start_matches('\u{feff}');
    if !text.contains("<svg") {
        return Err(LogoFault::Unknown);
    }
    for (declaration, what) in [
        ("<!ENTITY", "an entity"),
        ("<!ATTLIST", "default attributes"),
    ] {
        if let Some((before, _)) = text.split_once(declaration) {
            return Err(LogoFault::Part {
                line: 1 + u32::try_from(before.matches('\n').count()).unwrap_or(u32::MAX),
                what: what.to_owned(),
                remedy: PLAIN,
            });
        }
    }
    let options = ParsingOptions {
        allow_dtd: true,
        nodes_limit: NODES_MAX,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options)?;
    for node in document.descendants() {
        if let Some(part) = forbidden(node) {
            return Err(LogoFault::Part {
                line: document.text_pos_at(node.range().start).row,
                what: part.what,
                remedy: part.remedy,
            });
        }
    }
    let tree = usvg::Tree::from_xmltree(&document, &usvg::Options::default())?;
    if !tree.masks().is_empty() {
        return Err(LogoFault::Effect("masks"));
    }
    if !tree.filters().is_empty() {
        return Err(LogoFault::Effect("filters"));
    }
    if !tree.patterns().is_empty() {
        return Err(LogoFault::Effect("patterns"));
    }
    Ok(LogoForm::Svg(Box::new(tree)))
}

const PLAIN: &str = "export the picture as plain SVG";

/// A part of an SVG that a logo may not have.
struct Forbidden {
    what: String,
    remedy: &'static str,
}

fn forbidden(node: Node<'_, '_>) -> Option<Forbidden> {
    let script = |what: &dyn fmt::Display| {
        Some(Forbidden {
            what: format!("a script ({what})"),
            remedy: "export the picture without scripts",
        })
    };
    let external = |what: &dyn fmt::Display| {
        Some(Forbidden {
            what: format!("a reference to outside the file ({what})"),
            remedy: "export the picture with all its parts in one file",
        })
    };
    if let Some(instruction) = node.pi() {
        return external(&instruction.target);
    }
    let (space, name) = (node.tag_name().namespace(), node.tag_name().name());
    match name {
        _ if !node.is_element() => return None,
        "script" | "handler" | "foreignObject" | "iframe" => return script(&name),
        "text" => {
            return Some(Forbidden {
                what: "text, whose look depends on installed fonts".to_owned(),
                remedy: "convert texts to paths",
            });
        }
        "image" => {
            return Some(Forbidden {
                what: "an image".to_owned(),
                remedy: "export the whole picture as PNG",
            });
        }
        "style"
            if node
                .descendants()
                .filter_map(|part| part.text())
                .any(loads_other_files) =>
        {
            return external(&"style");
        }
        // Notes of drawing programs are in namespaces of theirs, and are not drawn.
        _ if space == Some(XHTML) || (space == Some(SVG) && !is_drawn(node)) => {
            return Some(Forbidden {
                what: format!("an element that is no shape ({name})"),
                remedy: PLAIN,
            });
        }
        _ => {}
    }
    for attribute in node.attributes() {
        let (name, value) = (attribute.name(), attribute.value().trim());
        if name.to_ascii_lowercase().starts_with("on") {
            return script(&name);
        }
        let is_reference = name == "href" && !value.starts_with('#');
        if is_reference || loads_other_files(value) {
            return external(&value.chars().take(60).collect::<String>());
        }
    }
    None
}

/// True for a shape, its description and the parts of an effect.
fn is_drawn(node: Node<'_, '_>) -> bool {
    SHAPES.contains(&node.tag_name().name())
        || node
            .ancestors()
            .any(|above| EFFECTS.contains(&above.tag_name().name()))
}

/// True if a style names a file or an address.
fn loads_other_files(style: &str) -> bool {
    let style = style.to_ascii_lowercase();
    // A backslash could hide a name from this check.
    let mut addresses = style.split("url(").skip(1);
    ["@import", "image-set(", "src(", "\\"]
        .iter()
        .any(|part| style.contains(part))
        || addresses.any(|address| {
            !address
                .trim_start_matches([' ', '"', '\''])
                .starts_with('#')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        Logo::of(bytes.to_vec(), "A").unwrap_err().to_string()
    }

    fn in_svg(content: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 20 10\">\n{content}\n</svg>"
        )
    }

    #[test]
    fn plain_pictures_are_taken() {
        let plain = "<defs><linearGradient id=\"g\"><stop stop-color=\"#123456\"/></linearGradient></defs>\
            <style>path { fill: url(#g) }</style><path id=\"p\" d=\"M0 0h20v10z\"/><use xlink:href=\"#p\"/>\
            <n:view xmlns:n=\"http://notes.example\" n:zoom=\"2\"/>";
        let logo = Logo::of(in_svg(plain).into_bytes(), " A ").unwrap();
        assert_eq!(logo.media_type(), "image/svg+xml");
        assert_eq!(logo.name, "A");
        assert_eq!(logo.size_in([100.0, 100.0]), [100.0, 50.0]);
        assert_eq!(logo.size_in([100.0, 10.0]), [20.0, 10.0]);
        let doctype = format!(
            "<?xml version=\"1.0\"?>\n<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">\n{}",
            in_svg(plain)
        );
        Logo::of(doctype.into_bytes(), "A").unwrap();
        let png = include_bytes!("../../fixtures/logo.png");
        let logo = Logo::of(png.to_vec(), "A").unwrap();
        assert_eq!(logo.media_type(), "image/png");
    }

    #[test]
    fn scripts_outside_references_and_effects_are_refused() {
        for (content, said) in [
            ("<script>alert(1)</script>", "line 2 has a script (script)"),
            (
                "<g>\n<path onclick=\"x()\" d=\"M0 0h1v1z\"/></g>",
                "line 3 has a script (onclick)",
            ),
            ("<foreignObject/>", "a script (foreignObject)"),
            (
                "<use xlink:href=\"javascript:x()\"/>",
                "outside the file (javascript:x())",
            ),
            (
                "<use href=\"http://a.example/b.svg#c\"/>",
                "outside the file (http://a.example",
            ),
            ("<image href=\"data:image/png;base64,AA\"/>", "an image"),
            (
                "<rect fill=\"url(http://a.example/#b)\" width=\"1\" height=\"1\"/>",
                "outside the file",
            ),
            (
                "<rect style=\"fill: URL( 'b.svg#c')\" width=\"1\" height=\"1\"/>",
                "outside the file",
            ),
            (
                "<style>@import 'a.css';</style>",
                "outside the file (style)",
            ),
            (
                "<style>a { fill: u\\72l(b.svg) }</style>",
                "outside the file (style)",
            ),
            (
                "<style>/* */<!-- -->a { fill: url(b.svg#c) }</style>",
                "outside the file (style)",
            ),
            (
                "<style>a { fill: image-set('b.png' 1x) }</style>",
                "outside the file (style)",
            ),
            (
                "<a xlink:href=\"#p\"><set attributeName=\"href\" to=\"javascript:x()\"/></a>",
                "no shape (a)",
            ),
            (
                "<path d=\"M0 0h1v1z\"><animate attributeName=\"d\"/></path>",
                "no shape (animate)",
            ),
            (
                "<p xmlns=\"http://www.w3.org/1999/xhtml\"><img src=\"a\"/></p>",
                "no shape (p)",
            ),
            ("<text>A</text>", "convert texts to paths"),
            (
                "<mask id=\"m\"><rect width=\"1\" height=\"1\"/></mask><rect mask=\"url(#m)\" width=\"1\" height=\"1\"/>",
                "the picture has masks",
            ),
        ] {
            let found = refused(in_svg(content).as_bytes());
            assert!(found.contains(said), "{content}: {found}");
        }
        let entity = "<!DOCTYPE svg [\n<!ENTITY a \"b\">]><svg/>";
        assert!(refused(entity.as_bytes()).contains("line 2 has an entity"));
        let defaults = "<!DOCTYPE svg [<!ATTLIST svg onload CDATA 'x()'>]><svg/>";
        assert!(refused(defaults.as_bytes()).contains("line 1 has default attributes"));
        let sheet = format!("<?xml-stylesheet href=\"a.css\"?>{}", in_svg(""));
        assert!(refused(sheet.as_bytes()).contains("xml-stylesheet"));
    }

    #[test]
    fn other_files_are_refused_with_their_place() {
        assert!(refused(b"GIF89a").contains("neither SVG nor PNG"));
        assert!(refused(b"\xff\xd8\xff").contains("neither SVG nor PNG"));
        assert!(refused(b"<svg").contains("damaged"));
        let large = vec![b' '; usize::try_from(BYTES_MAX).unwrap() + 1];
        assert!(refused(&large).contains("more than 512 KiB"));
        let whole = include_bytes!("../../fixtures/logo.png");
        assert!(refused(&whole[..whole.len() / 2]).contains("the PNG is damaged"));
        let missing = Logo::read("report.logo", Path::new("missing.svg"), "A");
        let said = missing.unwrap_err().to_string();
        assert!(
            said.starts_with("report.logo: missing.svg: it cannot be read"),
            "{said}"
        );
    }
}
