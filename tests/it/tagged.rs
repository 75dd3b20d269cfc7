//! Reads a tagged PDF as a screen reader does: its structure, with the text of each part.

use std::collections::BTreeMap;
use std::path::Path;

use hayro_syntax::Pdf;
use hayro_syntax::content::ops::TypedInstruction;
use hayro_syntax::object::{Dict, Name, Number, Object, ObjectIdentifier, Stream};

/// An element of the structure tree.
#[derive(Debug)]
pub struct Element {
    /// `Table`, `TR`, `H2` and so on.
    pub role: String,
    /// Alternative text of a figure.
    pub alt: Option<String>,
    pub parts: Vec<Part>,
}

#[derive(Debug)]
pub enum Part {
    Element(Element),
    Text(String),
}

/// A document as a screen reader presents it.
pub struct Told {
    pub language: String,
    pub title: String,
    pub pages: usize,
    pub root: Element,
}

/// Text of marked content by page and content id.
type Texts = BTreeMap<(ObjectIdentifier, i64), String>;

impl Told {
    pub fn read(file: &Path) -> Self {
        let bytes = std::fs::read(file).expect("the document was written");
        let pdf = Pdf::new(bytes).expect("it is a PDF");
        let catalogue: Dict<'_> = pdf.xref().get(pdf.xref().root_id()).expect("a catalogue");
        let mark: Dict<'_> = catalogue
            .get("MarkInfo")
            .expect("it says that it is tagged");
        assert_eq!(mark.get::<bool>("Marked"), Some(true));
        let mut texts = Texts::new();
        for page in pdf.pages().iter() {
            read_page(page, &mut texts);
        }
        let tree: Dict<'_> = catalogue.get("StructTreeRoot").expect("it has a structure");
        let metadata: Stream<'_> = catalogue.get("Metadata").expect("it has metadata");
        let metadata = metadata.decoded().expect("they can be read").to_vec();
        let metadata = String::from_utf8(metadata).expect("they are text");
        assert!(metadata.contains("pdfuaid:part"), "{metadata}");
        let language: hayro_syntax::object::String<'_> =
            catalogue.get("Lang").expect("it has a language");
        let title = metadata.split("<rdf:li xml:lang=\"x-default\">").nth(1);
        let title = title.and_then(|rest| rest.split('<').next());
        let root = only(elements(&tree, None, &texts));
        let texts_left: usize = texts.len() - root.count();
        assert_eq!(texts_left, 0, "every text is part of the structure once");
        Self {
            language: text_of(language.as_bytes()),
            title: title.unwrap_or_default().to_owned(),
            pages: pdf.pages().len(),
            root,
        }
    }
}

impl Element {
    /// Returns all text of the element, in reading order.
    pub fn text(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Element(element) => element.text(),
            Part::Text(text) => text.clone(),
        });
        parts.collect::<Vec<_>>().concat().trim().to_owned()
    }

    /// Returns the elements of this role, but not those nested in one of them.
    pub fn all(&self, role: &str) -> Vec<&Self> {
        let elements = self.parts.iter().filter_map(|part| match part {
            Part::Element(element) => Some(element),
            Part::Text(_) => None,
        });
        let found = elements.map(|element| match element.role == role {
            true => vec![element],
            false => element.all(role),
        });
        found.flatten().collect()
    }

    fn count(&self) -> usize {
        let counts = self.parts.iter().map(|part| match part {
            Part::Element(element) => element.count(),
            Part::Text(_) => 1,
        });
        counts.sum()
    }
}

fn only<T>(mut list: Vec<T>) -> T {
    assert_eq!(list.len(), 1);
    list.remove(0)
}

/// Returns the elements below a dictionary of the structure.
fn elements(above: &Dict<'_>, page: Option<ObjectIdentifier>, texts: &Texts) -> Vec<Element> {
    let parts = parts(above, page, texts);
    let elements = parts.into_iter().filter_map(|part| match part {
        Part::Element(element) => Some(element),
        Part::Text(_) => None,
    });
    elements.collect()
}

fn parts(above: &Dict<'_>, page: Option<ObjectIdentifier>, texts: &Texts) -> Vec<Part> {
    let own = above.get::<Dict<'_>>("Pg").and_then(|page| page.obj_id());
    let page = own.or(page);
    let kids: Vec<Object<'_>> = match above.get::<Object<'_>>("K") {
        Some(Object::Array(list)) => list.iter::<Object<'_>>().collect(),
        Some(kid) => vec![kid],
        None => Vec::new(),
    };
    let part = |kid: Object<'_>| match kid {
        Object::Number(number) => Some(marked(number, page, texts)),
        Object::Dict(kid) if kid.contains_key("S") => {
            let role: Name<'_> = kid.get("S").expect("it has a role");
            let alt: Option<hayro_syntax::object::String<'_>> = kid.get("Alt");
            Some(Part::Element(Element {
                role: role.as_str().to_owned(),
                alt: alt.map(|alt| text_of(alt.as_bytes())),
                parts: parts(&kid, page, texts),
            }))
        }
        Object::Dict(kid) if kid.contains_key("MCID") => {
            let own = kid.get::<Dict<'_>>("Pg").and_then(|page| page.obj_id());
            let number = kid.get("MCID").expect("it has a number");
            Some(marked(number, own.or(page), texts))
        }
        // Links have no text.
        _ => None,
    };
    kids.into_iter().filter_map(part).collect()
}

