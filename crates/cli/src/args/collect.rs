//! Arguments of `affluenza collect`.

#[derive(Debug, clap::Args)]
pub struct Collect {
    /// Address and port to listen on. Default: `collect.http.listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
}
