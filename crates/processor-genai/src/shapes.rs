//! The shapes of a batch's spans: what their names say is found once for all spans that have the same ones.

use spanledger_genai::Shape;

use crate::attributes::Names;

/// So many are kept; an application has a few kinds of spans.
const SHAPES_MAX: usize = 64;

/// The shapes of the spans of one batch.
#[derive(Debug, Default)]
pub(crate) struct Shapes<'a> {
    known: Vec<Known<'a>>,
    /// The place of the shape that came last, which is most often the next one, too.
    last: usize,
}

/// What was found for a scope and names of attributes.
#[derive(Debug)]
struct Known<'a> {
    scope: Option<&'a str>,
    views: &'a [u128],
    /// The shape, with the names as texts, each beside nothing; none of spans that are not about GenAI.
    shape: Option<(Shape, Vec<(&'a str, &'a str)>)>,
}

impl<'a> Shapes<'a> {
    /// The shape of a span with this scope and these names, and the names as texts, each beside nothing; `None` when it is
    /// not about GenAI.
    pub(crate) fn of(
        &mut self,
        scope: Option<&'a str>,
        names: Names<'a>,
    ) -> Option<(&Shape, &[(&'a str, &'a str)])> {
        let is_it = |known: &Known<'a>| known.views == names.views() && known.scope == scope;
        if !self.known.get(self.last).is_some_and(is_it) {
            self.last = match self.known.iter().position(is_it) {
                Some(place) => place,
                None => self.find(scope, names),
            };
        }
        let (shape, names) = self.known.get(self.last)?.shape.as_ref()?;
        Some((shape, names))
    }

    fn find(&mut self, scope: Option<&'a str>, names: Names<'a>) -> usize {
        let texts = names.texts();
        let shape = Shape::of(scope, texts.iter().map(|(name, _)| *name)).map(|shape| (shape, texts));
        if self.known.len() >= SHAPES_MAX {
            self.known.clear();
        }
        self.known.push(Known { scope, views: names.views(), shape });
        self.known.len() - 1
    }
}
