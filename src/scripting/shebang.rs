//! The first line of a script that says what it is: `#!lua name=mylib flags=no-writes,allow-oom`.

use crate::error::{self, Error};
use crate::text::quote;

/// What a script says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags {
    pub(super) no_writes: bool,
    pub(super) allow_oom: bool,
    pub(super) no_cluster: bool,
    pub(super) crosses_slots: bool,
}

/// Where the code begins behind the shebang line. The end of that line counts as a line of Lua's.
pub(super) fn code(script: &[u8]) -> &[u8] {
    match script.starts_with(b"#!") {
        true => &script[line_end(script).unwrap_or(script.len())..],
        false => script,
    }
}

fn line_end(script: &[u8]) -> Option<usize> {
    script.iter().position(|&byte| byte == b'\n')
}

/// Reads the shebang line of a script for EVAL, if it has one.
pub(super) fn of_script(script: &[u8]) -> Result<Option<Flags>, Error> {
    if !script.starts_with(b"#!") {
        return Ok(None);
    }
    let end = line_end(script).ok_or(error::BAD_SHEBANG)?;
    let words = quote::split(&script[2..end]).ok_or(error::BAD_SHEBANG_ENGINE)?;
    let (engine, options) =
        words.split_first().map_or((&[][..], &[][..]), |(engine, options)| (&engine[..], options));
    let is_left_out = engine.is_empty() && !options.is_empty();
    if !engine.eq_ignore_ascii_case(b"lua") && !is_left_out {
        return Err(error::no_scripting_engine(engine));
    }
    let mut flags = Flags::default();
    for option in options {
        let list =
            option.strip_prefix(b"flags=").ok_or_else(|| error::unknown_shebang_option(option))?;
        for flag in list.split(|&byte| byte == b',') {
            if !list.is_empty() && !flags.set(flag) {
                return Err(error::unexpected_script_flag(flag));
            }
        }
    }
    Ok(Some(flags))
}

impl Flags {
    /// Adds the flag of this name, and returns whether there is one. `allow-stale` is about replicas that may be stale,
    /// which respd is not.
    pub(super) fn set(&mut self, flag: &[u8]) -> bool {
        match flag {
            b"no-writes" => self.no_writes = true,
            b"allow-oom" => self.allow_oom = true,
            b"no-cluster" => self.no_cluster = true,
            b"allow-cross-slot-keys" => self.crosses_slots = true,
            b"allow-stale" => {}
            _ => return false,
        }
        true
    }
}
