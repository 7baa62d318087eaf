//! Scripts that run long, over real sockets: who is served meanwhile, and what ends them.
//!
//! The scripts are commands of the tests' own that never end by themselves, and say when they have begun. So every
//! reply that another client gets meanwhile was given in the middle of one.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};

use respd::Args;
use respd::internals::config::Config;
use respd::internals::dispatch::spec::Spec;
use respd::internals::dispatch::spec::flag::*;
use respd::internals::dispatch::{Ctx, Frame, Invocation, ScriptFlags};
use respd::internals::embed::local::request;
use respd::internals::embed::server::Running;
use respd::internals::error::Error;
use respd::internals::world::ScriptKind;
use respd::{Commands, Server};

use crate::socket::Socket;

const OWN: &[Spec] = &[
    Spec::new("spin", -1, NONE, spin),
    Spec::new("fspin", -1, NONE, fspin),
    Spec::new("break", 1, NONE, break_down),
    Spec::new("halt", 1, ALLOW_BUSY, halt),
    Spec::new("fhalt", 1, ALLOW_BUSY, fhalt),
    Spec::new("hold", 1, NONE, hold),
];

const BUSY: &str = "(error) BUSY Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
const FUNCTION_BUSY: &str = "(error) BUSY Valkey is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";
const KILLED: &str = "(error) ERR Script killed by user with SCRIPT KILL.";
const UNKILLABLE: &str = "(error) UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.";
const ENDED: &str = "(error) ERR Script killed by user with SHUTDOWN.";

/// What the commands tell the test, and wait for.
struct Test {
    begun: Sender<()>,
    go_on: Receiver<()>,
}

/// A script without an end. It calls the command that its arguments are.
fn spin(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    run(ctx, args, ScriptKind::Eval)
}

fn fspin(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    run(ctx, args, ScriptKind::Function)
}

fn run(ctx: &mut Ctx<'_>, args: Args<'_>, kind: ScriptKind) -> Result<(), Error> {
    ctx.run_script(kind, |ctx| {
        if args.len() > 1 {
            let words: respd::OwnedArgs = args.from(1).collect();
            let frame = Frame::Script(ScriptFlags::default());
            Invocation::within(ctx, frame, words.args()).invoke();
            ctx.world.script_writes();
        }
        tell(ctx);
        loop {
            ctx.script_goes_on(args)?;
        }
    })
}

/// A script with a fault.
fn break_down(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.run_script(ScriptKind::Eval, |_| panic!("on purpose"))
}

/// SCRIPT KILL
fn halt(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.world.kill_script(ScriptKind::Eval)?;
    ctx.reply.ok();
    Ok(())
}

/// FUNCTION KILL
fn fhalt(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.world.kill_script(ScriptKind::Function)?;
    ctx.reply.ok();
    Ok(())
}

/// Keeps the thread of the server until the test says so.
fn hold(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    tell(ctx);
    let test = ctx.state::<Test>().expect("the test's");
    test.go_on.recv().expect("a word of the test");
    ctx.reply.ok();
    Ok(())
}

fn tell(ctx: &mut Ctx<'_>) {
    let test = ctx.state::<Test>().expect("the test's");
    // The test may have ended.
    let _ = test.begun.send(());
}

/// A server, and what the test hears of its commands and says to them.
struct Served {
    server: Running,
    addr: SocketAddr,
    begun: Receiver<()>,
    go_on: Sender<()>,
}

fn serve(config: Config) -> Served {
    let config = Config { busy_reply_threshold: 1, ..config };
    let ((begin, begun), (go_on, told)) = (channel(), channel());
    let own = Commands::of_table("own", OWN).state(Test { begun: begin, go_on: told });
    let server = Server::builder().config(config).any_port().commands(own);
    let server = server.bind().unwrap();
    let addr = server.addr().expect("a TCP listener");
    Served { server: server.spawn(), addr, begun, go_on }
}

impl Served {
    /// A client whose request, one of a script that never ends, is being run.
    fn run(&self, request: &[u8]) -> Socket {
        let mut client = Socket::tcp(self.addr);
        client.send(request);
        self.begun.recv().expect("a script that has begun");
        client
    }
}

/// The next reply as redis-cli would show it.
fn reply(client: &mut Socket) -> String {
    let frame = client.frame().expect("a reply");
    respd::internals::wire::value::decode(&frame).unwrap().unwrap().0.to_string()
}

