//! Glob patterns, as KEYS, SCAN, PSUBSCRIBE, CONFIG GET and ACL rules use them.
//!
//! | pattern | matches |
//! |---|---|
//! | `*` | any bytes, also none |
//! | `?` | any one byte |
//! | `[abc]`, `[a-z]`, `[^a-z]` | one byte that is listed, or with `^` one that is not |
//! | `\x` | the byte `x`, whatever it means elsewhere |
//!
//! A pattern is never wrong. What looks like a mistake has a meaning too, and it is Valkey's:
//!
//! * a class that is not closed goes on to the end of the pattern: `[ab` is `[ab]`;
//! * the first `]` closes a class, so `[]` matches nothing and `[^]` any byte;
//! * a range may be written backwards: `[z-a]` is `[a-z]`. Its end is taken as it stands, even when
//!   it is a `]` or a backslash: `[a-]` is the range from `]` to `a`, in a class that is not
//!   closed;
//! * a backslash that ends the pattern is a backslash;
//! * empty text is matched by the empty pattern only, not by `*`. (KEYS and SCAN hand out every key
//!   for `*` without asking for a match.)
//!
//! Bytes are ordered from 0 to 255. Valkey on x86 takes those from 128 up for negative, which shows
//! only in a range that begins on one side of 128 and ends on the other.
//!
//! Matching takes time at most in proportion to the number of pieces in the pattern (a byte, a `?`, a class)
//! multiplied by the length of the text, however hostile the pattern is. A class is one piece, however
//! long it is: a long one becomes a set of 256 bits when the pattern is read. What is matched with many
//! texts is kept as a [`Glob`], which is read once.

/// Returns whether the whole of `text` matches `pattern`.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    Glob::new(pattern).matches(text)
}

/// A pattern that has been read, for many texts. Beside the pattern it takes no more memory than that does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob<P> {
    pattern: P,
    ignores_case: bool,
    long_classes: Vec<LongClass>,
}

impl<P: AsRef<[u8]>> Glob<P> {
    pub(crate) fn new(pattern: P) -> Glob<P> {
        let long_classes = long_classes(pattern.as_ref(), |byte| byte);
        Glob { pattern, ignores_case: false, long_classes }
    }

    /// A pattern for which ASCII letters count as equal in both cases.
    ///
    /// Two corners are Valkey's: a byte after a backslash in a class must be met exactly, and the ends
    /// of a range are put in order before case is dropped, so `[a-Z]` is the range from `z` to `a`:
    /// empty.
    pub(crate) fn ignoring_case(pattern: P) -> Glob<P> {
        let long_classes = long_classes(pattern.as_ref(), |byte| byte.to_ascii_lowercase());
        Glob { pattern, ignores_case: true, long_classes }
    }

    /// The pattern as it was given.
    pub(crate) fn pattern(&self) -> &[u8] {
        self.pattern.as_ref()
    }

    /// Returns whether the whole of `text` matches.
    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        let (pattern, classes) = (self.pattern.as_ref(), &self.long_classes[..]);
        match self.ignores_case {
            false => search(pattern, classes, text, |byte| byte),
            true => search(pattern, classes, text, |byte| byte.to_ascii_lowercase()),
        }
    }
}

impl<P: AsRef<[u8]>> AsRef<[u8]> for Glob<P> {
    fn as_ref(&self) -> &[u8] {
        self.pattern()
    }
}

/// A class of at least [`LONG`] bytes as a set of bytes, a bit each. It does not know of a `^`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LongClass {
    /// Where in the pattern its bytes begin, and where the pattern goes on behind it.
    start: usize,
    end: usize,
    listed: [u64; 4],
}

/// What a `LongClass` takes is what the text of the class takes, or less.
pub(crate) const LONG: usize = size_of::<LongClass>();

