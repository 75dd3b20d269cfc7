//! Tests that compare the documents with the program and the tree.

mod architecture;
mod documented;
