//! All libraries, and their functions by name.
//!
//! Libraries are known by their very names. Functions are found in capitals or not, so that no two of them may differ
//! in that only. A change is made as a whole or not at all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::super::interpreter::{Interpreter, Kept};
use super::library::{self, Flags, Library};
use super::loading;
use crate::error::{self, Error};

/// All libraries.
#[derive(Default)]
pub(super) struct Registry {
    libraries: BTreeMap<Arc<[u8]>, Library>,
    /// By their names in small letters.
    functions: HashMap<Box<[u8]>, Entry>,
    bytes: usize,
}

/// A function, as FCALL finds it.
pub(super) struct Entry {
    /// As it was registered.
    pub(super) name: Arc<[u8]>,
    pub(super) callback: Kept,
    pub(super) flags: Flags,
    /// The name of its library.
    library: Arc<[u8]>,
}

impl Registry {
    pub(super) fn libraries(&self) -> impl ExactSizeIterator<Item = &Library> + Clone {
        self.libraries.values()
    }

    pub(super) fn functions(&self) -> usize {
        self.functions.len()
    }

    /// The bytes that all libraries take, without what Lua makes of them.
    pub(super) fn memory(&self) -> usize {
        self.bytes
    }

    /// The function that FCALL finds by this name.
    pub(super) fn function(&self, name: &[u8]) -> Option<&Entry> {
        self.functions.get(&*name.to_ascii_lowercase())
    }

    /// Loads a library and returns its name. One of that name is in its way, or is replaced if the new one is good.
    pub(super) fn load(
        &mut self,
        interpreter: &Interpreter,
        code: &[u8],
        replaces: bool,
    ) -> Result<Box<[u8]>, Error> {
        let (name, body) = library::named(code)?;
        if !replaces && self.libraries.contains_key(&*name) {
            return Err(error::library_exists(&name));
        }
        let functions = loading::run(interpreter, body)?;
        let library = Library { name: name.clone(), code: code.into(), functions };
        if let Err(collision) = self.has_room_for(&library, |owner| *owner == *name) {
            library.forget(interpreter);
            return Err(collision);
        }
        self.remove(interpreter, &name);
        self.insert(library);
        Ok(name)
    }

    /// Adds all of `other`. A library that is in the way of one of the same name is replaced if `replaces`. After an
    /// error nothing has changed.
    pub(super) fn join(
        &mut self,
        interpreter: &Interpreter,
        other: Registry,
        replaces: bool,
    ) -> Result<(), Error> {
        if let Err(collision) = self.can_join(&other, replaces) {
            other.forget(interpreter);
            return Err(collision);
        }
        for name in other.libraries.keys() {
            self.remove(interpreter, name);
        }
        other.libraries.into_values().for_each(|library| self.insert(library));
        Ok(())
    }

    fn can_join(&self, other: &Registry, replaces: bool) -> Result<(), Error> {
        let is_replaced = |owner: &[u8]| other.libraries.contains_key(owner);
        for name in other.libraries.keys() {
            if !replaces && self.libraries.contains_key(name) {
                return Err(error::library_is_there(name));
            }
        }
        other.libraries().try_for_each(|library| self.has_room_for(library, is_replaced))
    }

    /// Refuses a library of which a function has the name of another one, unless the library of that is replaced.
    fn has_room_for(
        &self,
        library: &Library,
        is_replaced: impl Fn(&[u8]) -> bool,
    ) -> Result<(), Error> {
        for function in &library.functions {
            let there = self.functions.get(&*function.name.to_ascii_lowercase());
            if there.is_some_and(|there| !is_replaced(&there.library)) {
                return Err(error::function_exists(&function.name));
            }
        }
        Ok(())
    }

    /// Gives all libraries up.
    pub(super) fn forget(self, interpreter: &Interpreter) {
        self.libraries.values().for_each(|library| library.forget(interpreter));
    }

    fn insert(&mut self, library: Library) {
        let name: Arc<[u8]> = library.name.as_ref().into();
        for function in &library.functions {
            let (callback, flags) = (function.callback, function.flags);
            let library = name.clone();
            let entry = Entry { name: function.name.clone(), callback, flags, library };
            self.functions.insert(function.name.to_ascii_lowercase().into(), entry);
        }
        self.bytes += library.memory();
        self.libraries.insert(name, library);
    }

    /// Removes a library. Returns false if there is none of this name.
    pub(super) fn remove(&mut self, interpreter: &Interpreter, name: &[u8]) -> bool {
        let Some(library) = self.libraries.remove(name) else {
            return false;
        };
        for function in &library.functions {
            self.functions.remove(&*function.name.to_ascii_lowercase());
        }
        self.bytes -= library.memory();
        library.forget(interpreter);
        true
    }
}
