//! The one place that writes to standard output and standard error.

use std::io::{self, Write};

/// Writes a text and ends its last line. A closed pipe is nobody's error.
pub(crate) fn text(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush());
}

/// Writes a line to standard error.
pub(crate) fn error(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
