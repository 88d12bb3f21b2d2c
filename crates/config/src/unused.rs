//! Components that are declared and do not run: a line for each, as a forgotten entry of a list looks like this.

use spanledger_component::{ComponentId, Kind};

use crate::sections::Section;

/// A line for each component of a section that nobody uses.
pub(crate) fn lines<C: ?Sized>(
    kind: Kind,
    section: &Section<'_, C>,
    is_used: impl Fn(&ComponentId) -> bool,
) -> Vec<String> {
    let why = match kind {
        Kind::Extension => "service::extensions does not list it",
        _ => "no pipeline lists it",
    };
    section
        .iter()
        .filter(|(id, _)| !is_used(id))
        .map(|(id, declared)| {
            format!("{}: {}::{id}: declared, but does not run: {why}", declared.place, kind.section())
        })
        .collect()
}