impl LongClass {
    /// The set of a class that begins at `start`.
    fn read(pattern: &[u8], start: usize, fold: impl Fn(u8) -> u8) -> LongClass {
        let mut exact = [false; 256];
        // The highest end of the ranges that begin with a byte.
        let mut highest = [None; 256];
        let mut class = &pattern[start..];
        while let Some((listed, rest)) = next_listed(class) {
            match listed {
                Listed::Exactly(byte) => exact[usize::from(byte)] = true,
                Listed::Range(low, high) if fold(low) <= fold(high) => {
                    let end = &mut highest[usize::from(fold(low))];
                    *end = (*end).max(Some(fold(high)));
                }
                Listed::Range(..) => {}
            }
            class = rest;
        }
        let mut in_range = [false; 256];
        let mut reached = None;
        for byte in 0..=u8::MAX {
            reached = reached.max(highest[usize::from(byte)]);
            in_range[usize::from(byte)] = reached >= Some(byte);
        }
        let mut listed = [0; 4];
        for byte in 0..=u8::MAX {
            if exact[usize::from(byte)] || in_range[usize::from(fold(byte))] {
                listed[usize::from(byte / 64)] |= 1 << (byte % 64);
            }
        }
        LongClass { start, end: pattern.len() - behind_class(class).len(), listed }
    }

    fn lists(&self, byte: u8) -> bool {
        self.listed[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
    }
}

/// The long classes of a pattern, in the order in which they stand.
fn long_classes(pattern: &[u8], fold: impl Fn(u8) -> u8 + Copy) -> Vec<LongClass> {
    let mut found = Vec::new();
    let mut rest = pattern;
    while rest.len() > LONG {
        rest = match rest {
            [b'[', b'^', class @ ..] | [b'[', class @ ..] => {
                let mut inner = class;
                while let Some((_, rest)) = next_listed(inner) {
                    inner = rest;
                }
                if class.len() - inner.len() >= LONG {
                    found.push(LongClass::read(pattern, pattern.len() - class.len(), fold));
                }
                behind_class(inner)
            }
            [b'\\', _, behind @ ..] | [_, behind @ ..] => behind,
            [] => break,
        };
    }
    found.shrink_to_fit();
    found
}

/// Matches piece by piece. Where that fails, the last `*` takes one byte more and matching goes on
/// behind it. Earlier stars need no second chance: every other piece matches exactly one byte, so
/// what an earlier star could give up, the last one could take as well.
fn search(
    whole: &[u8],
    classes: &[LongClass],
    mut text: &[u8],
    fold: impl Fn(u8) -> u8 + Copy,
) -> bool {
    if text.is_empty() {
        return whole.is_empty();
    }
    let mut pattern = whole;
    // What follows the last star in the pattern, and the text that it has not taken yet.
    let mut star: Option<(&[u8], &[u8])> = None;
    while let [byte, rest @ ..] = text {
        if let [b'*', behind @ ..] = pattern {
            pattern = behind;
            text = beginning(behind, text, fold);
            star = Some((behind, text));
        } else if let Some(behind) = match_one(whole, classes, pattern, *byte, fold) {
            pattern = behind;
            text = rest;
        } else if let Some((behind, [_, rest @ ..])) = star {
            pattern = behind;
            text = beginning(behind, rest, fold);
            star = Some((behind, text));
        } else {
            return false;
        }
    }
    pattern.iter().all(|&byte| byte == b'*')
}

/// The text from the first byte on that `pattern`, which stands behind a star, can begin with: the star takes what is before.
fn beginning<'a>(pattern: &[u8], text: &'a [u8], fold: impl Fn(u8) -> u8) -> &'a [u8] {
    let skipped = match pattern {
        [] => text.len(),
        [b'*' | b'?' | b'[' | b'\\', ..] => 0,
        [literal, ..] => {
            let is_literal = |&byte: &u8| fold(byte) == fold(*literal);
            text.iter().position(is_literal).unwrap_or(text.len())
        }
    };
    &text[skipped..]
}

/// The pattern behind its first piece, which is no star, if that piece matches `byte`. It is the end of
/// `whole`, of which `classes` are the long ones.
fn match_one<'a>(
    whole: &'a [u8],
    classes: &[LongClass],
    pattern: &'a [u8],
    byte: u8,
    fold: impl Fn(u8) -> u8 + Copy,
) -> Option<&'a [u8]> {
    let match_class = |class: &'a [u8]| {
        let start = whole.len() - class.len();
        match classes.binary_search_by_key(&start, |long| long.start) {
            Ok(at) => (classes[at].lists(byte), &whole[classes[at].end..]),
            Err(_) => match_class(class, byte, fold),
        }
    };
    let (matched, behind) = match pattern {
        [] => return None,
        [b'?', behind @ ..] => (true, behind),
        [b'[', b'^', class @ ..] => {
            let (listed, behind) = match_class(class);
            (!listed, behind)
        }
        [b'[', class @ ..] => match_class(class),
        [b'\\', literal, behind @ ..] | [literal, behind @ ..] => {
            (fold(*literal) == fold(byte), behind)
        }
    };
    matched.then_some(behind)
}

