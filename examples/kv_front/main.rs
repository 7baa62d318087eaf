//! The connection layer in front of an engine of its own, which takes its time: a pool of threads asks the engine, and their
//! replies come later, in the order of each client's requests.
//!
//! `cargo run --example kv_front` has a map for its engine, and with the addresses of etcd servers behind it, that cluster.
//! Then `redis-cli -3 -p PORT`: GET, SET, DEL, INCR; and WATCHKEY, after which each change of a key is a push.

mod engine;
mod etcd;
mod map;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use respd::{Args, Builder, Command, Commands, Ctx, Error, Gone, Handle, Keys, Protocol, Reply};

use engine::Engine;

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

fn bulk_or_null(value: Option<&[u8]>, reply: &mut Reply) {
    match value {
        Some(value) => reply.bulk(value),
        None => reply.null(),
    }
}

/// The clients that watch a key, by their ids.
#[derive(Clone, Default)]
struct Watchers(Arc<Mutex<HashMap<Vec<u8>, BTreeSet<u64>>>>);

/// The keys that a connection watches.
#[derive(Default)]
struct Watched(BTreeSet<Vec<u8>>);

impl Watchers {
    fn lock(&self) -> MutexGuard<'_, HashMap<Vec<u8>, BTreeSet<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// WATCHKEY key [key ...]
    fn watch(&self, ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
        let client = ctx.client();
        if client.protocol() == Protocol::Resp2 {
            return Err(Error::from("pushes need RESP3, which HELLO 3 asks for"));
        }
        let id = client.id();
        for key in args.from(1) {
            self.lock().entry(key.to_vec()).or_default().insert(id);
            ctx.local::<Watched>().0.insert(key.to_vec());
        }
        ctx.reply().ok();
        Ok(())
    }

    /// Pushes to the clients that watch a key what it has become.
    fn tell(&self, handle: &Handle, key: &[u8], value: Option<&[u8]>) {
        // The lock is not held while the server is waited for, which may wait for the lock.
        let clients = self.lock().get(key).cloned().unwrap_or_default();
        for client in clients {
            let (key, value) = (key.to_vec(), value.map(<[u8]>::to_vec));
            handle.push(client, move |push| {
                push.push(3);
                push.bulk(b"keychange");
                push.bulk(&key);
                bulk_or_null(value.as_deref(), push);
            });
        }
    }

    /// A client that has gone watches nothing.
    fn forget(&self, gone: &mut Gone<'_>) {
        let (client, watched) = (gone.client().id(), gone.local::<Watched>().unwrap_or_default());
        let mut watchers = self.lock();
        for key in watched.0 {
            if let Some(clients) = watchers.get_mut(&key) {
                clients.remove(&client);
                if clients.is_empty() {
                    watchers.remove(&key);
                }
            }
        }
    }
}

fn commands(engine: Arc<dyn Engine>, watchers: Watchers) -> Commands {
    let jobs = pool(engine, 8);
    let get = asking(
        "get",
        &jobs,
        |engine, args| engine.get(&args[1]),
        |found, reply| bulk_or_null(found.as_ref().map(|found| &found.value[..]), reply),
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
    let watch = Command::new("watchkey", move |ctx, args| watchers.watch(ctx, args));
    let key = || Keys::at(1);
    Commands::new("engine")
        .add(get.reads().key(key()).synopsis("key"))
        .add(set.writes().key(key().replaces()).synopsis("key value"))
        .add(del.writes().key(key().removes()).synopsis("key"))
        .add(incr.writes().key(key()).synopsis("key"))
        .add(watch.key(Keys::range(1, -1, 1).reads()).synopsis("key..."))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let servers: Vec<SocketAddr> =
        std::env::args().skip(1).map(|address| address.parse()).collect::<Result<_, _>>()?;
    let engine: Arc<dyn Engine> = match servers.is_empty() {
        true => Arc::new(map::Map::default()),
        false => Arc::new(etcd::Etcd::new(servers)),
    };
    let watchers = Watchers::default();
    let leaving = watchers.clone();
    let server = Builder::connection_layer()
        .any_port()
        .commands(commands(engine.clone(), watchers.clone()))
        .on_disconnect(move |gone| leaving.forget(gone))
        .bind()?;
    println!("listening on {}", server.addr().ok_or("there is no port")?);
    let handle = server.handle();
    engine.watch(Box::new(move |key, value| watchers.tell(&handle, key, value)))?;
    Ok(server.run()?)
}
