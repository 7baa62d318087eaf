//! Scripts that have been compiled, by their SHA-1 and by their code.
//!
//! What EVAL has brought makes room for newer ones: the five hundred that were used last stay. A script that SCRIPT LOAD
//! has brought stays until SCRIPT FLUSH, because its client counts on EVALSHA.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sha1::{Digest as _, Sha1};

use super::interpreter::Kept;
use super::shebang::Flags;

/// So many scripts of EVAL are kept.
const MOST_EVALUATED: usize = 500;

/// A script's SHA-1.
pub(super) type Digest = [u8; 20];

/// A compiled script.
pub(super) struct Script {
    pub(super) code: Arc<[u8]>,
    pub(super) function: Kept,
    /// What the shebang line says, if there is one.
    pub(super) flags: Option<Flags>,
    /// When EVAL used it last, counted in uses of all. Nothing for one that stays.
    used: Option<u64>,
}

/// All compiled scripts.
#[derive(Default)]
pub(super) struct Cache {
    scripts: HashMap<Digest, Script>,
    digests: HashMap<Arc<[u8]>, Digest>,
    /// Scripts that are not to stay, by their last use.
    evaluated: BTreeMap<u64, Digest>,
    uses: u64,
    /// The bytes of code.
    bytes: usize,
}

/// The SHA-1 of some code.
pub(super) fn digest(code: &[u8]) -> Digest {
    Sha1::digest(code).into()
}

/// The SHA-1 that is spelled in forty hexadecimal digits, in capitals or not.
pub(super) fn parse(digits: &[u8]) -> Option<Digest> {
    let mut digest = Digest::default();
    if digits.len() != 2 * digest.len() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = (digit(0)? << 4 | digit(1)?) as u8;
    }
    Some(digest)
}

/// The forty hexadecimal digits of a SHA-1.
pub(super) fn spelled(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Cache {
    pub(super) fn get(&self, digest: &Digest) -> Option<&Script> {
        self.scripts.get(digest)
    }

    /// The SHA-1 of a script with this very code.
    pub(super) fn with_code(&self, code: &[u8]) -> Option<Digest> {
        self.digests.get(code).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.scripts.len()
    }

    /// The bytes of memory that scripts take here, without what Lua makes of them.
    pub(super) fn memory(&self) -> usize {
        self.bytes + self.scripts.len() * (size_of::<Script>() + 2 * size_of::<Digest>())
    }

    /// Keeps a script. `stays` if SCRIPT LOAD has brought it. Returns the one that has made room for it, if one has.
    pub(super) fn insert(
        &mut self,
        digest: Digest,
        code: &[u8],
        function: Kept,
        flags: Option<Flags>,
        stays: bool,
    ) -> Option<Kept> {
        let code: Arc<[u8]> = code.into();
        self.bytes += code.len();
        self.digests.insert(code.clone(), digest);
        self.scripts.insert(digest, Script { code, function, flags, used: None });
        if stays {
            return None;
        }
        self.note_use(&digest, true);
        (self.evaluated.len() > MOST_EVALUATED).then(|| self.evict())?
    }

    /// The script has been used. One that is to stay is not moved.
    pub(super) fn used(&mut self, digest: &Digest) {
        self.note_use(digest, false);
    }

    fn note_use(&mut self, digest: &Digest, is_new: bool) {
        let Some(script) = self.scripts.get_mut(digest) else {
            return;
        };
        if !is_new && (script.used.is_none() || script.used == Some(self.uses)) {
            return;
        }
        self.uses += 1;
        if let Some(before) = script.used.replace(self.uses) {
            self.evaluated.remove(&before);
        }
        self.evaluated.insert(self.uses, *digest);
    }

    /// The script stays from now on.
    pub(super) fn keep(&mut self, digest: &Digest) {
        if let Some(used) = self.scripts.get_mut(digest).and_then(|script| script.used.take()) {
            self.evaluated.remove(&used);
        }
    }

    /// Compiles all scripts anew. One for which there is nothing is dropped.
    pub(super) fn compile_all(&mut self, compile: impl Fn(&[u8]) -> Option<Kept>) {
        let mut failed = Vec::new();
        for (digest, script) in &mut self.scripts {
            match compile(&script.code) {
                Some(function) => script.function = function,
                None => failed.push(*digest),
            }
        }
        for digest in failed {
            self.keep(&digest);
            self.remove(&digest);
        }
    }

    /// Drops the script of EVAL that has been used least lately.
    fn evict(&mut self) -> Option<Kept> {
        let (_, digest) = self.evaluated.pop_first()?;
        self.remove(&digest)
    }

    /// Drops a script that is not among those of EVAL any more.
    fn remove(&mut self, digest: &Digest) -> Option<Kept> {
        let script = self.scripts.remove(digest)?;
        self.bytes -= script.code.len();
        self.digests.remove(&script.code);
        Some(script.function)
    }
}
