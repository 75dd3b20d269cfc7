//! Shell completions and manual pages.

use std::fs;

use crate::args::{self, Completions, Man};
use crate::output::{print, print_bytes};
use anyhow::{Context, Result};

pub fn completions(wanted: &Completions) -> Result<()> {
    let mut script = Vec::new();
    let mut command = args::command();
    clap_complete::generate(wanted.shell, &mut command, "affluenza", &mut script);
    print_bytes(&script)
}

pub fn man(wanted: &Man) -> Result<()> {
    let command = args::command();
    let Some(folder) = &wanted.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        return print_bytes(&page);
    };
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .with_context(|| format!("{} cannot be written", folder.display()))?;
    print(&format!("pages of every command in {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        man(&Man {
            out: Some(folder.path().into()),
        })
        .unwrap();
        for command in args::command().get_subcommands() {
            let name = command.get_name();
            if name == "help" || command.is_hide_set() {
                continue;
            }
            let page = folder.path().join(format!("affluenza-{name}.1"));
            assert!(page.exists(), "{name}");
        }
    }
}
