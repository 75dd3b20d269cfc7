//! Enti by category: one table, or as few groups of columns as the terminal needs.

use std::collections::BTreeMap;
use std::ops::Range;

use super::grid::{Column, GAP, Grid};
use super::measure::{abbreviate, cut, harmless, is_little, width, wrap};
use super::{Language, Style, split, titled};
use crate::Report;
use crate::tables::{CategoryName, CrossTable, EnteName, Unit};

/// What stands for nothing, so that what is something can be seen.
const NOTHING: &str = "–";
/// Names of enti are cut to this where that saves a group.
const NAME_ROOM: usize = 24;
/// Words of headings are cut, a letter at a time, to no less than this.
const HEAD_MIN: usize = 7;
const HEAD_MAX: usize = 13;

pub(super) fn usage(report: &Report, style: Style) -> String {
    titled(style.words.usage, &body(&report.usage, style))
}

pub(super) fn offered(report: &Report, style: Style) -> String {
    let unit = match style.language {
        Language::Italian => "numero di servizi",
        Language::English => "number of services",
    };
    let day = style.language.date(report.offered_on);
    let title = format!("{} {day} ({unit})", style.words.offered);
    titled(&title, &body(&report.offered, style))
}

fn body(table: &CrossTable, style: Style) -> String {
    let mut text = String::new();
    if table.total > 0 {
        let lines = Lines::new(table, style);
        let layout = Layout::best(&lines, style.room);
        let groups: Vec<String> = layout
            .groups
            .iter()
            .map(|group| lines.grid(&layout, group).render(style.room))
            .collect();
        text = groups.join("\n");
    }
    if !table.enti_without.is_empty() {
        let label = match table.unit {
            Unit::ServiceUses => style.words.enti_without_use,
            Unit::Services => style.words.enti_without_offer,
        };
        let name = |ente: &EnteName| harmless(&ente.ente_name);
        let names: Vec<String> = table.enti_without.iter().map(name).collect();
        let line = format!("{label} {}.", names.join(", "));
        let above = if text.is_empty() { "" } else { "\n" };
        text = format!("{text}{above}{}\n", wrap(&line, style.room, ""));
    }
    text
}

/// The table as text, not laid out yet. The last column is the total.
struct Lines {
    ente: &'static str,
    heads: Vec<String>,
    names: Vec<String>,
    cells: Vec<Vec<String>>,
}

impl Lines {
    fn new(table: &CrossTable, style: Style) -> Self {
        let mut heads = headings(&table.categories, style.language);
        heads.push(style.words.total.to_owned());
        let cells = |by_category: &BTreeMap<String, u64>, total: u64| {
            let counts = table
                .categories
                .iter()
                .map(|category| by_category.get(&category.category));
            counts
                .map(|count| match count {
                    None | Some(0) => NOTHING.to_owned(),
                    Some(count) => style.language.count(*count),
                })
                .chain([style.language.count(total)])
                .collect::<Vec<_>>()
        };
        let mut lines = Self {
            ente: style.words.ente,
            heads,
            names: Vec::new(),
            cells: Vec::new(),
        };
        let mut add = |name: String, row| {
            lines.names.push(name);
            lines.cells.push(row);
        };
        for row in table.enti.iter().filter(|row| row.name.registered) {
            add(
                harmless(&row.name.ente_name),
                cells(&row.by_category, row.total),
            );
        }
        // Anyone can send events under a code that nobody has: the terminal shows how many
        // there are, JSON which.
        let strangers: Vec<_> = table
            .enti
            .iter()
            .filter(|row| !row.name.registered)
            .collect();
        if !strangers.is_empty() {
            let mut sums: BTreeMap<String, u64> = BTreeMap::new();
            for (category, count) in strangers.iter().flat_map(|row| &row.by_category) {
                *sums.entry(category.clone()).or_default() += count;
            }
            let name = format!("{} ({})", style.words.unregistered_enti, strangers.len());
            add(
                name,
                cells(&sums, strangers.iter().map(|row| row.total).sum()),
            );
        }
        add(
            style.words.total.to_owned(),
            cells(&table.by_category, table.total),
        );
        lines
    }

    /// Width of a column whose heading is cut to words of `head_room`.
    fn column_width(&self, place: usize, head_room: usize) -> usize {
        let cells = self.cells.iter().map(|row| width(&row[place]));
        let head = shorten(&self.heads[place], head_room);
        cells.max().unwrap_or(0).max(width(&head))
    }

