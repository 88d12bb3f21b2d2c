//! Finds names quickly, and tells quickly that a name is none of those that are known, as most are not.

/// Longer names are not told apart by their length.
const LENGTH_MAX: usize = 127;

/// Values by names, which are told apart by their lengths and last letters.
#[derive(Debug)]
pub(crate) struct Names<T>(Vec<Vec<(&'static str, T)>>);

impl<T> Names<T> {
    pub(crate) fn of(all: impl Iterator<Item = (&'static str, T)>) -> Self {
        let mut by_ending: Vec<Vec<_>> = (0..(LENGTH_MAX + 1) << 5).map(|_| Vec::new()).collect();
        for (name, value) in all {
            if let Some(values) = by_ending.get_mut(ending(name)) {
                values.push((name, value));
            }
        }
        Self(by_ending)
    }

    /// The value of a name.
    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        let alike = self.0.get(ending(name))?;
        alike.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

fn ending(name: &str) -> usize {
    let letter = name.as_bytes().last().map_or(0, |letter| usize::from(letter & 31));
    name.len().min(LENGTH_MAX) << 5 | letter
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
    fn a_name_that_is_known_is_found() {
        let long = "n".repeat(300);
        let names = ["", "a", "ai.usage.tokens", "gen_ai.system", long.leak()];
        let values = Names::of(names.into_iter().zip(0..));
        let beginnings = Beginnings::of(names.into_iter().map(|name| (name, name)));
        for (name, value) in names.into_iter().zip(0..) {
            assert_eq!(values.get(name), Some(&value), "{name}");
            assert!(beginnings.like(name).contains(&name), "{name}");
        }
        assert_eq!(values.get("gen_ai.sistem"), None);
        assert!(beginnings.like("http.route").is_empty());
    }
}
