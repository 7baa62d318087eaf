//! Options: a cursor over the words that follow a command's fixed arguments.
//!
//! A handler asks for one option after the other until the cursor [`is_over`](Options::is_over). Each
//! question steps over the option if it is the next one, in capitals or not, with all its values; an
//! option whose values are missing is none. What answers to no question is a syntax error, which is the
//! handler's to tell.

use super::args::Args;

/// The options of a request that have not been read yet.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    args: Args<'a>,
    at: usize,
    end: usize,
}

impl<'a> Args<'a> {
    /// The options from argument `first` to the last argument.
    pub(crate) fn options(self, first: usize) -> Options<'a> {
        self.options_between(first, self.len())
    }

    /// The options from argument `first` up to, not including, argument `end`.
    pub(crate) fn options_between(self, first: usize, end: usize) -> Options<'a> {
        Options { args: self, at: first, end: end.min(self.len()) }
    }
}

impl<'a> Options<'a> {
    /// Whether every option has been read.
    pub fn is_over(&self) -> bool {
        self.at >= self.end
    }

    /// How many words have not been read.
    pub fn left(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    /// The index of the argument that is read next.
    pub fn index(&self) -> usize {
        self.at
    }

    /// The word that is read next.
    pub fn peek(&self) -> Option<&'a [u8]> {
        if self.is_over() { None } else { self.args.get(self.at) }
    }

    /// Steps over `word`. Returns whether it was the next one.
    #[inline]
    pub fn flag(&mut self, word: &str) -> bool {
        self.values::<0>(word).is_some()
    }

    /// Steps over `word` and its value, which is returned.
    pub fn value(&mut self, word: &str) -> Option<&'a [u8]> {
        self.values(word).map(|[value]| value)
    }

    /// Steps over `word` and its `N` values, which are returned.
    #[inline]
    pub fn values<const N: usize>(&mut self, word: &str) -> Option<[&'a [u8]; N]> {
        let mut values = self.list(word, N)?;
        Some(std::array::from_fn(|_| values.next().unwrap_or_default()))
    }

    /// Steps over `word` and its `count` values, which are returned.
    #[inline]
    pub fn list(
        &mut self,
        word: &str,
        count: usize,
    ) -> Option<impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a>> {
        let first = self.at + 1;
        let is_whole = !self.is_over() && count <= self.end - first;
        if !is_whole || !self.args.is(self.at, word) {
            return None;
        }
        self.at = first + count;
        Some(self.args.from(first).take(count))
    }

    /// Steps over the word that one of `names` is, and returns what it stands for.
    pub fn one_of<T: Copy>(&mut self, names: &[(&str, T)]) -> Option<T> {
        names.iter().find(|(name, _)| self.flag(name)).map(|&(_, meaning)| meaning)
    }

    /// Steps over the next word, whatever it is, and returns it.
    pub fn word(&mut self) -> Option<&'a [u8]> {
        let word = self.peek()?;
        self.at += 1;
        Some(word)
    }

    /// Steps over so many words, whatever they are.
    pub fn skip(&mut self, words: usize) {
        self.at += words;
    }
}

#[cfg(test)]
mod tests {

    use crate::wire::OwnedArgs;

    fn owned(words: &str) -> OwnedArgs {
        words.split_whitespace().collect()
    }

    #[test]
    fn options_are_read_in_any_order_and_case() {
        let args = owned("GET k limit 1 2 Any COUNT 3");
        let mut options = args.args().options(2);
        assert!(!options.flag("ANY"));
        assert_eq!(options.values("LIMIT"), Some([&b"1"[..], b"2"]));
        assert!(options.flag("ANY"));
        assert_eq!(options.index(), 6);
        assert_eq!(options.peek(), Some(&b"COUNT"[..]));
        assert_eq!(options.value("COUNT"), Some(&b"3"[..]));
        assert!(options.is_over());
        assert!(!options.flag("COUNT") && options.peek().is_none());
    }

    #[test]
    fn an_option_without_its_values_is_none() {
        let args = owned("GET k LIMIT 1 COUNT");
        let mut options = args.args().options(2);
        assert_eq!(options.values::<3>("LIMIT"), None);
        options.skip(1);
        assert_eq!(options.word(), Some(&b"1"[..]));
        assert_eq!(options.value("COUNT"), None);
        assert!(!options.is_over());
        assert!(args.args().options(9).is_over() && args.args().options(9).word().is_none());
        let mut bounded = args.args().options_between(2, 3);
        assert_eq!(bounded.value("LIMIT"), None);
    }

    #[test]
    fn a_list_has_as_many_values_as_were_asked_for() {
        let args = owned("ZUNION 2 a b WEIGHTS 1 2 WITHSCORES");
        let mut options = args.args().options(4);
        assert!(options.list("WEIGHTS", 4).is_none());
        let weights: Vec<_> = options.list("WEIGHTS", 2).into_iter().flatten().collect();
        assert_eq!(weights, [&b"1"[..], b"2"]);
        assert_eq!(options.one_of(&[("REV", 1), ("WITHSCORES", 2)]), Some(2));
        assert_eq!(options.one_of(&[("REV", 1)]), None);
        assert!(options.is_over());
    }

    #[test]
    fn no_count_overflows() {
        let args = owned("A B C");
        assert!(args.args().options(1).list("B", usize::MAX).is_none());
    }
}
