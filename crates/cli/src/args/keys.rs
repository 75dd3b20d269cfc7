//! What can be typed about API keys.

use affluenza_keys::Role;
use clap::Subcommand;

use super::Format;

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key. Its secret is printed once, on standard output, and kept nowhere.
    Create(CreateKey),
    /// List the keys, without their secrets.
    List {
        /// Form of the list.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Withdraw a key: it is refused from the next second on.
    Revoke {
        /// Its id, as in the list.
        id: String,
    },
    /// Print the log of administrative access: who made and withdrew which key.
    Log {
        /// Prove that no entry was changed or taken away, and print the newest hash only.
        #[arg(long)]
        verify: bool,
    },
}

#[derive(Debug, clap::Args)]
pub struct CreateKey {
    /// What people call it, such as `dashboard of Firenze`.
    pub name: String,
    /// What it is for: reader (figures), writer (events) or admin.
    #[arg(long, default_value_t = Role::Reader)]
    pub role: Role,
    /// Public body that it reaches, by code or name in the register; may be given several times. All without.
    #[arg(long = "ente", value_name = "CODE")]
    pub enti: Vec<String>,
    /// For a writer: portal whose events it may send; may be given several times. All without.
    #[arg(long = "portal", value_name = "CODE")]
    pub portals: Vec<String>,
    /// For a writer: `source` of the events it may send; may be given several times. All without.
    #[arg(long = "source", value_name = "URI")]
    pub sources: Vec<String>,
    /// Days until it expires; never without.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub days: Option<u16>,
}
