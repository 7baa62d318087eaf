//! How many arguments a command takes, in the form in which the gate asks.

/// A range of numbers of arguments. The command's name counts, and that of a subcommand too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arity {
    least: u32,
    /// By how many the largest number exceeds the least.
    span: u32,
}

impl Arity {
    /// From `least` arguments to `most`, or to any number.
    pub(crate) fn between(least: usize, most: Option<usize>) -> Arity {
        let most = most.map_or(u32::MAX, |most| u32::try_from(most).unwrap_or(u32::MAX));
        Arity { least: least as u32, span: most.saturating_sub(least as u32) }
    }

    /// What COMMAND INFO writes as one number: so many arguments, or at least so many if it is negative.
    pub(crate) fn of_number(arity: i16) -> Arity {
        let least = usize::from(arity.unsigned_abs());
        Arity::between(least, (arity >= 0).then_some(least))
    }

    /// Returns whether `count` arguments are as many as the command takes. Fewer than the least wrap round to more than any
    /// span: one comparison, and no request has 2³² arguments.
    #[inline]
    pub(crate) fn accepts(self, count: usize) -> bool {
        (count as u32).wrapping_sub(self.least) <= self.span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_arguments_is_accepted_within_the_range() {
        let accepted = |arity: Arity| (0..6).filter(|&n| arity.accepts(n)).collect::<Vec<_>>();
        assert_eq!(accepted(Arity::of_number(2)), [2]);
        assert_eq!(accepted(Arity::of_number(-3)), [3, 4, 5]);
        assert_eq!(accepted(Arity::between(1, Some(3))), [1, 2, 3]);
        assert_eq!(accepted(Arity::between(4, None)), [4, 5]);
        assert!(Arity::of_number(-1).accepts(1 << 30));
        assert!(Arity::between(1, None).accepts(u32::MAX as usize));
        assert!(!Arity::of_number(2).accepts(1 << 30));
    }
}
