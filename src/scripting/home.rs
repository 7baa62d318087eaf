//! Where the Lua states of a world live: on the thread that runs it.
//!
//! A world can be handed to another thread. A Lua state of mlua's could only if every value that crosses between Lua
//! and Rust took a lock and counted atomically, which is a fifth of what a command from a script costs. So a world
//! has a [`Home`], which is a key to what its thread keeps. On another thread there is nothing behind it: there the
//! state is made anew from the code, as at a restart.

use std::cell::Cell;
use std::sync::{Arc, Weak};

use super::interpreter::Interpreter;

/// The place of one Lua state.
#[derive(Default)]
pub(super) struct Home {
    key: Arc<()>,
}

struct Kept {
    key: Weak<()>,
    interpreter: Interpreter,
}

thread_local! {
    /// The states that are not in use. They are few: one or two for each world of the thread.
    static KEPT: Cell<Vec<Kept>> = const { Cell::new(Vec::new()) };
}

impl Home {
    /// Takes the state out to use it; nothing if this thread has none.
    pub(super) fn take(&self) -> Option<Interpreter> {
        let mut all = KEPT.take();
        let at = all.iter().position(|kept| self.opens(kept));
        let kept = at.map(|at| all.swap_remove(at));
        KEPT.set(all);
        Some(kept?.interpreter)
    }

    /// Keeps the state until it is used again, or until the home is no more.
    pub(super) fn keep(&self, interpreter: Interpreter) {
        let mut all = KEPT.take();
        // A world that was dropped on another thread has left its state behind.
        all.retain(|kept| kept.key.strong_count() > 0);
        all.push(Kept { key: Arc::downgrade(&self.key), interpreter });
        KEPT.set(all);
    }

    fn opens(&self, kept: &Kept) -> bool {
        std::ptr::eq(kept.key.as_ptr(), Arc::as_ptr(&self.key))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // A thread that ends has none any more.
        let left = KEPT.try_with(|all| {
            let mut kept = all.take();
            let at = kept.iter().position(|kept| self.opens(kept));
            let gone = at.map(|at| kept.swap_remove(at));
            all.set(kept);
            gone
        });
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::config::Config;
    use crate::embed::local::Local;
    use crate::embed::testing::call;

    fn kept() -> usize {
        let all = KEPT.take();
        let count = all.len();
        KEPT.set(all);
        count
    }

    #[test]
    fn a_world_on_another_thread_has_its_scripts_and_functions() {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        let library = "#!lua name=lib\nserver.register_function('f', function() return 6 end)";
        assert_eq!(call(&mut local, client, &["FUNCTION", "LOAD", library]), "$3\r\nlib\r\n");
        let digest = call(&mut local, client, &["SCRIPT", "LOAD", "return 5"]);
        let digest = digest[5..45].to_owned();
        call(&mut local, client, &["EVAL", "return 7", "0"]);
        assert_eq!(kept(), 2);
        let moved = thread::spawn(move || {
            assert_eq!(call(&mut local, client, &["EVALSHA", &digest, "0"]), ":5\r\n");
            assert_eq!(call(&mut local, client, &["EVAL", "return 7", "0"]), ":7\r\n");
            assert_eq!(call(&mut local, client, &["FCALL", "f", "0"]), ":6\r\n");
            assert_eq!(kept(), 2);
            drop(local);
            assert_eq!(kept(), 0);
        });
        moved.join().expect("the other thread ends well");
        // What was left behind here goes when the next one comes.
        let mut other = Local::new(Config::default());
        let client = other.connect();
        call(&mut other, client, &["EVAL", "return 1", "0"]);
        assert_eq!(kept(), 1);
        drop(other);
        assert_eq!(kept(), 0);
    }
}
