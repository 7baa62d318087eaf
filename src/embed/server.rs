//! A whole server: the one place that joins the command table, the engine and the network.
//!
//! ```no_run
//! let server = respd::Server::builder().any_port().bind()?;
//! println!("listening on {:?}", server.addr());
//! server.run()?;
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::command::Commands;
use super::ctx::Ctx;
use super::handle::Handle;
use super::hooks::{Gone, Request};
use super::parts::{self, Parts};
use super::rows;
use crate::config::{Callers, Config, LoadError, Reason};
use crate::dispatch::Frame;
use crate::dispatch::hooks::{BeforeCommand, Hooks, OnConnect, OnDisconnect, Verdict};
use crate::engine::Engine;
use crate::net::{self, Clock, ListenAddress, ManualClock, Ports, Reactor};
use crate::peer::Peer;
use crate::telemetry::{Process, process};
use crate::text::quote;
use crate::wire::{OwnedArgs, Protocol, Reply};

/// Bytes of stack of a thread that serves.
const STACK: usize = 8 << 20;

/// What a server will be.
pub struct Builder {
    parts: Parts,
    pub(super) config: Config,
    config_file: Option<PathBuf>,
    ports: Option<Ports>,
    commands: Vec<Commands>,
    hooks: Hooks,
    clock: Option<ManualClock>,
    seed: Option<u64>,
}

/// A server whose listeners are bound. Connections queue up until [`Server::run`].
pub struct Server {
    engine: Engine,
    reactor: Reactor,
}

