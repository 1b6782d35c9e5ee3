//! Files of others, which are no part of this repository: in `$LLMPLAN_DATA`, or else in
//! `../shared/data`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The path of a file, or `None`, with a line on standard error, where it is absent.
pub fn find(name: &str, from: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("LLMPLAN_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    // written past the test harness, which captures `eprintln!` of tests that pass
    let _ = writeln!(
        std::io::stderr(),
        "skipped: {} is absent; get it from {from} and save it under that name, or set \
         LLMPLAN_DATA to the folder that has it",
        path.display()
    );
    None
}
