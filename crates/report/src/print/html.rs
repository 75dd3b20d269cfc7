//! The report as one HTML file, for browsers, screen readers and A4 paper.

use crate::document::{
    Block, Cell, Chart, Charted, Document, FindingLine, MainFigure, Paragraph, Section, Table,
};
use crate::face::{Logo, ReportColours};
use affluenza_words::Language;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use crate::print::{ChartRoom, Plot, PrintError, across, typeface};

/// Layout on screen and on paper.
const STYLE: &str = include_str!("report.css");

/// A table of at most this many rows is kept on one page.
const SHORT: usize = 16;

/// Policy of the page: browsers load nothing, and take fonts and pictures from the file itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; base-uri 'none'; form-action 'none'";

/// Returns the whole file, with its fonts and pictures. It loads nothing, and runs no script.
pub fn html(document: &Document) -> Result<String, PrintError> {
    let document = &*document.printed();
    let language = document.language;
    let [contents, skip] = ["contents", "skip"].map(|id| language.say(id, &[]));
    let colours = document.centre.colours;
    let mut sections = Vec::new();
    for section in &document.sections {
        sections.push(section_markup(section, language, colours)?);
    }
    let (first, later) = sections.split_at(sections.len().min(1));
    let body = markup! {
        a.skip href="#main" { (skip) }
        header {
            @if let Some(logo) = &document.centre.logo { (logo_markup(logo)) }
            p.mark { (document.centre.mark()) }
            h1 { (document.title) }
            p.subject { (document.subject) }
            @for line in &document.edition { p.edition { (line) } }
        }
        main #main {
            @for section in first { (section) }
            nav aria-labelledby="contents" {
                h2 #contents { (contents) }
                ul {
                    @for section in &document.sections {
                        li { a href={ "#" (section.id) } { (section.heading(language)) } }
                    }
                }
            }
            @for section in later { (section) }
        }
    };
    let style = typeface::rules(&body.0)? + STYLE;
    let page = markup! {
        (DOCTYPE)
        html lang=(language.as_str()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (document.title) " · " (document.subject) }
                meta name="generator" content="Affluenza";
                style { (PreEscaped(style)) ":root { --accent: " (colours.accent) "; }" }
            }
            body { (body) }
        }
    };
    Ok(page.into_string())
}

fn section_markup(
    section: &Section,
    language: Language,
    colours: ReportColours,
) -> Result<Markup, PrintError> {
    let mut blocks = Vec::new();
    for block in &section.blocks {
        blocks.push(match block {
            Block::Text(text) => markup! { p { (text) } },
            Block::Prose(paragraphs) => prose_markup(paragraphs),
            Block::Logos(logos) => markup! {
                div.logos { @for logo in logos { (logo_markup(logo)) } }
            },
            Block::Notes(notes) => markup! {
                ul.notes { @for note in notes { li { (note) } } }
            },
            Block::Findings(findings) => findings_markup(findings, language),
            Block::Facts(facts) => facts_markup(facts, language),
            Block::Table(table) => table_markup(table, language),
            Block::Chart(chart) => charts_markup(std::slice::from_ref(chart), language, colours)?,
            Block::Charts(charts) => charts_markup(charts, language, colours)?,
        });
    }
    let is_wide = section
        .blocks
        .iter()
        .any(|block| matches!(block, Block::Table(table) if table.matrix));
    Ok(markup! {
        section #(section.id) .wide[is_wide] aria-labelledby={ (section.id) "-title" } {
            h2 #{ (section.id) "-title" } {
                (section.heading(language))
                @if let Some(statement) = &section.statement { ": " (statement) }
            }
            @for block in &blocks { (block) }
        }
    })
}

/// The picture is a part of the file. A browser runs and loads nothing in it.
fn logo_markup(logo: &Logo) -> Markup {
    let data = BASE64_STANDARD.encode(logo.bytes());
    markup! {
        img.logo src={ "data:" (logo.media_type()) ";base64," (data) } alt=(logo.name);
    }
}

/// Returns paragraphs, and lists of adjacent items.
fn prose_markup(paragraphs: &[Paragraph]) -> Markup {
    let is_item = |paragraph: &Paragraph| !paragraph.mark.is_empty();
    markup! {
        @for part in paragraphs.chunk_by(|a, b| is_item(a) && is_item(b)) {
            @if is_item(&part[0]) {
                ul.prose {
                    @for item in part { li { span.item { (item.mark) } " " (runs_markup(item)) } }
                }
            } @else {
                p { (runs_markup(&part[0])) }
            }
        }
    }
}

