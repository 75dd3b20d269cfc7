//! Arguments of `affluenza collect`.

#[derive(Debug, clap::Args)]
pub struct Collect {
    /// Address and port to listen on; port 0 selects 8642, or a free one if that is taken. Default:
    /// `collect.http.listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
}