/// A server that runs in a thread of its own, and leaves when this is dropped.
pub struct Running {
    addr: Option<SocketAddr>,
    handle: Handle,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Builder {
    /// The connection layer alone, for a server with an engine of its own: HELLO, AUTH, ACL, CLIENT, RESET, COMMAND,
    /// CONFIG, INFO, LATENCY, SLOWLOG, MONITOR, publish and subscribe, MULTI and EXEC, and no command on keys. What it does
    /// not have, data and files and scripts and the stage, is not linked into the program either.
    pub fn connection_layer() -> Builder {
        Builder::with_parts(parts::CONNECTION_LAYER)
    }

    /// Nothing here may name the parts that a server has not: the linker would find them in every program.
    fn with_parts(parts: Parts) -> Builder {
        Builder {
            parts,
            config: Config::default(),
            config_file: None,
            ports: None,
            commands: Vec::new(),
            hooks: Hooks::default(),
            clock: None,
            seed: None,
        }
    }

    /// The whole configuration, in place of what was set before.
    pub fn config(mut self, config: impl Into<super::Config>) -> Builder {
        self.config = config.into().inner;
        self
    }

    /// Changes one directive, as `-o name=value` does on the command line. The error says which, and what is wrong.
    ///
    /// ```
    /// let builder = respd::Server::builder().option("requirepass", "sesame")?.option("maxclients", "50")?;
    /// # Ok::<(), respd::ConfigError>(())
    /// ```
    pub fn option(mut self, name: &str, value: &str) -> Result<Builder, LoadError> {
        self.config.apply_option(name, value)?;
        Ok(self)
    }

    /// The file that the configuration came from, which CONFIG REWRITE writes.
    #[doc(hidden)]
    pub fn config_file(mut self, path: &Path) -> Builder {
        self.config_file = Some(path.to_owned());
        self
    }

    /// Listens on these ports, whatever the configuration says.
    #[doc(hidden)]
    pub fn ports(mut self, ports: Ports) -> Builder {
        self.ports = Some(ports);
        self
    }

    /// Listens for clients on any port that is free, and nowhere else, whatever `port`, `tls-port` and `admin-port` say.
    pub fn any_port(self) -> Builder {
        self.ports(Ports { clients: Some(0), tls: None, admin: None })
    }

    /// Starts alive and not ready, until [`Handle::ready`] or `DEBUG SET-READY` says that it is.
    pub fn not_ready(mut self) -> Builder {
        self.config.start_ready = false;
        self
    }

    /// Adds commands of your own. One that has the name of a command of respd's replaces it.
    pub fn commands(mut self, commands: Commands) -> Builder {
        self.commands.push(commands);
        self
    }

    /// Calls `f` when a client has connected: when its connection is open, behind a proxy's header and a handshake of TLS,
    /// and before the first of its requests. It may push, keep a [`Ctx::local`], call commands as the client, which may have
    /// to log in first, and close it ([`Ctx::close`]). There is no request that it could reply to, wait for or defer:
    /// what it writes to [`Ctx::reply`] is logged and not sent. [`Ctx::state`] is that of no group, so that it panics.
    ///
    /// A panic is logged, and closes that client. A closure that is given later takes the place of this one.
    pub fn on_connect(mut self, mut f: impl FnMut(&mut Ctx<'_>) + Send + 'static) -> Builder {
        let connect: OnConnect = Box::new(move |ctx| Ctx::around(ctx, &mut f));
        self.hooks.connect = Some(connect.into());
        self
    }

    /// Calls `f` when a client has gone, once for each that has connected ([`Builder::on_connect`]): after its last command,
    /// whatever has closed the connection: the peer, CLIENT KILL, a limit, the end of the server.
    ///
    /// A panic is logged. A closure that is given later takes the place of this one.
    pub fn on_disconnect(mut self, mut f: impl FnMut(&mut Gone<'_>) + Send + 'static) -> Builder {
        let disconnect: OnDisconnect = Box::new(move |world, slot| f(&mut Gone { world, slot }));
        self.hooks.disconnect = Some(disconnect.into());
        self
    }

    /// Asks `f` before each request of a client whether it runs, when it is known to be right and permitted: the command
    /// exists, the client is logged in and its user is granted the command. What MULTI queues is asked for when it is queued;
    /// what EXEC runs then, what scripts and commands call, and a blocked command that runs again, is not.
    ///
    /// So a rule that no script may evade refuses EVAL and its kin, too, or is a rule of ACL.
    ///
    /// A panic is logged, and closes that client. A closure that is given later takes the place of this one.
    ///
    /// ```
    /// use respd::{Server, Verdict};
    ///
    /// let builder = Server::builder().hook(|request| match request.name() {
    ///     "flushall" | "flushdb" => Verdict::Refuse("DENIED not on this server".into()),
    ///     _ if request.keys().any(|key| key.starts_with(b"internal:")) => Verdict::Close,
    ///     _ => Verdict::Run,
    /// });
    /// ```
    pub fn hook(mut self, mut f: impl FnMut(&Request<'_>) -> Verdict + Send + 'static) -> Builder {
        let command: BeforeCommand =
            Box::new(move |world, slot, row, args| f(&Request { world, slot, row, args }));
        self.hooks.command = Some(command.into());
        self
    }

    /// Goes by this clock instead of the machine's. Binding is an error while another server does. STAGE CLOCK changes
    /// it, too, if `enable-stage-command` lets clients.
    pub fn clock(mut self, clock: ManualClock) -> Builder {
        self.clock = Some(clock);
        self
    }

    /// What is picked at random follows from this number, and so does the server's identity (`run_id`): the same
    /// commands have the same replies. STAGE RESET comes back to it.
    #[doc(hidden)]
    pub fn seed(mut self, number: u64) -> Builder {
        self.seed = Some(number);
        self
    }

    /// Everything that would keep the server from starting, a sentence each, as far as that can be seen without
    /// listening, and without loading or writing data.
    #[doc(hidden)]
    pub fn faults(&self) -> Vec<String> {
        let mut config = self.config.clone();
        let ports = self.settle_ports(&mut config);
        let mut table = (self.parts.table)(&config);
        let (rows, mut faults) = rows::of_groups(&self.commands);
        for (rows, own) in rows.into_iter().zip(&self.commands) {
            table.add_own_group(own.group, rows, 0);
        }
        faults.extend(super::user_faults(&config, &mut table));
        faults.extend(config.keeps_a_way_in().err().map(Reason::into_owned));
        faults.extend((self.parts.faults)(&config).into_iter().map(Reason::into_owned));
        faults.extend(net::faults(&config, ports));
        faults
    }

    /// The ports to listen on, with which the configuration says the same.
    fn settle_ports(&self, config: &mut Config) -> Ports {
        let ports = self.ports.unwrap_or_else(|| Ports::configured(config));
        // Any port that is free is one that speaks TLS, too: which it is, is known when it is bound.
        config.tls.port = ports.tls.map_or(0, |port| port.max(1));
        config.admin_port = ports.admin.map_or(0, |port| port.max(1));
        ports
    }

    /// Binds every listener. A configuration by which there is none is an error. A mistake in a command of your own is one
    /// of kind [`InvalidInput`](io::ErrorKind::InvalidInput), which names the command.
    pub fn bind(self) -> io::Result<Server> {
        let (rows, mistakes) = rows::of_groups(&self.commands);
        if !mistakes.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, mistakes.join("; ")));
        }
        let mut config = self.config.clone();
        fit_maxclients(&mut config)?;
        let ports = self.settle_ports(&mut config);
        let invalid =
            |reason: Reason| io::Error::new(io::ErrorKind::InvalidInput, reason.into_owned());
        config.keeps_a_way_in().map_err(invalid)?;
        let clock = match self.clock {
            Some(clock) => {
                clock.claim()?;
                Clock::Manual(clock)
            }
            None if config.enable_stage_command != Callers::No => {
                let clock = ManualClock::new();
                clock.claim()?;
                Clock::Manual(clock)
            }
            None => Clock::machine(),
        };
        let now = clock.now();
        let reactor = Reactor::bind(&config, ports, clock)?;
        if reactor.bound().is_empty() {
            return Err(net::nowhere(&config, ports));
        }
        for bound in reactor.bound() {
            match bound {
                ListenAddress::Tcp(addr) => config.port = addr.port(),
                ListenAddress::Tls(addr) => config.tls.port = addr.port(),
                ListenAddress::Admin(addr) => config.admin_port = addr.port(),
                ListenAddress::Unix(_) => {}
            }
        }
        let mut table = (self.parts.table)(&config);
        let states = rows::add_to(&mut table, rows, self.commands);
        table.set_hooks(self.hooks);
        let mut engine = super::engine(config, table, now)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        engine.time_commands_by(nanos);
        engine.world.process = Process::current(self.config_file.as_deref());
        if let Some(number) = self.seed {
            engine.world.process.follow(number);
            engine.world.begin_seeded(number);
        }
        engine.world.states = states;
        let mail = reactor.mail();
        engine.world.waker = Arc::new(move || mail.wake());
        engine.world.node_ports = Some(reactor.node_ports());
        (self.parts.begin)(&mut engine)?;
        reactor.serve_engine(&mut engine)?;
        Ok(Server { engine, reactor })
    }
}

impl Server {
    /// A server with the default configuration and every command that respd has.
    pub fn builder() -> Builder {
        Builder::with_parts(parts::ALL)
    }

