//! What the names of a span's attributes say, whatever their values: by which convention the span is described, and
//! which attribute can fill what.

use crate::Field;
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
    /// At most one source for the provider's name.
    pub(crate) has_one_provider: bool,
    /// See [`Shape::read_places`].
    read_places: Vec<usize>,
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
        let is_provider =
            |place: &Place| ROWS.get(usize::from(*place)).is_some_and(|row| row.field == Field::Provider);
        let providers = always.iter().chain(&deferred).filter(|(_, place)| is_provider(place)).count();
        // What was said may stand in several attributes together.
        let is_any = |_: &usize| !content.is_empty();
        let is_source = |place: &usize| {
            always.iter().chain(&deferred).any(|(attribute, _)| usize::try_from(*attribute) == Ok(*place))
        };
        let places = 0..names.clone().count();
        let read_places = places.filter(|place| is_any(place) || is_source(place)).collect();
        let counting = Counting::of(scope_name, names);
        let has_one_provider = providers <= 1;
        Some(Self { dialect, always, deferred, content, counting, has_one_provider, read_places })
    }

    /// The places of the attributes whose texts say something of a call: those of others are not looked at.
    pub fn read_places(&self) -> &[usize] {
        &self.read_places
    }
}
