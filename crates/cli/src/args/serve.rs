//! Arguments of `affluenza serve`.

/// Address of the API.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Address and port, such as 127.0.0.1:8080; port 0 selects a free one. Default:
    /// `serve.http.listen`.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
}
