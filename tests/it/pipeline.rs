//! Requests that are read ahead are those that the parser reads: on pipelines that are valid, and on
//! damaged ones, in any pieces.

use proptest::prelude::*;
use proptest::sample::Index;

use respd::internals::wire::{Args, Limits, Parsed, Parser, Pipeline, ProtocolError};

const EVERYONE: Limits = Limits { bulk: 512 << 20, authenticated: true };
const UNAUTHENTICATED: Limits = Limits { bulk: 512 << 20, authenticated: false };

type Words = Vec<Vec<u8>>;

/// What comes out of a connection's bytes.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    requests: Vec<Words>,
    error: Option<ProtocolError>,
}

fn words(args: Args<'_>) -> Words {
    args.from(0).map(<[u8]>::to_vec).collect()
}

/// Reads `pieces` as the engine does: what can be read ahead first, and the parser for the rest.
fn heard(pieces: &[&[u8]], limits: Limits, reads_ahead: bool) -> Heard {
    let (mut parser, mut ahead, mut spans) = (Parser::default(), Pipeline::default(), Vec::new());
    let mut input = Vec::new();
    let mut heard = Heard::default();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            if reads_ahead && !parser.is_half_read() {
                ahead.read(&input);
                while let Some((args, len)) = ahead.take(&input) {
                    heard.requests.push(words(args));
                    input.drain(..len);
                }
            }
            match parser.parse(&mut input, &mut spans, limits) {
                Ok(Parsed::Request(len)) => {
                    heard.requests.push(words(Args::new(&input, &spans)));
                    input.drain(..len);
                }
                Ok(Parsed::Nothing(len)) => drop(input.drain(..len)),
                Ok(Parsed::Partial) => break,
                Err(error) => {
                    heard.error = Some(error);
                    return heard;
                }
            }
        }
    }
    heard
}

/// Mostly short words, some at the limits of what is read ahead.
fn word() -> impl Strategy<Value = Vec<u8>> {
    let edges =
        prop::sample::select(vec![9, 10, 99, 100, 999, 1000, 9999, 10000, 16383, 16384, 16385]);
    prop_oneof![
        12 => prop::collection::vec(any::<u8>(), 0..12),
        1 => edges.prop_map(|len: usize| vec![b'x'; len]),
    ]
}

fn encoded(words: &Words) -> Vec<u8> {
    respd::internals::embed::local::request(words)
}

fn requests() -> impl Strategy<Value = Vec<Words>> {
    let small = prop::collection::vec(prop::collection::vec(word(), 1..4), 1..5);
    let large = prop::collection::vec(prop::collection::vec(word(), 1..12), 1..24);
    prop_oneof![3 => small, 1 => large]
}

/// A byte that matters to the protocol replaces, joins or follows another.
#[derive(Debug, Clone)]
struct Damage {
    at: Index,
    byte: u8,
    kind: u8,
}

fn damage() -> impl Strategy<Value = Damage> {
    let bytes = b"\r\n*$0123456789-+: \x00aZ\"".to_vec();
    (any::<Index>(), prop::sample::select(bytes), 0..3u8).prop_map(|(at, byte, kind)| Damage {
        at,
        byte,
        kind,
    })
}

fn damaged(mut input: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for Damage { at, byte, kind } in damages {
        if input.is_empty() {
            break;
        }
        // Where it hurts: in the lines that announce, and at their ends.
        let is_sore =
            |at: &usize| input[at.saturating_sub(2)..=*at].iter().any(|b| b"*$\r".contains(b));
        let sore: Vec<usize> = (0..input.len()).filter(is_sore).collect();
        let at = if sore.is_empty() { 0 } else { sore[at.index(sore.len())] };
        match kind {
            0 => input[at] = *byte,
            1 => input.insert(at, *byte),
            _ => drop(input.remove(at)),
        }
    }
    input
}

fn split<'a>(input: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
    places.extend([0, input.len()]);
    places.sort_unstable();
    places.windows(2).map(|ends| &input[ends[0]..ends[1]]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_read_ahead_is_what_the_parser_reads(
        requests in requests(),
        damages in prop::collection::vec(damage(), 0..4),
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        let input = damaged(requests.iter().flat_map(encoded).collect(), &damages);
        let pieces = split(&input, &cuts);
        for limits in [EVERYONE, UNAUTHENTICATED] {
            let parsed = heard(&pieces, limits, false);
            prop_assert_eq!(&heard(&pieces, limits, true), &parsed);
            prop_assert_eq!(&heard(&[&input], limits, true), &parsed);
            if damages.is_empty() && limits.authenticated {
                prop_assert_eq!(&parsed.requests, &requests);
            }
        }
    }
}

/// Otherwise the test above would hold a reader that never reads anything.
#[test]
fn short_requests_are_read_ahead() {
    for len in [0, 9, 10, 99, 100, 9999, 16384] {
        let request = encoded(&vec![vec![b'x'; len]; 10]);
        let mut ahead = Pipeline::default();
        ahead.read(&request);
        let (args, taken) = ahead.take(&request).expect("a request");
        assert_eq!((args.len(), taken), (10, request.len()));
    }
}