    /// Where clients connect to, if it is TCP.
    pub fn addr(&self) -> Option<SocketAddr> {
        self.reactor.bound().into_iter().find_map(|bound| match bound {
            ListenAddress::Tcp(addr) => Some(addr),
            _ => None,
        })
    }

    /// Everything that is listened on.
    #[doc(hidden)]
    pub fn bound(&self) -> Vec<ListenAddress> {
        self.reactor.bound()
    }

    /// SIGTERM and SIGINT end [`Server::run`].
    pub fn stop_on_signals(&mut self) -> io::Result<()> {
        self.reactor.stop_on_signals()
    }

    /// Outlives the signals that end a process by default and mean something else, or nothing: SIGHUP calls
    /// `hang_up`, which usually reopens the log file; SIGUSR1, SIGUSR2, SIGALRM and other signals of timers are
    /// logged; SIGXFSZ makes writing past a limit an error. SIGQUIT and the signals of faults keep their meaning.
    #[doc(hidden)]
    pub fn outlive_signals(&mut self, hang_up: impl FnMut() + Send + 'static) -> io::Result<()> {
        self.reactor.outlive_signals(Box::new(hang_up))
    }

    /// What other threads reach the server with. What they send is read as soon as it runs.
    pub fn handle(&self) -> Handle {
        Handle::new(self.reactor.mail())
    }

