//! Values that have outgrown their compact form.

use super::kind::Kind;
use super::large::hash::LargeHash;
use super::large::list::LargeList;
use super::large::set::LargeSet;
use super::large::stream::LargeStream;
use super::large::string::LargeString;
use super::large::zset::LargeZset;

/// A large collection, or a string with room to grow.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    List(LargeList),
    Set(LargeSet),
    Zset(LargeZset),
    Hash(LargeHash),
    String(LargeString),
    Stream(Box<LargeStream>),
}

impl Value {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Value::List(_) => Kind::List,
            Value::Set(_) => Kind::Set,
            Value::Zset(_) => Kind::Zset,
            Value::Hash(_) => Kind::Hash,
            Value::String(_) => Kind::String,
            Value::Stream(_) => Kind::Stream,
        }
    }

    /// How many elements there are: of a string and of a stream, pieces that it is freed in.
    pub(crate) fn len(&self) -> usize {
        match self {
            Value::List(list) => list.len(),
            Value::Set(set) => set.len(),
            Value::Zset(zset) => zset.len(),
            Value::Hash(hash) => hash.len(),
            Value::String(string) => string.pieces(),
            Value::Stream(stream) => stream.pieces(),
        }
    }

    /// Bytes of memory that the elements hold. Every type keeps count, so that this is cheap.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Value::List(list) => list.memory(),
            Value::Set(set) => set.memory(),
            Value::Zset(zset) => zset.memory(),
            Value::Hash(hash) => hash.memory(),
            Value::String(string) => string.memory(),
            Value::Stream(stream) => stream.memory(),
        }
    }

    /// Frees about so many elements of a value that was removed: freeing millions at once would keep
    /// all clients waiting. Returns how many were freed; 0 when nothing is left.
    pub(crate) fn free_some(&mut self, elements: usize) -> usize {
        match self {
            Value::List(list) => list.free_some(elements),
            Value::Set(set) => set.free_some(elements),
            Value::Zset(zset) => zset.free_some(elements),
            Value::Hash(hash) => hash.free_some(elements),
            Value::String(string) => string.free_some(elements),
            Value::Stream(stream) => stream.free_some(elements),
        }
    }
}
