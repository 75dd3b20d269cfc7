//! Arguments of `affluenza keys`.

use affluenza_http::keys::Role;
use clap::Subcommand;

use super::OutputFormat;

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Create a key. Its secret is printed once, on standard output, and not stored.
    Create(CreateKey),
    /// List the keys, without their secrets.
    List {
        /// Format of the list.
        #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
        format: OutputFormat,
    },
    /// Revoke a key. It is refused from the next second on.
    Revoke {
        /// Id of the key, as in the list.
        id: String,
    },
    /// Print the log of administrative access, such as who created and revoked keys.
    Log {
        /// Verify that no entry was changed or removed, and print only the newest hash.
        #[arg(long, conflicts_with = "format")]
        verify: bool,
        /// Format of the log.
        #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
        format: OutputFormat,
    },
}

#[derive(Debug, clap::Args)]
pub struct CreateKey {
    /// Name of the key, such as `dashboard of Firenze`.
    pub name: String,
    /// Role of the key: reader (figures), writer (events) or admin.
    #[arg(long, default_value_t = Role::Reader)]
    pub role: Role,
    /// Public body in the scope of the key, by code or name in the register; may be given several
    /// times. Only a writer's may be missing in the register. Default: all.
    #[arg(long = "ente", value_name = "CODE")]
    pub enti: Vec<String>,
    /// For a writer: portal whose events it may send; may be given several times. Default: all.
    #[arg(long = "portal", value_name = "CODE")]
    pub portals: Vec<String>,
    /// For a writer: `source` of the events it may send; may be given several times. Default: all.
    #[arg(long = "source", value_name = "URI")]
    pub sources: Vec<String>,
    /// Days until the key expires. Default: never.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub days: Option<u16>,
    /// Format of the result: the secret alone, or the key with its secret.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}
