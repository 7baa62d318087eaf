//! A queue of jobs: a command that waits, on data of the program's own.
//!
//! `cargo run --example queue`, then `redis-cli -p PORT JOBS.TAKE mail 10` in one window and
//! `redis-cli -p PORT JOBS.PUT mail hello` in another.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use respd::{Args, Builder, Command, Commands, Ctx, Error, Keys};

/// The jobs of each queue that has some.
type Queues = HashMap<Vec<u8>, VecDeque<Vec<u8>>>;

/// JOBS.PUT queue job [job ...]: how many jobs there are then.
fn put(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (queues, reply) = ctx.state_and_reply::<Queues>();
    let jobs = queues.entry(args[1].to_vec()).or_default();
    jobs.extend(args.from(2).map(<[u8]>::to_vec));
    reply.int(jobs.len() as i64);
    // Commands that wait for the queue run again, in the order in which they came.
    ctx.signal(&args[1]);
    Ok(())
}

/// JOBS.TAKE queue seconds: the first job, or null when the time is up. 0: it waits for ever.
fn take(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let seconds = u64::try_from(args.int(2)?).map_err(|_| "timeout is negative")?;
    let (queues, reply) = ctx.state_and_reply::<Queues>();
    let Some(jobs) = queues.get_mut(&args[1]) else {
        // The reply for when the time is up.
        reply.null();
        ctx.wait_for(&args[1], (seconds > 0).then_some(Duration::from_secs(seconds)));
        return Ok(());
    };
    if let Some(job) = jobs.pop_front() {
        reply.bulk(&job);
    }
    if jobs.is_empty() {
        queues.remove(&args[1]);
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    let jobs = Commands::new("jobs")
        .state(Queues::new())
        .add(Command::new("jobs.put", put).writes().key(Keys::at(1)).synopsis("queue:key job..."))
        .add(
            Command::new("jobs.take", take)
                .writes()
                .flags("blocking")
                .key(Keys::at(1).removes())
                .synopsis("queue:key seconds:integer"),
        );
    let server = Builder::connection_layer().any_port().commands(jobs).bind()?;
    println!("listening on {}", server.addr().expect("a port"));
    server.run()
}
