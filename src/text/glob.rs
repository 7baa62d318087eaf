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
//! Matching takes no memory, and time at most in proportion to the length of the pattern multiplied
//! by the length of the text, however hostile the pattern is.

/// Whether the whole of `text` matches `pattern`.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    search(pattern, text, |byte| byte)
}

/// Whether the whole of `text` matches `pattern` when ASCII letters count as equal in both cases.
///
/// Two corners are Valkey's: a byte after a backslash in a class must be met exactly, and the ends
/// of a range are put in order before case is dropped, so `[a-Z]` is the range from `z` to `a`:
/// empty.
pub fn matches_ignore_case(pattern: &[u8], text: &[u8]) -> bool {
    search(pattern, text, |byte| byte.to_ascii_lowercase())
}

/// Matches piece by piece. Where that fails, the last `*` takes one byte more and matching goes on
/// behind it. Earlier stars need no second chance: every other piece matches exactly one byte, so
/// what an earlier star could give up, the last one could take as well.
fn search(mut pattern: &[u8], mut text: &[u8], fold: impl Fn(u8) -> u8 + Copy) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    // What follows the last star in the pattern, and the text that it has not taken yet.
    let mut star: Option<(&[u8], &[u8])> = None;
    while let [byte, rest @ ..] = text {
        if let [b'*', behind @ ..] = pattern {
            pattern = behind;
            star = Some((behind, text));
        } else if let Some(behind) = match_one(pattern, *byte, fold) {
            pattern = behind;
            text = rest;
        } else if let Some((behind, [_, rest @ ..])) = star {
            pattern = behind;
            text = rest;
            star = Some((behind, rest));
        } else {
            return false;
        }
    }
    pattern.iter().all(|&byte| byte == b'*')
}

/// The pattern behind its first piece, which is no star, if that piece matches `byte`.
fn match_one(pattern: &[u8], byte: u8, fold: impl Fn(u8) -> u8 + Copy) -> Option<&[u8]> {
    let (matched, behind) = match pattern {
        [] => return None,
        [b'?', behind @ ..] => (true, behind),
        [b'[', b'^', class @ ..] => {
            let (listed, behind) = match_class(class, byte, fold);
            (!listed, behind)
        }
        [b'[', class @ ..] => match_class(class, byte, fold),
        [b'\\', literal, behind @ ..] | [literal, behind @ ..] => {
            (fold(*literal) == fold(byte), behind)
        }
    };
    matched.then_some(behind)
}

/// Whether the class that begins here lists `byte`, and the pattern behind the class.
fn match_class(mut class: &[u8], byte: u8, fold: impl Fn(u8) -> u8 + Copy) -> (bool, &[u8]) {
    let mut listed = false;
    loop {
        class = match class {
            [] => return (listed, class),
            [b']', behind @ ..] => return (listed, behind),
            [b'\\', literal, rest @ ..] => {
                listed |= *literal == byte;
                rest
            }
            [first, b'-', last, rest @ ..] => {
                let (low, high) = (first.min(last), first.max(last));
                listed |= (fold(*low)..=fold(*high)).contains(&fold(byte));
                rest
            }
            [literal, rest @ ..] => {
                listed |= fold(*literal) == fold(byte);
                rest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            (_, [byte, rest @ ..]) => match_one(pattern, *byte, |byte| byte)
                .is_some_and(|behind| try_every_split(behind, rest)),
        }
    }
}
