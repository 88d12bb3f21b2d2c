//! Tells quickly that a name is none of those that are known, as most names are not.

/// Longer names are not told apart by their length.
const LENGTH_MAX: usize = 127;

/// The lengths of known names, and the last letters of those of each length.
#[derive(Debug)]
pub(crate) struct Endings([u32; LENGTH_MAX + 1]);

impl Endings {
    pub(crate) fn of<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let mut letters = [0; LENGTH_MAX + 1];
        for name in names {
            if let Some(letters) = letters.get_mut(name.len().min(LENGTH_MAX)) {
                *letters |= last_letter(name);
            }
        }
        Self(letters)
    }

    /// Whether a name may be known.
    #[inline]
    pub(crate) fn may_have(&self, name: &str) -> bool {
        self.0.get(name.len().min(LENGTH_MAX)).is_some_and(|letters| letters & last_letter(name) != 0)
    }
}

fn last_letter(name: &str) -> u32 {
    1 << (name.as_bytes().last().copied().unwrap_or_default() & 31)
}

/// Values by how names begin: their first two letters.
#[derive(Debug)]
pub(crate) struct Beginnings<T>(Vec<Vec<T>>);

impl<T> Beginnings<T> {
    /// In the order in which they come.
    pub(crate) fn of<'n>(all: impl Iterator<Item = (&'n str, T)>) -> Self {
        let mut by_letters: Vec<Vec<T>> = (0..1 << 10).map(|_| Vec::new()).collect();
        for (name, value) in all {
            if let Some(values) = by_letters.get_mut(first_letters(name)) {
                values.push(value);
            }
        }
        Self(by_letters)
    }

    /// Those whose names may begin as this one does.
    #[inline]
    pub(crate) fn like(&self, name: &str) -> &[T] {
        self.0.get(first_letters(name)).map_or(&[], Vec::as_slice)
    }
}

fn first_letters(name: &str) -> usize {
    match name.as_bytes() {
        [first, second, ..] => usize::from(first & 31) << 5 | usize::from(second & 31),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_known_is_never_said_to_be_unknown() {
        let long = "n".repeat(300);
        let names = ["", "a", "ai.usage.tokens", "gen_ai.system", long.as_str()];
        let endings = Endings::of(names.into_iter());
        let beginnings = Beginnings::of(names.into_iter().map(|name| (name, name)));
        for name in names {
            assert!(endings.may_have(name), "{name}");
            assert!(beginnings.like(name).contains(&name), "{name}");
        }
        assert!(!endings.may_have("app.attribute.12"));
        assert!(beginnings.like("http.route").is_empty());
    }
}
