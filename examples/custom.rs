//! A server with commands of its own, and the whole connection layer for nothing.
//!
//! `cargo run --example custom`, then `redis-cli COUNTER.ADD visits 2`.

use std::collections::HashMap;

use respd::internals::dispatch::Ctx;
use respd::internals::dispatch::spec::flag::*;
use respd::internals::dispatch::spec::key::*;
use respd::internals::dispatch::spec::{Spec, at};
use respd::internals::error::{self, Error};
use respd::internals::text::number;
use respd::wire::Args;
use respd::{Commands, Server};

const TABLE: &[Spec] = &[
    Spec::new("counter.add", 3, WRITE, counter_add).key(OW | UPDATE, at(1)).doc(
        "1.0.0",
        "O(1)",
        "key amount:integer",
        "Adds to a counter and returns the sum.",
    ),
    Spec::new("counter.all", 1, READ, counter_all).doc(
        "1.0.0",
        "O(N)",
        "",
        "Returns all counters.",
    ),
];

/// What the commands keep between calls.
type Counters = HashMap<Vec<u8>, i64>;

/// COUNTER.ADD key amount
fn counter_add(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let amount = number::parse_i64(&args[2]).ok_or(error::NOT_AN_INTEGER)?;
    let (counters, reply) = ctx.state_and_reply::<Counters>().ok_or(error::INTERNAL)?;
    let sum = counters.entry(args[1].to_vec()).or_default();
    *sum = sum.wrapping_add(amount);
    reply.int(*sum);
    Ok(())
}

/// COUNTER.ALL: a map in RESP3, an array of names and sums in RESP2.
fn counter_all(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let (counters, reply) = ctx.state_and_reply::<Counters>().ok_or(error::INTERNAL)?;
    reply.map(counters.len());
    for (name, &sum) in counters.iter() {
        reply.bulk(name);
        reply.int(sum);
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    let counter = Commands::of_table("counter", TABLE).state(Counters::new());
    let server = Server::builder().commands(counter).bind()?;
    println!("listening on {:?}", server.addr());
    server.run()
}