fn runs_markup(paragraph: &Paragraph) -> Markup {
    markup! {
        @for run in &paragraph.runs {
            @match &run.link {
                Some(link) => { a href=(link) { (run.text) } }
                None if run.is_strong => { strong { (run.text) } }
                None => { (run.text) }
            }
        }
    }
}

fn findings_markup(findings: &[FindingLine], language: Language) -> Markup {
    markup! {
        ul.findings {
            @for finding in findings {
                li {
                    span.value { (finding.figure.show(language)) }
                    p {
                        (finding.sentence)
                        @if let Some(section) = &finding.section {
                            " " a href={ "#" (section) } { (finding.reference) }
                        }
                    }
                }
            }
        }
    }
}

fn facts_markup(facts: &[MainFigure], language: Language) -> Markup {
    markup! {
        dl.facts {
            @for fact in facts {
                div {
                    dt { (fact.label) }
                    dd.value { (fact.value.show(language)) }
                    @if !fact.detail.is_empty() { dd.detail { (fact.detail) } }
                }
            }
        }
    }
}

/// Charts side by side, as far as the screen has room.
fn charts_markup(
    charts: &[Chart],
    language: Language,
    colours: ReportColours,
) -> Result<Markup, PrintError> {
    let across = across(charts.len());
    let charts = charts.iter().map(|chart| {
        chart_markup(Plot {
            chart,
            language,
            colours,
            room: ChartRoom::on_page(across),
        })
    });
    let charts: Vec<Markup> = charts.collect::<Result<_, _>>()?;
    Ok(match &charts[..] {
        [one] => one.clone(),
        charts => markup! { div.charts { @for chart in charts { (chart) } } },
    })
}

/// A screen reader treats the chart as one image.
fn chart_markup(plot: Plot<'_>) -> Result<Markup, PrintError> {
    let (chart, drawn) = (plot.chart, crate::print::svg(plot)?);
    // A narrow screen would make the letters of a wide chart too small.
    let narrow = (plot.room.width > ChartRoom::NARROW.width).then(|| {
        let room = ChartRoom::NARROW;
        crate::print::svg(Plot { room, ..plot })
    });
    let narrow = narrow.transpose()?;
    Ok(markup! {
        figure {
            figcaption { (chart.title) }
            div.chart role="img" aria-label={ (chart.title) ". " (chart.description) } {
                div .broad[narrow.is_some()] { (PreEscaped(drawn)) }
                @if let Some(narrow) = &narrow { div.narrow { (PreEscaped(narrow)) } }
            }
        }
    })
}

fn row_markup(table: &Table, cells: &[Cell], language: Language) -> Markup {
    markup! {
        tr {
            @for (place, (column, cell)) in table.columns.iter().zip(cells).enumerate() {
                @if place == 0 && column.text {
                    th scope="row" { (cell.show(language)) }
                } @else if column.text {
                    td { (cell.show(language)) }
                } @else {
                    td.number { (cell.show(language)) }
                }
            }
        }
    }
}

fn table_markup(table: &Table, language: Language) -> Markup {
    // A table that fits a page is kept together.
    let is_short = table.rows.len() <= SHORT;
    let region = markup! {
        div.table .matrix[table.matrix] .short[is_short] role="region" tabindex="0" aria-labelledby={ (table.id) "-caption" } {
            table #(table.id) {
                caption #{ (table.id) "-caption" } { (table.caption) }
                thead {
                    tr {
                        @for column in &table.columns {
                            th scope="col" .number[!column.text] {
                                @if column.short != column.head && table.matrix {
                                    abbr title=(column.head) { (column.short.replace('\n', " ")) }
                                } @else {
                                    (column.head)
                                }
                            }
                        }
                    }
                }
                tbody { @for cells in &table.rows { (row_markup(table, cells, language)) } }
                @if !table.sums.is_empty() {
                    tfoot { @for cells in &table.sums { (row_markup(table, cells, language)) } }
                }
            }
        }
    };
    match table.charted {
        Charted::Never => region,
        Charted::OnPaper | Charted::Everywhere => markup! {
            details { summary { (language.say("chart-table", &[])) } (region) }
        },
    }
}
