//! What every verb is told: which program, and where things go.

use std::path::PathBuf;

use clap::Args;

/// Where the program is, and where what was measured goes.
#[derive(Args)]
pub(crate) struct Places {
    /// The program of Spanledger.
    #[arg(long, env = "SPANLEDGER_BIN")]
    pub(crate) spanledger: PathBuf,
    /// Where results go, and where contenders write meanwhile.
    #[arg(long, default_value = "target/bench")]
    pub(crate) folder: PathBuf,
    /// The folder of the page.
    #[arg(long, default_value = "docs")]
    pub(crate) docs: PathBuf,
    /// Measures nothing; writes the page from the last results again.
    #[arg(long)]
    pub(crate) page: bool,
}
