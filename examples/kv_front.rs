//! The connection layer in front of an engine of its own, which takes its time: a pool of threads asks the engine, and their
//! replies come later, in the order of each client's requests.
//!
//! `cargo run --example kv_front`, then `redis-cli -p PORT`: GET, SET, DEL, INCR.

use std::collections::HashMap;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use respd::{Args, Builder, Command, Commands, Error, Keys, Reply};

/// What is behind the front. Its methods block, and are called by several threads.
trait Engine: Send + Sync + 'static {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;
    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Error>;
    fn del(&self, key: &[u8]) -> Result<bool, Error>;
    /// Sets the value if it is still `old`. Returns whether it was.
    fn swap(&self, key: &[u8], old: Option<&[u8]>, new: &[u8]) -> Result<bool, Error>;

    fn incr(&self, key: &[u8]) -> Result<i64, Error> {
        loop {
            let old = self.get(key)?;
            let number =
                old.as_deref().map_or(Some(0), |old| std::str::from_utf8(old).ok()?.parse().ok());
            let number: i64 = number.ok_or("value is not an integer or out of range")?;
            let number = number.checked_add(1).ok_or("increment or decrement would overflow")?;
            if self.swap(key, old.as_deref(), number.to_string().as_bytes())? {
                return Ok(number);
            }
        }
    }
}

/// An engine for want of a better one.
#[derive(Default)]
struct Map(Mutex<HashMap<Vec<u8>, Vec<u8>>>);

impl Engine for Map {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn del(&self, key: &[u8]) -> Result<bool, Error> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key).is_some())
    }

    fn swap(&self, key: &[u8], old: Option<&[u8]>, new: &[u8]) -> Result<bool, Error> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_as_it_was = map.get(key).map(Vec::as_slice) == old;
        if is_as_it_was {
            map.insert(key.to_vec(), new.to_vec());
        }
        Ok(is_as_it_was)
    }
}

type Job = Box<dyn FnOnce(&dyn Engine) + Send>;

/// Threads that do one job after the other.
fn pool(engine: Arc<dyn Engine>, threads: usize) -> Sender<Job> {
    let (jobs, waiting) = mpsc::channel::<Job>();
    let waiting = Arc::new(Mutex::new(waiting));
    for _ in 0..threads {
        let (engine, waiting) = (engine.clone(), waiting.clone());
        let next = move || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        thread::spawn(move || {
            while let Ok(job) = next() {
                job(&*engine);
            }
        });
    }
    jobs
}

/// A command that asks the engine in a thread of the pool, and writes what that says when it has come.
fn asking<T: Send + 'static>(
    name: &str,
    jobs: &Sender<Job>,
    ask: impl Fn(&dyn Engine, Args<'_>) -> Result<T, Error> + Copy + Send + 'static,
    write: impl Fn(T, &mut Reply) + Copy + Send + 'static,
) -> Command {
    let jobs = jobs.clone();
    Command::new(name, move |ctx, args| {
        let (deferred, args) = (ctx.defer(), args.to_owned());
        let job = move |engine: &dyn Engine| match ask(engine, args.args()) {
            Ok(value) => deferred.reply(move |reply| write(value, reply)),
            Err(error) => deferred.error(error),
        };
        jobs.send(Box::new(job)).map_err(|_| Error::from("the engine has stopped"))
    })
}

fn main() -> std::io::Result<()> {
    let jobs = pool(Arc::new(Map::default()), 4);
    let get = asking(
        "get",
        &jobs,
        |engine, args| engine.get(&args[1]),
        |value, reply| match value {
            Some(value) => reply.bulk(&value),
            None => reply.null(),
        },
    );
    let set =
        asking("set", &jobs, |engine, args| engine.set(&args[1], &args[2]), |(), reply| reply.ok());
    let del = asking(
        "del",
        &jobs,
        |engine, args| engine.del(&args[1]),
        |was, reply| reply.int(was.into()),
    );
    let incr =
        asking("incr", &jobs, |engine, args| engine.incr(&args[1]), |sum, reply| reply.int(sum));
    let key = || Keys::at(1);
    let commands = Commands::new("engine")
        .add(get.reads().key(key()).synopsis("key"))
        .add(set.writes().key(key().replaces()).synopsis("key value"))
        .add(del.writes().key(key().removes()).synopsis("key"))
        .add(incr.writes().key(key()).synopsis("key"));
    let server = Builder::connection_layer().any_port().commands(commands).bind()?;
    println!("listening on {}", server.addr().expect("a port"));
    server.run()
}
