//! What an embedder keeps with a connection: a value of each of its types.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The values that are kept with a client. They are few, so that one is found by looking at each.
#[derive(Default)]
pub(crate) struct Locals(Vec<Box<dyn Any + Send>>);

impl Locals {
    /// The value of this type, which is made when it is asked for first.
    pub(crate) fn of<T: Any + Send + Default>(&mut self) -> &mut T {
        let at = self.0.iter().position(|kept| kept.is::<T>()).unwrap_or_else(|| {
            self.0.push(Box::<T>::default());
            self.0.len() - 1
        });
        // Its type has been looked at.
        self.0[at].downcast_mut().unwrap_or_else(|| unreachable!())
    }

    /// Takes out the value of this type, if there is one.
    pub(crate) fn take<T: Any + Send>(&mut self) -> Option<T> {
        let at = self.0.iter().position(|kept| kept.is::<T>())?;
        self.0.swap_remove(at).downcast().ok().map(|kept| *kept)
    }

    /// Bytes of memory, without what the values hold elsewhere.
    pub(crate) fn memory(&self) -> usize {
        let values = self.0.iter().map(|kept| size_of_val(&**kept)).sum::<usize>();
        size_of::<Locals>() + self.0.capacity() * size_of::<Box<dyn Any + Send>>() + values
    }
}

impl Drop for Locals {
    /// What a value does when it is dropped is the embedder's own, and may panic: the server goes on.
    fn drop(&mut self) {
        for kept in self.0.drain(..) {
            if catch_unwind(AssertUnwindSafe(|| drop(kept))).is_err() {
                log::error!("what was kept with a connection panicked when it was dropped");
            }
        }
    }
}

impl fmt::Debug for Locals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Locals").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_panics_when_it_is_dropped_takes_nothing_with_it() {
        #[derive(Default)]
        struct Bad;
        impl Drop for Bad {
            fn drop(&mut self) {
                panic!("on purpose");
            }
        }
        let kept = std::sync::Arc::new(());
        let mut locals = Locals::default();
        locals.of::<Bad>();
        *locals.of::<Option<std::sync::Arc<()>>>() = Some(kept.clone());
        drop(locals);
        assert_eq!(std::sync::Arc::strong_count(&kept), 1);
    }

    #[test]
    fn there_is_one_value_of_each_type() {
        let mut locals = Locals::default();
        *locals.of::<u32>() += 1;
        locals.of::<String>().push('x');
        *locals.of::<u32>() += 1;
        assert_eq!((*locals.of::<u32>(), locals.of::<String>().as_str()), (2, "x"));
        assert!(locals.memory() >= 4 + size_of::<String>());
        assert_eq!((locals.take::<u32>(), locals.take::<u32>()), (Some(2), None));
        assert_eq!(locals.take::<String>().as_deref(), Some("x"));
    }
}
