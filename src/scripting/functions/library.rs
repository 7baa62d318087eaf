//! A library: its code, whose first line names it, and the functions that it has registered.

use std::sync::Arc;

use super::super::interpreter::{Interpreter, Kept};
use super::super::shebang;
use crate::error::{self, Error};
use crate::text::quote;

/// The one engine.
pub(super) const ENGINE: &str = "LUA";

/// A library that is loaded.
pub(super) struct Library {
    pub(super) name: Box<[u8]>,
    pub(super) code: Box<[u8]>,
    /// In the order in which they were registered.
    pub(super) functions: Vec<Function>,
}

/// A function of a library.
pub(super) struct Function {
    pub(super) name: Arc<[u8]>,
    pub(super) description: Option<Box<[u8]>>,
    pub(super) flags: Flags,
    pub(super) callback: Kept,
}

/// What a function says of itself, a bit each, in the order of [`Flags::NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags(u8);

impl Flags {
    const NAMES: [&str; 5] =
        ["no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"];

    /// Adds the flag of this name, in capitals or not. Returns whether there is one.
    pub(super) fn add(&mut self, name: &[u8]) -> bool {
        let is_named = |flag: &&str| name.eq_ignore_ascii_case(flag.as_bytes());
        let index = Flags::NAMES.iter().position(is_named);
        self.0 |= index.map_or(0, |index| 1 << index);
        index.is_some()
    }

    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        let has = move |index: &usize| self.0 >> index & 1 == 1;
        (0..Flags::NAMES.len()).filter(has).map(|index| Flags::NAMES[index])
    }

    /// Those that a run is held to.
    pub(super) fn of_run(self) -> shebang::Flags {
        let has = |name| self.names().any(|flag| flag == name);
        shebang::Flags {
            no_writes: has("no-writes"),
            allow_oom: has("allow-oom"),
            no_cluster: has("no-cluster"),
            crosses_slots: has("allow-cross-slot-keys"),
        }
    }
}

/// Names of libraries and functions are words.
pub(super) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The name that the first line of `code` gives the library, and the code from the end of that line on, so that lines
/// count from the first.
pub(super) fn named(code: &[u8]) -> Result<(Box<[u8]>, &[u8]), Error> {
    let line = code.strip_prefix(b"#!").ok_or(error::NO_METADATA)?;
    let end = line.iter().position(|&byte| byte == b'\n').ok_or(error::BAD_METADATA)?;
    let (line, body) = line.split_at(end);
    // A word that is empty because of a space after `#!` is the name of an engine, too.
    let words = quote::split(&[b"#!", line].concat()).ok_or(error::BAD_METADATA)?;
    let (engine, words) = words.split_first().ok_or(error::BAD_METADATA)?;
    let mut name: Option<&[u8]> = None;
    for word in words {
        let value = match word.split_at_checked(b"name=".len()) {
            Some((key, value)) if key.eq_ignore_ascii_case(b"name=") => value,
            _ => return Err(error::unknown_metadata(word)),
        };
        if name.replace(value).is_some() {
            return Err(error::TWO_LIBRARY_NAMES);
        }
    }
    let name = name.ok_or(error::NO_LIBRARY_NAME)?;
    if !is_name(name) {
        return Err(error::BAD_LIBRARY_NAME);
    }
    let engine = engine.strip_prefix(b"#!").unwrap_or(engine);
    if !engine.eq_ignore_ascii_case(ENGINE.as_bytes()) {
        return Err(error::no_function_engine(engine));
    }
    Ok((name.into(), body))
}

impl Library {
    /// The interpreter may collect what the library has.
    pub(super) fn forget(&self, interpreter: &Interpreter) {
        self.functions.iter().for_each(|function| interpreter.forget(function.callback));
    }

    /// The bytes that it takes, without what Lua makes of it.
    pub(super) fn memory(&self) -> usize {
        let functions = self.functions.iter().map(Function::memory).sum::<usize>();
        size_of::<Library>() + self.name.len() + self.code.len() + functions
    }
}

impl Function {
    fn memory(&self) -> usize {
        let description = self.description.as_ref().map_or(0, |text| text.len());
        // The name is there twice: functions are found by it.
        2 * (size_of::<Function>() + self.name.len()) + description
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_a_library() {
        let name = |code: &str| {
            named(code.as_bytes()).map(|(name, body)| {
                format!("{} {:?}", name.escape_ascii(), body.escape_ascii().to_string())
            })
        };
        assert_eq!(name("#!lua name=a\nreturn"), Ok(r#"a "\\nreturn""#.into()));
        assert_eq!(name("#!Lua \"NAME=_9\" \r\n"), Ok(r#"_9 "\\n""#.into()));
        for (code, error) in [
            ("", error::NO_METADATA),
            ("return 1", error::NO_METADATA),
            ("#!lua name=a", error::BAD_METADATA),
            ("#!lua 'name=a\n", error::BAD_METADATA),
            ("#!lua\n", error::NO_LIBRARY_NAME),
            ("#!lua name=\n", error::BAD_LIBRARY_NAME),
            ("#!lua name=a name=a\n", error::TWO_LIBRARY_NAMES),
            ("#!lua name\n", error::unknown_metadata(b"name")),
            ("#! name=a\n", error::no_function_engine(b"")),
            ("#!js name=a\n", error::no_function_engine(b"js")),
        ] {
            assert_eq!(name(code), Err(error), "{code}");
        }
    }

    #[test]
    fn flags_are_shown_in_their_own_order() {
        let mut flags = Flags::default();
        assert!(flags.add(b"ALLOW-oom") && flags.add(b"no-writes") && !flags.add(b"nosuch"));
        assert_eq!(flags.names().collect::<Vec<_>>(), ["no-writes", "allow-oom"]);
        let expected =
            shebang::Flags { no_writes: true, allow_oom: true, ..shebang::Flags::default() };
        assert_eq!(flags.of_run(), expected);
    }
}