fn marked(number: Number, page: Option<ObjectIdentifier>, texts: &Texts) -> Part {
    let place = (page.expect("content is on a page"), number.as_i64());
    Part::Text(texts[&place].clone())
}

/// Reads the texts of a page; decoration has no content id.
fn read_page(page: &hayro_syntax::page::Page<'_>, texts: &mut Texts) {
    let id = page.raw().obj_id().expect("pages are objects");
    let mut fonts: BTreeMap<String, BTreeMap<u16, String>> = BTreeMap::new();
    let (mut font, mut number, mut short) = (String::new(), None, false);
    let mut operations = page.typed_operations();
    while let Some(operation) = operations.next() {
        match operation {
            TypedInstruction::BeginMarkedContentWithProperties(begun) => {
                let Object::Dict(properties) = &begun.1 else {
                    continue;
                };
                number = properties
                    .get::<Number>("MCID")
                    .map(|number| number.as_i64());
                let Some(number) = number else {
                    continue;
                };
                let full: Option<hayro_syntax::object::String<'_>> = properties.get("E");
                short = full.is_some();
                let full = full.map(|full| text_of(full.as_bytes()));
                texts.insert((id, number), full.unwrap_or_default());
            }
            TypedInstruction::EndMarkedContent(_) => number = None,
            TypedInstruction::TextFont(set) => {
                font = set.0.as_str().to_owned();
                fonts
                    .entry(font.clone())
                    .or_insert_with(|| letters(page, set.0));
            }
            TypedInstruction::ShowText(shown) => {
                let Some(text) = number.and_then(|number| texts.get_mut(&(id, number))) else {
                    continue;
                };
                if !short {
                    text.push_str(&decoded(shown.0.as_bytes(), &fonts[&font]));
                }
            }
            TypedInstruction::ShowTexts(shown) => {
                let Some(text) = number.and_then(|number| texts.get_mut(&(id, number))) else {
                    continue;
                };
                for part in shown.0.iter::<Object<'_>>() {
                    if let (Object::String(part), false) = (part, short) {
                        text.push_str(&decoded(part.as_bytes(), &fonts[&font]));
                    }
                }
            }
            _ => {}
        }
    }
}

fn decoded(bytes: &[u8], letters: &BTreeMap<u16, String>) -> String {
    let codes = bytes.chunks_exact(2);
    let codes = codes.map(|code| u16::from_be_bytes([code[0], code[1]]));
    codes.map(|code| letters[&code].as_str()).collect()
}

/// Returns the characters of a font's codes.
fn letters(page: &hayro_syntax::page::Page<'_>, name: &Name<'_>) -> BTreeMap<u16, String> {
    let font = page.resources().get_font(name).expect("fonts are named");
    let map: Stream<'_> = font.get("ToUnicode").expect("its letters are told");
    let map = map.decoded().expect("it can be read").to_vec();
    let map = String::from_utf8_lossy(&map).into_owned();
    let mut letters = BTreeMap::new();
    for block in map.split("beginbfchar").skip(1) {
        let block = block.split("endbfchar").next().unwrap_or_default();
        let codes: Vec<Vec<u8>> = hexes(block);
        for pair in codes.chunks_exact(2) {
            letters.insert(u16::from_be_bytes([pair[0][0], pair[0][1]]), wide(&pair[1]));
        }
    }
    for block in map.split("beginbfrange").skip(1) {
        let block = block.split("endbfrange").next().unwrap_or_default();
        assert!(!block.contains('['), "a form that this does not read");
        for triple in hexes(block).chunks_exact(3) {
            let [first, last] = [0, 1].map(|at| u16::from_be_bytes([triple[at][0], triple[at][1]]));
            for (step, code) in (first..=last).enumerate() {
                let mut letter = triple[2].clone();
                let end = letter.len() - 1;
                letter[end] += u8::try_from(step).expect("ranges are short");
                letters.insert(code, wide(&letter));
            }
        }
    }
    letters
}

/// Returns the bytes between angle brackets.
fn hexes(text: &str) -> Vec<Vec<u8>> {
    let hexes = text
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split('>').next());
    let bytes = hexes.map(|hex| {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pairs = digits.chunks_exact(2);
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).expect("digits");
            u8::from_str_radix(pair, 16).expect("digits")
        };
        pairs.map(byte).collect()
    });
    bytes.collect()
}

fn wide(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2);
    let units: Vec<u16> = units
        .map(|unit| u16::from_be_bytes([unit[0], unit[1]]))
        .collect();
    String::from_utf16(&units).expect("letters")
}

/// Decodes a text string: UTF-16 with a byte order mark, or single bytes.
fn text_of(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] => wide(rest),
        _ => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}
