//! The other end of the [recorder](crate::rdb::recorder): compresses what may be compressed, and sums.

use crate::rdb::chunk::Chunk;
use crate::rdb::crc64::crc64_on;
use crate::rdb::lzf::Compressor;
use crate::rdb::strings::{push_compressed, push_plain};

/// Turns the chunks of a file into its bytes.
#[derive(Debug)]
pub(crate) struct Finisher {
    /// None if strings stay as they are: `rdbcompression`.
    compressor: Option<Compressor>,
    /// The sum until now; none if there is to be none: `rdbchecksum`.
    checksum: Option<u64>,
}

impl Finisher {
    pub(crate) fn new(compress: bool, checksum: bool) -> Finisher {
        Finisher { compressor: compress.then(Compressor::default), checksum: checksum.then_some(0) }
    }

    /// Appends the bytes of the next chunk.
    pub(crate) fn push(&mut self, chunk: &Chunk, out: &mut Vec<u8>) {
        let start = out.len();
        let mut at = 0;
        for long in &chunk.long {
            out.extend_from_slice(&chunk.bytes[at..long.start]);
            self.push_text(&chunk.bytes[long.clone()], out);
            at = long.end;
        }
        out.extend_from_slice(&chunk.bytes[at..]);
        if let Some(text) = &chunk.shared {
            self.push_text(text, out);
        }
        if let Some(checksum) = &mut self.checksum {
            *checksum = crc64_on(*checksum, &out[start..]);
        }
    }

    fn push_text(&mut self, text: &[u8], out: &mut Vec<u8>) {
        match &mut self.compressor {
            Some(compressor) => push_compressed(out, text, compressor),
            None => push_plain(out, text),
        }
    }

    /// Appends the checksum, behind the last chunk: zeros if there is none.
    pub(crate) fn end(self, out: &mut Vec<u8>) {
        out.extend(self.checksum.unwrap_or(0).to_le_bytes());
    }
}
