//! The parser of requests finds the same in any bytes, however they are cut.
//!
//! The first byte of the input says how long the pieces are; the rest is what a client sends. It is
//! parsed as it comes, and once more with everything there at once.

#![no_main]

use libfuzzer_sys::fuzz_target;
use respd::internals::wire::{Args, Limits, Parsed, Parser, ProtocolError};

// ANCHOR: target
fuzz_target!(|data: &[u8]| {
    let Some((&size, input)) = data.split_first() else { return };
    let limits = Limits { bulk: 1 << 20, authenticated: size & 0x80 == 0 };
    let pieces = usize::from(size & 0x7f).max(1);
    let (whole, cut) =
        (parse_all(input, input.len().max(1), limits), parse_all(input, pieces, limits));
    assert_eq!(whole, cut, "in pieces of {pieces}");
});
// ANCHOR_END: target

/// The arguments of each request, none for one that asks for nothing; and what ended the stream.
type Found = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

fn parse_all(input: &[u8], piece: usize, limits: Limits) -> Found {
    let mut found = Vec::new();
    let mut parser = Parser::default();
    let mut spans = Vec::new();
    let mut pending = Vec::new();
    for piece in input.chunks(piece) {
        pending.extend_from_slice(piece);
        while !pending.is_empty() {
            match parser.parse(&mut pending, &mut spans, limits) {
                Ok(Parsed::Request(len)) => {
                    let args = Args::new(&pending, &spans);
                    found.push(args.from(0).map(<[u8]>::to_vec).collect());
                    pending.drain(..len);
                }
                Ok(Parsed::Nothing(len)) => {
                    assert!(len > 0, "it would never end");
                    found.push(Vec::new());
                    pending.drain(..len);
                }
                Ok(Parsed::Partial) => {
                    // No credit: what is held is bounded by what has come.
                    assert!(parser.memory() <= 256 + 16 * pending.len());
                    break;
                }
                Err(broken) => return (found, Some(broken)),
            }
        }
    }
    (found, None)
}
