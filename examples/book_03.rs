//! Chapter 3 of the book: a request that arrives in pieces.

use respd::Args;
use respd::internals::wire::{Limits, Parsed, Parser, ProtocolError};
use respd::wire::push_request;

const LIMITS: Limits = Limits { bulk: 512 << 20, authenticated: true };

fn main() -> Result<(), ProtocolError> {
    let words = [&b"SET"[..], b"greeting", b"welcome"];
    let mut request = Vec::new();
    push_request(&mut request, words.into_iter());

    // A byte at a time. The parser is given all that has arrived, and goes on where it stopped.
    let (mut parser, mut spans) = (Parser::default(), Vec::new());
    let (mut arrived, mut looked_at_by_a_naive_one) = (Vec::new(), 0);
    for &byte in &request {
        arrived.push(byte);
        looked_at_by_a_naive_one += arrived.len();
        match parser.parse(&mut arrived, &mut spans, LIMITS)? {
            Parsed::Request(length) => {
                let words = Args::new(&arrived, &spans);
                let words: Vec<_> =
                    words.from(0).map(|word| word.escape_ascii().to_string()).collect();
                println!("{length} bytes, and the words {words:?}");
            }
            Parsed::Partial if byte == b'\n' => {
                println!("{:>2} bytes, {} held beside them", arrived.len(), parser.memory());
            }
            Parsed::Partial | Parsed::Nothing(_) => {}
        }
    }
    println!("a parser that starts anew each time reads {looked_at_by_a_naive_one} bytes");

    // A length that is announced is not believed before the bytes are there.
    let mut announced = b"*1000000\r\n$3\r\nSET\r\n".to_vec();
    let parsed = parser.parse(&mut announced, &mut spans, LIMITS)?;
    println!("a million words announced: {parsed:?}, {} bytes held", parser.memory());
    Ok(())
}