    /// Calls `tell` as soon as the server is ready: now, if it is.
    #[doc(hidden)]
    pub fn when_ready(&mut self, tell: impl FnOnce() + Send + 'static) {
        self.engine.world.when_ready(tell);
    }

    /// Calls `tell` when the server leaves, before clients are sent what they are owed.
    #[doc(hidden)]
    pub fn when_leaving(&mut self, tell: impl FnOnce() + Send + 'static) {
        self.engine.world.when_leaving = Some(Box::new(tell));
    }

    /// Makes a cluster of the server, whose stage has to be on: so many shards of so many nodes, each a primary and its
    /// replicas. The first is the server's own port. The others have the ports behind that, or any that are free.
    /// Returns their names and addresses.
    #[doc(hidden)]
    pub fn stage_cluster(
        &mut self,
        shards: usize,
        nodes: usize,
        any_port: bool,
    ) -> io::Result<Vec<(String, SocketAddr)>> {
        let world = &mut self.engine.world;
        let staged = world.stage_cluster(shards, nodes, any_port);
        let staged = staged.map_err(|error| io::Error::other(error.to_string()))?;
        let for_clients = |bound: &ListenAddress| match bound {
            ListenAddress::Tcp(addr) | ListenAddress::Tls(addr) => Some(*addr),
            ListenAddress::Admin(_) | ListenAddress::Unix(_) => None,
        };
        let host = self.reactor.bound().iter().find_map(for_clients);
        let host = host.ok_or_else(|| io::Error::other("there is no port for clients"))?;
        Ok(staged
            .into_iter()
            .map(|(name, port)| (name, SocketAddr::new(host.ip(), port)))
            .collect())
    }

    /// Calls STAGE with the words of a line, which are quoted as in a configuration file, before the server runs. What
    /// they change of the clock is changed at once. STAGE RESET comes back to what they have staged, but a recording. The
    /// error is what a client would be told.
    #[doc(hidden)]
    pub fn set_stage(&mut self, line: &[u8]) -> Result<(), String> {
        let Server { engine, reactor } = self;
        let words = quote::split(line).ok_or("Unbalanced quotes in the line")?;
        let args: OwnedArgs = std::iter::once(b"STAGE".to_vec()).chain(words).collect();
        let mut reply = Reply::new(Vec::new(), Protocol::Resp2);
        let now = engine.world.now.mono;
        let slot = engine.world.clients.add_own(Peer::local(), now);
        engine.invoke(Frame::Replay, slot, args.args(), &mut reply);
        engine.world.clients.remove_own(slot);
        reactor.change_clock_at_once(engine);
        let told = String::from_utf8_lossy(&reply.into_inner()).into_owned();
        match told.strip_prefix('-') {
            None => {
                let opened = told.strip_prefix(':').and_then(|port| port.trim_end().parse().ok());
                let opens = args.args().is(2, "ADD");
                engine.world.begin_staged(args.args(), opened.filter(|_| opens));
                Ok(())
            }
            Some(error) => Err(error.trim_start_matches("ERR ").trim_end().to_owned()),
        }
    }

    /// The configuration, as it came into force.
    #[doc(hidden)]
    pub fn config(&self) -> &Config {
        self.engine.config()
    }