#[test]
fn others_are_told_busy_until_the_script_is_killed() {
    let served = serve(Config::default());
    let mut other = Socket::tcp(served.addr);
    assert_eq!(other.call(["HALT"]), "(error) NOTBUSY No scripts in execution right now.");
    let mut script = served.run(&request(["SPIN"]));
    for command in ["PING", "GET k", "INFO", "CLIENT LIST", "SPIN", "SHUTDOWN", "SHUTDOWN SAVE"] {
        assert_eq!(other.call(command.split(' ')), BUSY, "{command}");
    }
    assert_eq!(other.call(["CLIENT", "ID"]), "(integer) 1");
    assert_eq!(other.call(["SHUTDOWN", "ABORT"]), "(error) ERR No shutdown in progress.");
    assert_eq!(other.call(["SHUTDOWN", "NOSAVE", "SAVE"]), "(error) ERR syntax error");
    other.send(b"PING\r\nCLIENT ID\r\n");
    assert_eq!([reply(&mut other), reply(&mut other)], [BUSY, "(integer) 1"]);
    assert_eq!(other.call(["FHALT"]), BUSY);
    assert_eq!(other.call(["HALT"]), "OK");
    assert_eq!(reply(&mut script), KILLED);
    assert_eq!(other.call(["PING"]), "PONG");
    assert_eq!(script.call(["PING"]), "PONG");
}

#[test]
fn a_function_is_ended_by_function_kill() {
    let served = serve(Config::default());
    let mut script = served.run(&request(["FSPIN"]));
    let mut other = Socket::tcp(served.addr);
    assert_eq!(other.call(["PING"]), FUNCTION_BUSY);
    assert_eq!(other.call(["HALT"]), FUNCTION_BUSY);
    assert_eq!(other.call(["FHALT"]), "OK");
    assert_eq!(reply(&mut script), "(error) ERR Script killed by user with FUNCTION KILL.");
}

#[test]
fn transactions_of_others_begin_and_are_refused() {
    let served = serve(Config::default());
    let _script = served.run(&request(["SPIN"]));
    let mut other = Socket::tcp(served.addr);
    let aborted = BUSY.replace("(error) ", "(error) EXECABORT Transaction discarded because of: ");
    for queued in ["PING", "CLIENT ID"] {
        assert_eq!(other.call(["WATCH", "k"]), "OK");
        assert_eq!(other.call(["MULTI"]), "OK");
        let told = if queued == "PING" { BUSY } else { "QUEUED" };
        assert_eq!(other.call(queued.split(' ')), told);
        assert_eq!(other.call(["EXEC"]), aborted);
    }
    assert_eq!(other.call(["HALT"]), "OK");
}

#[test]
fn a_script_in_exec_is_killed_and_the_rest_runs() {
    let served = serve(Config::default());
    let mut script = served.run(b"MULTI\r\nSET k 1\r\nSPIN\r\nINCR k\r\nEXEC\r\nGET k\r\n");
    let mut other = Socket::tcp(served.addr);
    assert_eq!(other.call(["GET", "k"]), BUSY);
    assert_eq!(other.call(["HALT"]), "OK");
    let replies: Vec<String> = (0..6).map(|_| reply(&mut script)).collect();
    let exec = format!("1) OK\n2) {KILLED}\n3) (integer) 2");
    assert_eq!(replies, ["OK", "QUEUED", "QUEUED", "QUEUED", &exec, "\"2\""]);
}

#[test]
fn a_script_that_has_written_ends_with_the_server_only() {
    let served = serve(Config::default());
    let mut script = served.run(&request(["SPIN", "SET", "k", "v"]));
    let mut other = Socket::tcp(served.addr);
    assert_eq!(other.call(["HALT"]), UNKILLABLE);
    assert_eq!(other.call(["FHALT"]), UNKILLABLE);
    other.send(&request(["SHUTDOWN", "NOSAVE"]));
    assert_eq!(other.rest(), b"");
    assert_eq!((reply(&mut script), script.frame()), (ENDED.to_owned(), None));
}

#[test]
fn a_server_that_is_to_stop_does_not_wait_for_a_script() {
    let Served { server, addr, begun, .. } = serve(Config::default());
    let mut script = Socket::tcp(addr);
    script.send(&request(["SPIN"]).repeat(3));
    begun.recv().unwrap();
    server.stop().unwrap();
    let replies: Vec<String> = (0..3).map(|_| reply(&mut script)).collect();
    assert_eq!((replies, script.frame()), (vec![ENDED.to_owned(); 3], None));
}

/// Were they not closed before the script is over, there would be no place for the last of them.
#[test]
fn newcomers_come_and_go_while_a_script_runs() {
    let served = serve(Config { maxclients: 3, ..Config::default() });
    let mut script = served.run(&request(["SPIN"]));
    let mut other = Socket::tcp(served.addr);
    for _ in 0..10 {
        let mut newcomer = Socket::tcp(served.addr);
        assert_eq!(newcomer.call(["PING"]), BUSY);
        newcomer.send(b"QUIT\r\n");
        assert_eq!(newcomer.rest(), b"+OK\r\n");
    }
    for _ in 0..10 {
        let mut newcomer = Socket::tcp(served.addr);
        newcomer.send(b"CLIENT REPLY OFF\r\n*1\r\n+\r\n");
        assert_eq!(newcomer.rest(), b"");
        let mut newcomer = Socket::tcp(served.addr);
        newcomer.finish();
        assert_eq!(newcomer.rest(), b"");
    }
    assert_eq!(other.call(["HALT"]), "OK");
    assert_eq!(reply(&mut script), KILLED);
}

