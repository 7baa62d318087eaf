//! A server with a command of its own.
//!
//! `cargo run --example counter`, then `redis-cli -p PORT COUNTER.ADD visits 2`.

use std::collections::HashMap;

use respd::{Builder, Command, Commands};

fn main() -> std::io::Result<()> {
    let add = Command::new("counter.add", |ctx, args| {
        let amount = args.int(2)?;
        let (counters, reply) = ctx.state_and_reply::<HashMap<Vec<u8>, i64>>();
        let sum = counters.entry(args[1].to_vec()).or_default();
        *sum = sum.wrapping_add(amount);
        reply.int(*sum);
        Ok(())
    });
    let counter = Commands::new("counter").state(HashMap::<Vec<u8>, i64>::new()).add(add);
    let server = Builder::connection_layer().any_port().commands(counter).bind()?;
    println!("listening on {}", server.addr().expect("a port"));
    server.run()
}
