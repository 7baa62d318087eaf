//! Functions that run long, over real sockets: what other clients learn of them meanwhile.

use respd::Server;
use respd::internals::config::Config;

use respd::internals::embed::local::request;

use crate::socket::Socket;

const LIBRARY: &str = "#!lua name=lib\n\
    local calls = 0\n\
    server.register_function('Spin', function() calls = calls + 1 while true do end end)\n\
    server.register_function('calls', function() return calls end)";

#[test]
fn a_function_that_runs_is_shown_by_its_own_name_and_can_be_killed() {
    let config = Config { busy_reply_threshold: 1, ..Config::default() };
    let server = Server::builder().config(config).any_port().bind().unwrap();
    let addr = server.addr().expect("a TCP listener");
    let _server = server.spawn();
    let [mut spinning, mut other] = [(); 2].map(|()| Socket::tcp(addr));
    assert_eq!(other.call(["FUNCTION", "LOAD", LIBRARY]), "\"lib\"");
    assert!(other.call(["FUNCTION", "KILL"]).starts_with("(error) NOTBUSY"));
    spinning.send(&request(["fcall", "SPIN", "1", "k"]));
    // What is asked before the function runs is told of none.
    let shown = loop {
        let shown = other.call(["FUNCTION", "STATS"]);
        if shown.contains("duration_ms") {
            break shown;
        }
    };
    for words in ["\"Spin\"", "\"fcall\"", "\"SPIN\"", "\"libraries_count\"", "(integer) 2"] {
        assert!(shown.contains(words), "{shown}");
    }
    for command in ["FUNCTION LIST", "FCALL calls 0", "FUNCTION FLUSH", "SCRIPT KILL"] {
        let reply = other.call(command.split(' '));
        assert!(reply.contains("FUNCTION KILL or SHUTDOWN NOSAVE"), "{command}: {reply}");
    }
    assert_eq!(other.call(["FUNCTION", "KILL"]), "OK");
    let frame = spinning.frame().expect("a reply");
    let killed = respd::internals::wire::value::decode(&frame).unwrap().unwrap().0.to_string();
    assert!(
        killed.starts_with("(error) ERR Script killed by user with FUNCTION KILL."),
        "{killed}"
    );
    // The library has lost nothing by it.
    assert_eq!(other.call(["FCALL", "calls", "0"]), "(integer) 1");
    assert!(!other.call(["FUNCTION", "STATS"]).contains("duration_ms"));
}
