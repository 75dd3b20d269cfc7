//! Arguments of `affluenza serve`.

/// Address of the API.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Address and port to listen on; port 0 selects 8080, or a free one if that is taken. Default:
    /// `serve.http.listen`.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
}