/// Returns whether the class that begins here lists `byte`, and the pattern behind the class.
fn match_class(mut class: &[u8], byte: u8, fold: impl Fn(u8) -> u8 + Copy) -> (bool, &[u8]) {
    let mut is_listed = false;
    while let Some((listed, rest)) = next_listed(class) {
        is_listed |= match listed {
            Listed::Exactly(literal) => literal == byte,
            Listed::Range(low, high) => (fold(low)..=fold(high)).contains(&fold(byte)),
        };
        class = rest;
    }
    (is_listed, behind_class(class))
}

/// What a class lists at one place.
enum Listed {
    /// This byte, in this case.
    Exactly(u8),
    /// From one byte to another that is not below it.
    Range(u8, u8),
}

/// What a class lists first, and the class behind that. `None`: the class ends here.
#[inline]
fn next_listed(class: &[u8]) -> Option<(Listed, &[u8])> {
    Some(match class {
        [] | [b']', ..] => return None,
        [b'\\', literal, rest @ ..] => (Listed::Exactly(*literal), rest),
        [first, b'-', last, rest @ ..] => (Listed::Range(*first.min(last), *first.max(last)), rest),
        [literal, rest @ ..] => (Listed::Range(*literal, *literal), rest),
    })
}

/// The pattern behind a class that ends here.
fn behind_class(class: &[u8]) -> &[u8] {
    class.strip_prefix(b"]").unwrap_or(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches_ignore_case(pattern: &[u8], text: &[u8]) -> bool {
        Glob::ignoring_case(pattern).matches(text)
    }

    #[test]
    fn stars_and_question_marks_stand_for_bytes() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "anything", true),
            ("**", "anything", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "hllo", true),
            ("h*llo", "heeeello", true),
            ("h*llo", "heeeell", false),
            ("*abc", "ababc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a**", "a", true),
            ("news.*", "news.", true),
            ("?", "\u{e9}", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn classes_list_bytes_and_ranges() {
        for (pattern, text, expected) in [
            ("h[ae]llo", "hello", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            ("h[a-c]llo", "hdllo", false),
            ("[!a]", "b", false),
            ("[!a]", "!", true),
            ("[a-b-c]", "-", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
        assert!(matches(b"[\xf0-\xff]", b"\xf5"));
    }

    #[test]
    fn a_backslash_takes_the_next_byte_as_it_is() {
        for (pattern, text, expected) in [
            (r"\*", "*", true),
            (r"\*", "a", false),
            (r"\\", r"\", true),
            (r"\a", "a", true),
            (r"a\", r"a\", true),
            (r"a\", "a", false),
            (r"[\]]", "]", true),
            (r"[\a-c]", "b", false),
            (r"[\a-c]", "-", true),
            (r"[a-\]", r"\", true),
            (r"[a-\]]", "b", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_class_may_be_empty_or_never_closed() {
        for (pattern, text, expected) in [
            ("[", "[", false),
            ("[a", "a", true),
            ("[a", "b", false),
            ("[^", "a", true),
            ("[^a", "a", false),
            ("[a-", "-", true),
            ("[a-]", "_", true),
            ("[]", "a", false),
            ("[]a", "a", false),
            ("[]]", "]", false),
            ("[^]", "a", true),
            (r"[\", r"\", true),
            (r"[\", "a", false),
            ("*[", "a[", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn empty_text_is_matched_by_the_empty_pattern_only() {
        assert!(matches(b"", b""));
        for pattern in ["*", "**", "?", "[^a]", "["] {
            assert!(!matches(pattern.as_bytes(), b""), "{pattern}");
        }
    }

    #[test]
    fn case_is_ignored_when_asked() {
        for (pattern, text, expected) in [
            ("MAX*", "maxmemory", true),
            ("max*", "MaxMemory", true),
            ("m[A]x", "max", true),
            ("m[^A]x", "max", false),
            ("m[A-F]x", "max", true),
            (r"\M?x", "max", true),
            ("*MEM*c", "maxmemory-poliC", true),
            (r"[\M]ax", "max", false),
            ("[A-z]ax", "max", true),
            ("[l-N]ax", "max", false),
            ("[L-n]ax", "max", true),
        ] {
            let found = matches_ignore_case(pattern.as_bytes(), text.as_bytes());
            assert_eq!(found, expected, "{pattern} {text}");
        }
        assert!(!matches(b"MAX*", b"maxmemory"));
    }

    #[test]
    fn a_hostile_pattern_is_answered_at_once() {
        let text = vec![b'a'; 4000];
        let mut pattern = b"a*".repeat(1000);
        pattern.push(b'b');
        assert!(!matches(&pattern, &text));
        assert!(matches(&b"*".repeat(100_000), &text));
        assert!(!matches(&b"[".repeat(100_000), &text));
    }

    /// 4,000,000,000,000 steps if a class were looked through for each byte of the text.
    #[test]
    fn a_long_class_is_looked_through_once() {
        let text = vec![b'a'; 2_000_000];
        let class = b"b".repeat(2_000_000);
        for (before, behind, expected) in [
            (&b"*["[..], &b"]"[..], false),
            (b"*[", b"", false),
            (b"*[^", b"]b", false),
            (b"*[", b"a]", true),
            (b"*[", b"-a]*[", false),
            (b"*[^", b"]", true),
        ] {
            let pattern = [before, &class, behind].concat();
            assert_eq!(matches(&pattern, &text), expected);
            assert_eq!(matches_ignore_case(&pattern, &text), expected);
        }
        assert!(long_classes(&b"[b]".repeat(100_000), |byte| byte).is_empty());
    }

    /// Long classes mean what short ones do: what makes them long is an `m`, again and again.
    #[test]
    fn long_classes_list_what_short_ones_do() {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = move |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 33) as usize % below
        };
        for _ in 0..2000 {
            const FROM: &[u8] = b"abczABCZ019-\\^]\x00\x7f\x80\xff";
            let class: Vec<u8> = (0..next(8)).map(|_| FROM[next(FROM.len())]).collect();
            let short = [b"[", &class[..], b"]"].concat();
            let filling = br"\m".repeat(LONG);
            let long = [b"[", &filling[..], &class[..], b"]"].concat();
            let (glob, folded) =
                (Glob::new(&long), long_classes(&long, |byte| byte.to_ascii_lowercase()));
            assert_eq!((glob.long_classes.len(), folded.len()), (1, 1));
            for byte in (0..=u8::MAX).filter(|&byte| byte != b'm') {
                let listed = match_class(&short[1..], byte, |byte| byte).0;
                assert_eq!(glob.long_classes[0].lists(byte), listed, "{class:?} {byte}");
                let listed = match_class(&short[1..], byte, |byte| byte.to_ascii_lowercase()).0;
                assert_eq!(folded[0].lists(byte), listed, "{class:?} {byte}");
            }
        }
    }

    #[test]
    fn random_patterns_match_what_trying_every_split_matches() {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut pick = |from: &[u8], most: u64| -> Vec<u8> {
            let mut next = || {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random >> 33
            };
            (0..next() % (most + 1)).map(|_| from[next() as usize % from.len()]).collect()
        };
        let mut matched = 0;
        for _ in 0..40_000 {
            let pattern = pick(b"aab***??[]^-\\", 9);
            let mut text = pick(b"aab]-\\", 7);
            text.push(b'a');
            let expected = try_every_split(&pattern, &text);
            assert_eq!(matches(&pattern, &text), expected, "{pattern:?} {text:?}");
            matched += usize::from(expected);
        }
        assert!(matched > 1000);
    }

    /// The same language by definition: a star is every split of the text. Exponential.
    fn try_every_split(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], _) => text.is_empty(),
            ([b'*', behind @ ..], _) => {
                (0..=text.len()).any(|taken| try_every_split(behind, &text[taken..]))
            }
            (_, []) => false,
            (_, [byte, rest @ ..]) => match_one(pattern, &[], pattern, *byte, |byte| byte)
                .is_some_and(|behind| try_every_split(behind, rest)),
        }
    }
}
