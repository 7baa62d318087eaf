//! A thread that tells clients what happens, without being asked.
//!
//! `cargo run --example ticker`, then `redis-cli -3 -p PORT`, `TICKS ON`, and wait.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use respd::{Builder, Command, Commands, Error};

fn main() -> std::io::Result<()> {
    let listeners = Arc::new(Mutex::new(Vec::<u64>::new()));
    let kept = listeners.clone();
    let ticks = Command::new("ticks", move |ctx, args| {
        let client = ctx.client().id();
        let mut listeners = kept.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|&listener| listener != client);
        match () {
            () if args.is(1, "ON") => listeners.push(client),
            () if args.is(1, "OFF") => {}
            () => return Err(Error::from("ERR TICKS takes ON or OFF")),
        }
        ctx.reply().ok();
        Ok(())
    })
    .arity(2..=2)
    .summary("Tells this client the time, from now on or no more.");

    let server = Builder::connection_layer()
        .any_port()
        .commands(Commands::new("ticker").add(ticks))
        .bind()?;
    println!("listening on {}", server.addr().expect("a port"));
    let handle = server.handle();
    thread::spawn(move || {
        for tick in 1.. {
            thread::sleep(Duration::from_millis(100));
            let clients = listeners.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let tell = |client| {
                handle.push(client, move |push| {
                    push.push(2);
                    push.bulk(b"tick");
                    push.int(tick);
                })
            };
            // A client that has gone is told nothing, and forgotten.
            let gone: Vec<u64> = clients.into_iter().filter(|&client| !tell(client)).collect();
            let mut listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.retain(|listener| !gone.contains(listener));
        }
    });
    server.run()
}
