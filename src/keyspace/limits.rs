//! How large collections grow before they leave their compact forms.

/// Up to which size collections stay compact: the directives of these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub(crate) hash_max_listpack_entries: usize,
    pub(crate) hash_max_listpack_value: usize,
    /// Negative: a class of sizes in bytes, -1 (4 KiB) to -5 (64 KiB). Positive: a number of elements.
    pub(crate) list_max_listpack_size: i64,
    pub(crate) set_max_intset_entries: usize,
    pub(crate) set_max_listpack_entries: usize,
    pub(crate) set_max_listpack_value: usize,
    pub(crate) zset_max_listpack_entries: usize,
    pub(crate) zset_max_listpack_value: usize,
    /// How much a node of a stream holds; 0 for no limit.
    pub(crate) stream_node_max_bytes: u64,
    pub(crate) stream_node_max_entries: usize,
    /// Past so many bytes a HyperLogLog is no longer kept in its sparse form.
    pub(crate) hll_sparse_max_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            list_max_listpack_size: -2,
            set_max_intset_entries: 512,
            set_max_listpack_entries: 128,
            set_max_listpack_value: 64,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            stream_node_max_bytes: 4096,
            stream_node_max_entries: 100,
            hll_sparse_max_bytes: 3000,
        }
    }
}
