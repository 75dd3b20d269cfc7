use anyhow::{Context, Result};

use super::ports;
use crate::args::Config;
use crate::output;
use crate::settings::Settings;

pub fn run(what: &Config, settings: &Settings) -> Result<()> {
    match what {
        Config::Check => {
            settings.check()?;
            ports::check(settings)?;
            super::register(settings)?;
            settings.face()?;
            output::print("the configuration is right")
        }
        Config::Print { format } => output::print_as(
            *format,
            &toml::to_string(settings).context("the configuration cannot be printed")?,
            settings,
        ),
    }
}
