//! What is behind the front: a store that threads ask, and that says when a key changes.

use respd::Error;

/// What a key has.
pub struct Stored {
    pub value: Vec<u8>,
    /// Another after each change of the key, and never 0.
    pub version: u64,
}

/// Called with the key and its value, `None` when it is gone.
pub type Changed = Box<dyn Fn(&[u8], Option<&[u8]>) + Send + Sync>;

/// A store. Its methods block, and several threads call them at a time.
///
/// An error says that nothing was done. The code `UNCERTAIN` is for a change of which that is not known.
pub trait Engine: Send + Sync {
    fn get(&self, key: &[u8]) -> Result<Option<Stored>, Error>;
    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Error>;
    /// Returns whether there was such a key.
    fn del(&self, key: &[u8]) -> Result<bool, Error>;
    /// Sets the value if the key has this version, 0 being that of a key that is not there. Returns whether it had.
    fn swap(&self, key: &[u8], version: u64, value: &[u8]) -> Result<bool, Error>;
    /// Tells of each change from now on, in the order in which they are made.
    fn watch(&self, changed: Changed) -> Result<(), Error>;

    /// Adds one by compare-and-swap, again and again until no other has changed the key in between.
    fn incr(&self, key: &[u8]) -> Result<i64, Error> {
        loop {
            let (old, version) = match self.get(key)? {
                Some(stored) => (stored.value, stored.version),
                None => (b"0".to_vec(), 0),
            };
            let number = std::str::from_utf8(&old).ok().and_then(|text| text.parse::<i64>().ok());
            let number = number.ok_or("value is not an integer or out of range")?;
            let sum = number.checked_add(1).ok_or("increment or decrement would overflow")?;
            if self.swap(key, version, sum.to_string().as_bytes())? {
                return Ok(sum);
            }
        }
    }
}
