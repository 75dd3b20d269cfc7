//! Arguments of `affluenza readers`.

use clap::Subcommand;

use super::OutputFormat;

#[derive(Debug, Subcommand)]
pub enum Readers {
    /// Create a user, or replace the password and the rights of one. The password is printed once,
    /// on standard output. `affluenza up` knows the user from its next start on.
    Create(CreateReader),
    /// List the users that this command created.
    List {
        /// Format of the list.
        #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
        format: OutputFormat,
    },
    /// Drop a user and its views.
    Drop {
        /// Name of the user.
        user: String,
    },
}

#[derive(Debug, clap::Args)]
pub struct CreateReader {
    /// Name of the user: letters, digits and `_`.
    pub user: String,
    /// Public body whose rows the user may read, by code or name in the register; may be given several
    /// times. Default: all.
    #[arg(long = "ente", value_name = "ENTE")]
    pub enti: Vec<String>,
    /// Format of the result: the password alone, or user, database and password.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}