#[test]
fn a_thousand_requests_of_another_client_are_answered() {
    let served = serve(Config::default());
    let mut script = served.run(&request(["SPIN"]));
    let mut other = Socket::tcp(served.addr);
    other.send(&[request(["PING"]), request(["CLIENT", "ID"])].concat().repeat(500));
    for _ in 0..500 {
        assert_eq!([reply(&mut other), reply(&mut other)], [BUSY, "(integer) 2"]);
    }
    assert_eq!(other.call(["HALT"]), "OK");
    assert_eq!(reply(&mut script), KILLED);
}

/// The socket's readiness is told once, and that is while the client is not read from.
#[test]
fn what_the_script_s_own_client_sends_meanwhile_runs_after_it() {
    let served = serve(Config::default());
    let mut script = served.run(&request(["SPIN"]));
    let mut other = Socket::tcp(served.addr);
    for _ in 0..3 {
        script.send(b"CLIENT ID\r\n");
        assert_eq!(other.call(["PING"]), BUSY);
    }
    assert_eq!(other.call(["HALT"]), "OK");
    assert_eq!(reply(&mut script), KILLED);
    assert_eq!([(); 3].map(|()| reply(&mut script)), ["(integer) 1"; 3]);
    script.send(&request(["SPIN"]));
    served.begun.recv().unwrap();
    drop(script);
    assert_eq!(other.call(["PING"]), BUSY, "the script of a client that has gone goes on");
    assert_eq!(other.call(["HALT"]), "OK");
    assert_eq!(other.call(["PING"]), "PONG");
}

/// Its slot is its command's until that is over, and its output is away.
#[test]
fn the_script_s_own_client_is_closed_when_the_script_is_over() {
    let mut config = Config::default();
    config.apply_option("client-output-buffer-limit", "normal 2000 0 0").unwrap();
    config.apply_option("client-output-buffer-limit", "replica 2000 0 0").unwrap();
    let served = serve(config);
    let mut script = served.run(b"MONITOR\r\nSPIN\r\n");
    let mut other = Socket::tcp(served.addr);
    for _ in 0..10 {
        assert_eq!(other.call(["CLIENT", "SETNAME", &"x".repeat(4000)]), "OK");
    }
    assert_eq!(other.call(["HALT"]), "OK");
    script.rest();
    assert_eq!(other.call(["PING"]), "PONG");
    assert!(other.call(["INFO", "clients"]).contains("connected_clients:1"));
}

/// Their events are told in one batch, and not once more.
#[test]
fn a_client_that_was_ready_together_with_the_script_s_is_served() {
    let served = serve(Config::default());
    let [mut script, mut other] = [(); 2].map(|()| Socket::tcp(served.addr));
    assert_eq!(script.call(["PING"]), "PONG");
    assert_eq!(other.call(["PING"]), "PONG");
    let mut holder = served.run(&request(["HOLD"]));
    script.send(&request(["SPIN"]));
    other.send(&request(["CLIENT", "ID"]));
    other.send(&request(["PING"]));
    served.go_on.send(()).unwrap();
    assert_eq!(reply(&mut holder), "OK");
    served.begun.recv().unwrap();
    assert_eq!([reply(&mut other), reply(&mut other)], ["(integer) 2", BUSY]);
    assert_eq!(holder.call(["HALT"]), "OK");
    assert_eq!(reply(&mut script), KILLED);
}

#[test]
fn a_script_that_breaks_down_leaves_the_server_idle() {
    let served = serve(Config::default());
    let [mut script, mut other] = [(); 2].map(|()| Socket::tcp(served.addr));
    assert_eq!(script.call(["BREAK"]), "(error) ERR internal error, see the server's log");
    assert_eq!(other.call(["PING"]), "PONG");
    assert_eq!(other.call(["HALT"]), "(error) NOTBUSY No scripts in execution right now.");
}

/// The reply to a failed login is put off, and the client is not read from until it is sent.
#[test]
fn a_client_that_mistypes_its_password_ends_the_script_all_the_same() {
    let mut config = Config::default();
    config.apply_option("requirepass", "right").unwrap();
    let served = serve(config);
    let mut script = Socket::tcp(served.addr);
    assert_eq!(script.call(["AUTH", "right"]), "OK");
    script.send(&request(["SPIN"]));
    served.begun.recv().unwrap();
    let mut other = Socket::tcp(served.addr);
    let refused = other.call(["AUTH", "wrong"]);
    assert!(refused.starts_with("(error) WRONGPASS"), "{refused}");
    assert_eq!(other.call(["AUTH", "right"]), "OK");
    assert_eq!(other.call(["HALT"]), "OK");
    assert_eq!(reply(&mut script), KILLED);
}