    fn grid(&self, layout: &Layout, group: &Range<usize>) -> Grid {
        let mut columns = vec![Column::text(self.ente)];
        columns.extend(self.heads[group.clone()].iter().map(|head| {
            let head = shorten(head, layout.head_room);
            Column::number(&head, &head)
        }));
        let mut grid = Grid::new(columns);
        grid.gap = layout.gap;
        let rows = self.names.iter().zip(&self.cells).map(|(name, cells)| {
            let name = pad(cut(name, layout.name_room), layout.name_room);
            let mut row = vec![name];
            row.extend_from_slice(&cells[group.clone()]);
            row
        });
        grid.rows = rows.collect();
        grid.sums = grid.rows.split_off(self.names.len() - 1);
        grid
    }
}

/// So that groups of columns stand below one another.
fn pad(name: String, room: usize) -> String {
    let blanks = room.saturating_sub(width(&name));
    name + &" ".repeat(blanks)
}

/// How the columns are laid out.
struct Layout {
    groups: Vec<Range<usize>>,
    name_room: usize,
    head_room: usize,
    gap: usize,
}

impl Layout {
    /// The fewest groups; among those the fullest headings, then the wider gap, then whole names.
    fn best(lines: &Lines, room: usize) -> Self {
        let widest = lines.names.iter().map(|name| width(name)).max();
        let widest = widest.unwrap_or(0).max(width(lines.ente));
        let mut best: Option<Self> = None;
        for head_room in (HEAD_MIN..=HEAD_MAX).rev() {
            for gap in [GAP, 1] {
                for name_room in [widest, widest.min(NAME_ROOM)] {
                    let widths: Vec<usize> = (0..lines.heads.len())
                        .map(|place| lines.column_width(place, head_room))
                        .collect();
                    let groups = split::groups(&widths, gap, room.saturating_sub(name_room));
                    if best
                        .as_ref()
                        .is_none_or(|best| groups.len() < best.groups.len())
                    {
                        best = Some(Self {
                            groups,
                            name_room,
                            head_room,
                            gap,
                        });
                    }
                }
            }
        }
        best.unwrap_or(Self {
            groups: Vec::new(),
            name_room: widest,
            head_room: HEAD_MAX,
            gap: GAP,
        })
    }
}

/// Short headings for categories, the words below one another; codes where names are too alike.
fn headings(categories: &[CategoryName], language: Language) -> Vec<String> {
    let short: Vec<String> = categories
        .iter()
        .map(|c| first_words(&language.category(c)))
        .collect();
    let alone = |head: &String| short.iter().filter(|other| *other == head).count() == 1;
    let heads = short.iter().zip(categories);
    heads
        .map(|(head, category)| match alone(head) {
            true => head.clone(),
            false => harmless(&category.category),
        })
        .collect()
}

/// The first words of a name, up to a comma or a little word: `Sicurezza` of `Sicurezza del
/// cittadino`, `Public` and `safety` of `Public safety and emergency response`.
fn first_words(name: &str) -> String {
    let mut words = Vec::new();
    for word in name.split_whitespace() {
        if !words.is_empty() && is_little(word) {
            break;
        }
        words.push(word.trim_end_matches(','));
        if word.ends_with(',') {
            break;
        }
    }
    words.join("\n")
}

fn shorten(head: &str, room: usize) -> String {
    let words: Vec<String> = head.lines().map(|word| abbreviate(word, room)).collect();
    words.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_the_first_words_of_a_name() {
        for (name, head) in [
            ("Ambiente e territorio", "Ambiente"),
            ("Sicurezza del cittadino e pronto intervento", "Sicurezza"),
            ("Public safety and emergency response", "Public\nsafety"),
            ("Arte, cultura e turismo", "Arte"),
            ("Tributi", "Tributi"),
        ] {
            assert_eq!(first_words(name), head);
        }
    }

    #[test]
    fn categories_of_the_same_first_word_keep_their_codes() {
        let name = |code: &str, name: &str| CategoryName {
            category: code.to_owned(),
            category_name_it: name.to_owned(),
            category_name_en: name.to_owned(),
            registered: true,
        };
        let names = [
            name("a", "Casa e terra"),
            name("b", "Casa, patrimonio"),
            name("c", "Sport"),
        ];
        assert_eq!(headings(&names, Language::Italian), ["a", "b", "Sport"]);
    }
}
