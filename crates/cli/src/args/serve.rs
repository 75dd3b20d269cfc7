//! What can be typed about the API.

/// Where the API listens, if not where the configuration says.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Address and port, such as 127.0.0.1:8080; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
}
