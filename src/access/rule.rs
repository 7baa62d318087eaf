//! Rules as text: what they are read with, what is wrong with them, and where selectors end.

/// Why a rule was refused. It changed nothing, or nothing that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadRule {
    UnknownCommand,
    Syntax,
    AfterAllKeys,
    AfterAllChannels,
    NoSuchPassword,
    NotAHash,
    ArgumentOfSubcommand,
    NoSuchDatabase,
}

impl BadRule {
    /// The sentence of the reference about it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            BadRule::UnknownCommand => "Unknown command or category name in ACL",
            BadRule::Syntax => "Syntax error",
            BadRule::AfterAllKeys => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
            }
            BadRule::AfterAllChannels => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels"
            }
            BadRule::NoSuchPassword => {
                "The password you are trying to remove from the user does not exist"
            }
            BadRule::NotAHash => {
                "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
            }
            BadRule::ArgumentOfSubcommand => "Allowing first-arg of a subcommand is not supported",
            BadRule::NoSuchDatabase => "The provided database ID is out of range",
        }
    }
}

/// Whether a name or pattern has bytes that would not survive as one word of a line.
pub(crate) fn has_spaces(text: &[u8]) -> bool {
    text.iter().any(|byte| b" \0".contains(byte))
}

/// Joins the words of each selector into one rule: `(~a`, `+get)` is `(~a +get)`. The error is the
/// place of the word that opens a selector which nothing closes.
pub(crate) fn join_selectors<T: AsRef<[u8]>>(words: &[T]) -> Result<Vec<Vec<u8>>, usize> {
    let mut rules: Vec<Vec<u8>> = Vec::new();
    let mut opened = None;
    for (at, word) in words.iter().map(T::as_ref).enumerate() {
        if opened.is_some()
            && let Some(rule) = rules.last_mut()
        {
            rule.push(b' ');
            rule.extend_from_slice(word);
        } else {
            rules.push(word.to_vec());
            opened = word.starts_with(b"(").then_some(at);
        }
        if word.ends_with(b")") {
            opened = None;
        }
    }
    match opened {
        None => Ok(rules),
        Some(at) => Err(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_end_where_a_word_ends_with_a_parenthesis() {
        let joined = |line: &str| {
            let words: Vec<&str> = line.split(',').collect();
            join_selectors(&words).map(|rules| {
                rules.iter().map(|rule| String::from_utf8_lossy(rule).into_owned()).collect()
            })
        };
        let rules = |line: &str| -> Vec<String> { line.split(',').map(str::to_owned).collect() };
        assert_eq!(joined("on,(~a,+get),off"), Ok(rules("on,(~a +get),off")));
        assert_eq!(joined("(~a +get),(),)"), Ok(rules("(~a +get),(),)")));
        assert_eq!(joined("(,~x,)"), Ok(rules("( ~x )")));
        assert_eq!(joined("(~a,(~b)),x)"), Ok(rules("(~a (~b)),x)")));
        assert_eq!(joined("on,(~a,+get"), Err(1));
        assert_eq!(joined("("), Err(0));
    }
}
