//! Tests that compare the documents with the program and the tree.

mod architecture;
mod arithmetic;
mod documented;

use std::path::{Path, PathBuf};

/// Folder of the repository.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
