//! The directives that stand in files only: CONFIG GET and SET do not know them.

/// A directive that stands in files only: CONFIG GET and SET do not know it.
pub(crate) struct FileOnly {
    pub(super) name: &'static str,
    pub(super) synopsis: &'static str,
    /// What it means, in one sentence.
    pub(super) about: &'static str,
    pub(super) fate: Fate,
}

/// What becomes of a line with a directive that stands in files only.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    Read,
    /// It has one value and no effect, in the reference too.
    Ignored,
    /// Why, and what to do instead.
    Refused(&'static str),
}

pub(crate) const FILE_ONLY: &[FileOnly] = &[
    FileOnly {
        name: "events-per-io-thread",
        synopsis: "events-per-io-thread 2",
        about: "How many events there are for each thread that reads and writes.",
        fate: Fate::Ignored,
    },
    FileOnly {
        name: "include",
        synopsis: "include PATH",
        about: "Reads another file at this point; the last part of its path may be a pattern.",
        fate: Fate::Read,
    },
    FileOnly {
        name: "list-max-ziplist-entries",
        synopsis: "list-max-ziplist-entries 512",
        about: "How many elements a small list has.",
        fate: Fate::Ignored,
    },
    FileOnly {
        name: "list-max-ziplist-value",
        synopsis: "list-max-ziplist-value 64",
        about: "The bytes of an element of a small list.",
        fate: Fate::Ignored,
    },
    FileOnly {
        name: "loadmodule",
        synopsis: "loadmodule PATH [ARGUMENT...]",
        about: "Loads a module.",
        fate: Fate::Refused(
            "respd loads no modules: leave the line out, and see docs/embedding.md for commands of one's own",
        ),
    },
    FileOnly {
        name: "lua-replicate-commands",
        synopsis: "lua-replicate-commands yes",
        about: "Replicates what scripts do rather than scripts.",
        fate: Fate::Ignored,
    },
    FileOnly {
        name: "rename-command",
        synopsis: "rename-command NAME ''",
        about: "Takes a command away: no client finds it, whatever its user may do.",
        fate: Fate::Read,
    },
    FileOnly {
        name: "user",
        synopsis: "user NAME RULE...",
        about: "Declares a user.",
        fate: Fate::Read,
    },
];

pub(crate) fn is_ignored(name: &[u8]) -> bool {
    let mut ignored = FILE_ONLY.iter().filter(|line| matches!(line.fate, Fate::Ignored));
    ignored.any(|line| line.name.as_bytes().eq_ignore_ascii_case(name))
}

pub(crate) fn is_rename(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"rename-command")
}

pub(crate) fn is_include(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"include")
}

pub(crate) fn is_user(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"user")
}
