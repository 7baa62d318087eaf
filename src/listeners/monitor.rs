//! MONITOR: clients that are shown every command that runs.

/// Their ids, in the order in which they came.
#[derive(Debug, Default)]
pub struct Monitors(pub(crate) Vec<u64>);

impl Monitors {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