    /// Returns whether clients of other machines are served without a password.
    #[doc(hidden)]
    pub fn is_open_to_others(&self) -> bool {
        let is_reached = |bound: &ListenAddress| match bound {
            ListenAddress::Tcp(addr) | ListenAddress::Tls(addr) | ListenAddress::Admin(addr) => {
                !addr.ip().is_loopback()
            }
            ListenAddress::Unix(_) => false,
        };
        let world = &self.engine.world;
        !world.config.protected_mode
            && !world.access.is_login_required()
            && self.reactor.bound().iter().any(is_reached)
    }

    /// Serves until it is asked to stop: by a signal, by SHUTDOWN, or by [`Handle::stop`].
    pub fn run(mut self) -> io::Result<()> {
        self.reactor.run(&mut self.engine)
    }

    /// Serves in a thread of its own, with as much stack as a program has: replies and scripts may nest deep.
    ///
    /// # Panics
    /// The system starts no thread.
    pub fn spawn(self) -> Running {
        let (addr, handle) = (self.addr(), self.handle());
        // Before the thread runs, so that no change of the clock is made behind its back.
        self.reactor.attach_clock();
        let serving = thread::Builder::new().name("respd".to_owned()).stack_size(STACK);
        let thread = serving
            .spawn(move || self.run())
            .unwrap_or_else(|error| panic!("the server has no thread: {error}"));
        Running { addr, handle, thread: Some(thread) }
    }
}

impl Running {
    /// Where clients connect to, if it is TCP.
    pub fn addr(&self) -> Option<SocketAddr> {
        self.addr
    }

    /// What threads reach the server with.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Asks the server to leave, and waits until it has.
    pub fn stop(mut self) -> io::Result<()> {
        self.leave()
    }

    fn leave(&mut self) -> io::Result<()> {
        self.handle.stop();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(io::Error::other("the server's thread panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.leave() {
            log::error!("the server ended badly: {error}");
        }
    }
}

/// Makes room for the clients that `maxclients` promises, or lets it promise what there is room for.
fn fit_maxclients(config: &mut Config) -> io::Result<()> {
    let wanted = config.maxclients;
    let room = process::make_room_for_clients(wanted);
    if room == 0 {
        return Err(io::Error::other("the limit of open files (ulimit -n) lets no client connect"));
    }
    if room < wanted {
        log::warn!(
            "maxclients is {room} and not {wanted}: the limit of open files (ulimit -n) allows no more"
        );
    }
    config.maxclients = room;
    Ok(())
}

/// Nanoseconds since the first call, for timing commands.
fn nanos() -> u64 {
    use std::sync::OnceLock;
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let elapsed = ORIGIN.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::dispatch::duty::{Duty, Turn};

    #[test]
    fn what_rests_is_done_when_the_replies_of_the_turn_are_sent() {
        static RESTED: AtomicUsize = AtomicUsize::new(0);
        static UNSENT: AtomicUsize = AtomicUsize::new(0);
        fn rest(turn: &mut Turn<'_>) {
            RESTED.fetch_add(1, Ordering::SeqCst);
            let unsent = turn.world.clients.iter().map(|client| client.outbox.unsent().len());
            UNSENT.fetch_add(unsent.sum(), Ordering::SeqCst);
        }
        const PROBE: &[Duty] = &[Duty {
            begin: |_| (),
            end: |_| (),
            rest,
            due: |_| None,
            leave: |_, _| true,
            wait: |_| false,
        }];
        let mut server = Server::builder().bind().unwrap();
        server.engine.take_on(PROBE);
        let address = server.addr().unwrap();
        let running = server.spawn();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"PING\r\n").unwrap();
        let mut reply = [0; 7];
        client.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"+PONG\r\n");
        running.stop().unwrap();
        assert!(RESTED.load(Ordering::SeqCst) > 0);
        assert_eq!(UNSENT.load(Ordering::SeqCst), 0);
    }
}
