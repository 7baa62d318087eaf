//! The first line of a script that says what it is: `#!lua name=mylib flags=no-writes,allow-oom`.

use crate::error::{self, Error};

/// What a script says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags {
    pub(super) no_writes: bool,
    pub(super) allow_oom: bool,
}

/// A script without its shebang line, and what that says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shebang<'a> {
    pub(super) flags: Flags,
    /// The library's name: `name=`.
    pub(super) name: Option<&'a [u8]>,
}

/// Reads the shebang line of `code`, if it has one. A library has a name, a script has flags.
pub(super) fn read(code: &[u8], is_library: bool) -> Result<Option<Shebang<'_>>, Error> {
    if !code.starts_with(b"#!") {
        return Ok(None);
    }
    let end = code.iter().position(|&byte| byte == b'\n').ok_or(error::BAD_SHEBANG)?;
    let mut words =
        code[2..end].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let engine = words.next().unwrap_or_default();
    if !engine.eq_ignore_ascii_case(b"lua") {
        return Err(error::no_scripting_engine(engine));
    }
    let mut shebang = Shebang { flags: Flags::default(), name: None };
    for word in words {
        if let Some(flags) = word.strip_prefix(b"flags=").filter(|_| !is_library) {
            flags
                .split(|&byte| byte == b',')
                .filter(|flag| !flag.is_empty())
                .try_for_each(|flag| shebang.flags.set(flag))?;
        } else if let Some(name) = word.strip_prefix(b"name=").filter(|_| is_library) {
            shebang.name = Some(name);
        } else {
            return Err(error::unknown_shebang_option(word));
        }
    }
    Ok(Some(shebang))
}

impl Flags {
    /// Adds the flag of this name. `allow-stale`, `no-cluster` and `allow-cross-slot-keys` are about replicas and
    /// clusters, which respd is none of.
    fn set(&mut self, flag: &[u8]) -> Result<(), Error> {
        match flag {
            b"no-writes" => self.no_writes = true,
            b"allow-oom" => self.allow_oom = true,
            b"allow-stale" | b"no-cluster" | b"allow-cross-slot-keys" => {}
            _ => return Err(error::unexpected_script_flag(flag)),
        }
        Ok(())
    }
}
