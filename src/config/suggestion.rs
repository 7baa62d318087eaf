//! The known name that a misspelt one may have been meant to be.

/// The name of `known` that is nearest to `given`, if it is near enough to be what was meant: a third of its letters
/// may be wrong, missing, too many, or stand beside their place.
pub(crate) fn nearest(
    given: &[u8],
    known: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    let given = given.to_ascii_lowercase();
    let (distance, name) = known
        // No name is three times as long as another that it is near to, and a distance takes the product of both.
        .filter(|name| given.len() < 3 * name.len())
        .map(|name| (distance(&given, name.as_bytes()), name))
        .min()?;
    (distance <= name.len() / 3).then_some(name)
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour to make `to` of `from`.
fn distance(from: &[u8], to: &[u8]) -> usize {
    // The distances of the last two prefixes of `from`, and of this one, to every prefix of `to`.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.iter().enumerate() {
        let mut this = vec![i + 1];
        for (j, other) in to.iter().enumerate() {
            let replaced = last[j] + usize::from(letter != other);
            let mut least = replaced.min(last[j + 1] + 1).min(this[j] + 1);
            if i > 0 && j > 0 && *letter == to[j - 1] && from[i - 1] == *other {
                least = least.min(before[j - 1] + 1);
            }
            this.push(least);
        }
        before = std::mem::replace(&mut last, this);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters() {
        for (from, to, expected) in [
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("acb", "abc", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(from.as_bytes(), to.as_bytes()), expected, "{from} {to}");
        }
    }

    #[test]
    fn a_name_is_suggested_if_it_is_near() {
        let known = ["maxmemory", "maxmemory-policy", "port", "bind", "timeout"];
        for (given, expected) in [
            ("maxmemroy", Some("maxmemory")),
            ("MaxMemory_Policy", Some("maxmemory-policy")),
            ("prot", Some("port")),
            ("timeuot", Some("timeout")),
            ("x", None),
            ("", None),
            ("vm-enabled", None),
        ] {
            assert_eq!(nearest(given.as_bytes(), known.into_iter()), expected, "{given}");
        }
    }
}
