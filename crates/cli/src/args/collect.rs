//! What can be typed about taking events in.

#[derive(Debug, clap::Args)]
pub struct Collect {
    /// Address and port to listen on, instead of `collect.http.listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
}
