//! The types of values, and what each of them is in its compact form.

/// The type of a value, as TYPE names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    String,
    List,
    Set,
    Zset,
    Hash,
    Stream,
}

impl Kind {
    /// What TYPE replies.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::List => "list",
            Kind::Set => "set",
            Kind::Zset => "zset",
            Kind::Hash => "hash",
            Kind::Stream => "stream",
        }
    }
}

/// What the payload of a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadKind {
    /// A string as it was set.
    String,
    /// A string that was modified in place: OBJECT ENCODING never calls it `embstr` again.
    RawString,
    /// A string that INCRBYFLOAT computed: OBJECT ENCODING does not call it `int`.
    FloatString,
    List,
    Set,
    /// A set of integers, sorted.
    IntSet,
    Zset,
    Hash,
    /// A stream that has never been anything but empty: no bytes.
    Stream,
}

impl PayloadKind {
    pub const ALL: [PayloadKind; 9] = [
        PayloadKind::String,
        PayloadKind::RawString,
        PayloadKind::FloatString,
        PayloadKind::List,
        PayloadKind::Set,
        PayloadKind::IntSet,
        PayloadKind::Zset,
        PayloadKind::Hash,
        PayloadKind::Stream,
    ];

    pub fn kind(self) -> Kind {
        match self {
            PayloadKind::String | PayloadKind::RawString | PayloadKind::FloatString => Kind::String,
            PayloadKind::List => Kind::List,
            PayloadKind::Set | PayloadKind::IntSet => Kind::Set,
            PayloadKind::Zset => Kind::Zset,
            PayloadKind::Hash => Kind::Hash,
            PayloadKind::Stream => Kind::Stream,
        }
    }
}
