//! What the names of a span's attributes say, whatever their values: by which convention the span is described, and
//! which attribute can fill what.

use crate::conventions::{self, Origin, Place, ROWS, When};
use crate::dialect::{self, Dialect};
use crate::messages::sources;
use crate::usage::Counting;

/// What the scope of a span and the names of its attributes say. Most spans of one sender have the same ones in the
/// same order, so that it can be found once for all of them.
///
/// ```
/// use spanledger_genai::Shape;
///
/// let scope = Some("opentelemetry.instrumentation.openai_v2");
/// assert!(Shape::of(scope, ["gen_ai.request.model", "server.address"].into_iter()).is_some());
/// assert!(Shape::of(Some("http"), ["http.route", "server.address"].into_iter()).is_none());
/// ```
#[derive(Debug, Clone)]
pub struct Shape {
    pub(crate) dialect: Dialect,
    /// Attributes, and rows of conventions that count for them on every span.
    pub(crate) always: Vec<(u32, Place)>,
    /// Those that depend on the kind of the span, or on what the attribute's JSON holds.
    pub(crate) deferred: Vec<(u32, Place)>,
    /// The attributes that messages can come in.
    pub(crate) content: Vec<sources::Candidate>,
    pub(crate) counting: Counting,
}

impl Shape {
    /// `None` when the span is not about GenAI, as most spans of an application are not. `names` are those of
    /// [`SpanView::attributes`](crate::SpanView::attributes), in their order.
    pub fn of<'n>(scope_name: Option<&str>, names: impl Iterator<Item = &'n str> + Clone) -> Option<Self> {
        let dialect = dialect::recognise(scope_name, names.clone())?;
        let (mut always, mut deferred) = (Vec::new(), Vec::new());
        for (attribute, name) in (0..).zip(names.clone()) {
            for place in conventions::rows_of(name) {
                let row = ROWS.get(usize::from(*place)).filter(|row| row.is_of(dialect));
                let Some(row) = row.filter(|row| row.from != Origin::SpanName) else { continue };
                let is_always = row.from == Origin::Attribute && row.when == When::Always;
                if is_always { &mut always } else { &mut deferred }.push((attribute, *place));
            }
        }
        let content = sources::candidates(names.clone());
        Some(Self { dialect, always, deferred, content, counting: Counting::of(scope_name, names) })
    }
}
