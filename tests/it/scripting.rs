//! Scripts against the server: what they may take, what they leave behind, and what one of them cannot do to others.
//!
//! What a script replies is in `tests/conversations/scripting`.

use std::thread;

use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local, request};
use respd::{Running, Server};

use crate::socket::Socket;

fn start(options: &[(&str, &str)]) -> (Local, Connection) {
    let mut config = Config::default();
    for (name, value) in options {
        config.apply_option(name, value).unwrap();
    }
    let mut local = Local::new(config);
    let client = local.connect();
    (local, client)
}

/// The reply to EVAL, as text.
fn eval(local: &mut Local, client: Connection, script: &str, args: &[&str]) -> String {
    let mut words = vec!["EVAL", script];
    words.extend(if args.is_empty() { &["0"] } else { args });
    local.call(client, words).to_string()
}

/// A field of INFO.
fn info(local: &mut Local, client: Connection, field: &str) -> String {
    let info = local.call(client, ["INFO", "everything"]);
    let text = String::from_utf8_lossy(info.as_bytes().unwrap()).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
    line.unwrap_or_else(|| panic!("no {field} in\n{text}")).to_owned()
}

#[test]
fn a_server_without_scripts_has_no_lua() {
    let (mut local, client) = start(&[]);
    local.call(client, ["SCRIPT", "EXISTS", "da39a3ee5e6b4b0d3255bfef95601890afd80709"]);
    assert_eq!(info(&mut local, client, "used_memory_vm_eval"), "0");
    eval(&mut local, client, "return 1", &[]);
    assert_ne!(info(&mut local, client, "used_memory_vm_eval"), "0");
    local.call(client, ["SCRIPT", "FLUSH"]);
    assert_eq!(info(&mut local, client, "used_memory_vm_eval"), "0");
}

#[test]
fn a_script_that_wants_too_much_memory_fails_alone() {
    let (mut local, client) = start(&[]);
    for bomb in [
        "local s = 'x' while true do s = s .. s end",
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "return string.rep('x', 512 * 1024 * 1024)",
        "local t = {} while true do t[#t + 1] = redis.call('GETRANGE', KEYS[1], #t, -1) end",
    ] {
        local.call(client, [&b"SET"[..], b"big", &vec![b'x'; 8 << 20]]);
        let reply = eval(&mut local, client, bomb, &["1", "big"]);
        assert!(reply.contains("not enough memory"), "{bomb}: {reply}");
        assert_eq!(eval(&mut local, client, "return 'still here'", &[]), "\"still here\"");
    }
    let memory: usize = info(&mut local, client, "used_memory_vm_eval").parse().unwrap();
    assert!(memory < 16 << 20, "{memory} bytes are left");
}

#[test]
fn a_script_that_goes_too_deep_fails_alone() {
    let (mut local, client) = start(&[]);
    for (bomb, reason) in [
        ("local function f() return 1 + f() end return f()", "stack overflow"),
        ("local function f() return pcall(f) end return tostring(f())", "true"),
        ("local function f() coroutine.wrap(f)() end f()", "C stack overflow"),
        ("return loadstring(string.rep('(', 100000))", ""),
        ("return {loadstring('return ' .. string.rep('{', 100000))}", ""),
        ("local t = {} for i = 1, 200000 do t = {t} end return 1", "1"),
    ] {
        let reply = eval(&mut local, client, bomb, &[]);
        assert!(reply.contains(reason), "{bomb}: {reply}");
        assert_eq!(eval(&mut local, client, "return 'still here'", &[]), "\"still here\"");
    }
}

#[test]
fn a_reply_nests_so_deep_and_no_deeper() {
    let nest = || {
        let (mut local, client) = start(&[]);
        local.send(client, &request(["EVAL", "local t = {} t[1] = t return t", "0"]));
        let reply = local.received(client);
        assert!(reply.ends_with(b"-ERR reached lua stack limit\r\n"));
        assert_eq!(reply.iter().filter(|&&byte| byte == b'*').count(), 1000);
    };
    // As much stack as a server has; threads of tests have a quarter of it.
    let server = thread::Builder::new().stack_size(8 << 20).spawn(nest).unwrap();
    server.join().unwrap();
}

#[test]
fn any_number_of_arguments_is_handed_over() {
    let (mut local, client) = start(&[]);
    let script =
        "return table.concat({#KEYS, #ARGV, KEYS[#KEYS] or '-', ARGV[1], ARGV[#ARGV]}, ' ')";
    let numbers: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
    for (keys, all, reply) in [
        ("0", 3, "\"0 3 - 0 2\""),
        ("1", 2, "\"1 1 0 1 1\""),
        ("2", 3, "\"2 1 1 2 2\""),
        ("150", 200, "\"150 50 149 150 199\""),
        ("60000", 100_000, "\"60000 40000 59999 60000 99999\""),
    ] {
        let mut args = vec![keys];
        args.extend(numbers[..all].iter().map(String::as_str));
        assert_eq!(eval(&mut local, client, script, &args), reply);
    }
}

#[test]
fn nothing_that_scripts_share_can_be_changed() {
    let (mut local, client) = start(&[]);
    let look = "local seen = {} \
        local function look(name, t) \
          if type(t) ~= 'table' or seen[t] then return end \
          seen[t] = true \
          for k, v in pairs(t) do seen[#seen + 1] = name .. '.' .. tostring(k) .. '=' .. type(v) look(tostring(k), v) end \
        end \
        look('_G', _G) look('string', getmetatable('').__index) table.sort(seen) return table.concat(seen, ' ')";
    let before = eval(&mut local, client, look, &[]);
    assert!(before.contains("server.call=function"), "{before}");
    for attempt in [
        "x = 1",
        "_G.x = 1",
        "_G[1] = 1",
        "redis.call = 1",
        "server.x = 1",
        "string.rep = nil",
        "cjson.decode = nil",
        "math.pi = 3",
        "rawset(_G, 'x', 1)",
        "rawset(string, 'rep', nil)",
        "table.insert(table, 1)",
        "table.insert(redis, 1, 1)",
        "table.remove(redis)",
        "table.sort(string)",
        "setmetatable(_G, nil)",
        "setmetatable(redis, {})",
        "getmetatable(_G).__index = nil",
        "getmetatable('').__index = nil",
        "getmetatable('').__add = 1",
        "for k in pairs(_G) do _G[k] = nil end",
        "loadstring('x = 1')()",
        "loadstring('redis = nil')()",
        "load(function() return nil end)()",
        "local s = getmetatable('').__index s.x = 1",
        "collectgarbage('stop')",
        "coroutine.wrap(function() x = 1 end)()",
        "KEYS = 1",
        "math.random = 1",
    ] {
        eval(&mut local, client, attempt, &[]);
        assert_eq!(eval(&mut local, client, look, &[]), before, "{attempt}");
    }
}

#[test]
fn bytecode_is_not_loaded() {
    let (mut local, client) = start(&[]);
    for script in [
        "return tostring(loadstring(string.dump(function() return 1 end)))",
        "local code = string.dump(function() return 1 end) return tostring(load(function() local c = code code = nil return c end))",
        "local code, at = string.dump(function() return 1 end), 0 \
         return tostring(load(function() at = at + 1 if at <= #code then return code:sub(at, at) end end))",
    ] {
        assert_eq!(eval(&mut local, client, script, &[]), "\"nil\"", "{script}");
    }
    let bytecode = b"\x1bLua\x51\x00\x01\x04\x08\x04\x08\x00";
    let reply = local.call(client, [&b"EVAL"[..], bytecode, b"0"]).to_string();
    assert!(reply.contains("Error compiling script"), "{reply}");
}

/// A server that serves others as soon as a script has run for a millisecond, and two clients.
fn start_busy() -> (Running, [Socket; 2]) {
    let config = Config { busy_reply_threshold: 1, ..Config::default() };
    let server = Server::builder().config(config).any_port().bind().unwrap();
    let addr = server.addr().expect("a TCP listener");
    (server.spawn(), [(); 2].map(|()| Socket::tcp(addr)))
}

#[test]
fn a_script_that_catches_every_error_can_be_killed() {
    let (_server, [mut running, mut other]) = start_busy();
    for script in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() while true do end end, tostring) end",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "while true do string.find(('a'):rep(40), ('a?'):rep(40) .. 'b') end",
    ] {
        running.send(&request(["EVAL", script, "0"]));
        while other.call(["SCRIPT", "KILL"]) != "OK" {}
        let killed = running.frame().expect("a reply");
        assert!(killed.starts_with(b"-ERR Script killed by user with SCRIPT KILL."), "{script}");
    }
}

#[test]
fn a_script_of_slow_commands_can_be_killed() {
    let (_server, [mut running, mut other]) = start_busy();
    let elements = ["x"; 20_000];
    other.call([&["RPUSH", "l"][..], &elements].concat());
    // So few instructions that the hook is never called.
    let script =
        "for i = 1, 400 do redis.call('LRANGE', 'l', 0, -1) end redis.call('SET', 'over', 1)";
    running.send(&request(["EVAL", script, "0"]));
    while other.call(["SCRIPT", "KILL"]) != "OK" {
        assert_ne!(other.call(["EXISTS", "over"]), "(integer) 1", "nothing could end it");
    }
    let killed = running.frame().expect("a reply");
    assert!(killed.starts_with(b"-ERR Script killed by user with SCRIPT KILL."));
}

/// A clock that goes on by a second whenever it is read.
fn seconds() -> u64 {
    thread_local! {
        static NANOS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
    }
    NANOS.set(NANOS.get() + 1_000_000_000);
    NANOS.get()
}

/// None of them has as many instructions as lie between two calls of the hook. So it is within one call, or because the
/// hook is called sooner, that SCRIPT KILL reaches them.
#[test]
fn a_script_of_few_and_long_calls_can_be_killed() {
    let (mut local, client) = start(&[("busy-reply-threshold", "1")]);
    let other = local.connect();
    let mut push = vec!["RPUSH".to_owned(), "list".to_owned()];
    push.extend((0..60_000).map(|n| n.to_string()));
    local.call(client, &push);
    local.time_commands_by(seconds);
    let (shared, long) = ("local t = {1} for i = 1, 11 do t = {t, t, t} end ", "x".repeat(4 << 20));
    let many: Vec<String> = (0..4_000).map(|n| n.to_string()).collect();
    let many: Vec<&str> = std::iter::once("0").chain(many.iter().map(String::as_str)).collect();
    let two_long = ["0", &long, &long];
    let mut missed = Vec::new();
    for (script, args) in [
        ("return #cjson.encode(t)", &[][..]),
        ("return #cmsgpack.pack(t)", &[]),
        ("return #cjson.encode(string.rep('\\1', 1000000))", &[]),
        ("return #cmsgpack.pack(string.rep('\\1', 1000000))", &[]),
        ("return #struct.pack(string.rep('x', 100000))", &[]),
        ("return struct.size(string.rep('x', 100000))", &[]),
        ("return #cjson.decode('[' .. string.rep('1,', 100000) .. '1]')", &[]),
        ("return #cjson.decode('{\"a\":\"' .. string.rep('x', 1000000) .. '\"}').a", &[]),
        ("return #cmsgpack.unpack('\\221\\0\\1\\134\\160' .. string.rep('\\1', 100000))", &[]),
        ("return t", &[]),
        ("local m = {1} for i = 1, 17 do m = {map = {m, m}} end return m", &[]),
        ("local s = {1} for i = 1, 17 do s = {set = {[s] = 1, [{s}] = 1}} end return s", &[]),
        ("return #redis.call('LRANGE', 'list', 0, -1)", &[]),
        ("table.sort(ARGV) return 1", &many),
        ("for i = 1, 200 do coroutine.wrap(function() end)() end return 1", &[]),
        ("for i = 1, 200 do coroutine.create(function() end) end return 1", &[]),
        ("return loadstring(string.rep(' ', 1000000)) == nil", &[]),
        ("return #string.rep('x', 8000000)", &[]),
        ("for i = 1, 400 do local is_less = ARGV[1] < ARGV[2] end return 1", &two_long),
        (
            "local s = 'x' for i = 1, 23 do s = s .. s end \
             for i = 1, 400 do local is_less = s < s end return 1",
            &[],
        ),
    ] {
        let script = format!("{shared}{script}");
        local.send_meanwhile(other, &request(["SCRIPT", "KILL"]));
        let reply = eval(&mut local, client, &script, args);
        local.send(other, b"");
        let killed = local.received(other) == b"+OK\r\n";
        if !killed || !reply.contains("Script killed by user") {
            missed.push(format!("{script}: {}", &reply[..reply.len().min(80)]));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

/// The hook is called as seldom as before once such a script is over, and by others' scripts of any size.
#[test]
fn a_script_that_takes_little_has_its_few_turns() {
    let (mut local, client) = start(&[("busy-reply-threshold", "1")]);
    let other = local.connect();
    local.time_commands_by(seconds);
    let long = "x".repeat(4 << 20);
    eval(&mut local, client, "return #ARGV[1]", &["0", &long]);
    for _ in 0..3 {
        local.send_meanwhile(other, &request(["SCRIPT", "KILL"]));
        assert_eq!(eval(&mut local, client, "for i = 1, 1000 do end return 1", &[]), "(integer) 1");
        local.send(other, b"");
        local.received(other);
    }
}

#[test]
fn what_would_take_long_to_compile_is_refused() {
    let (mut local, client) = start(&[]);
    let chain = format!("if a then {} end", "elseif a then ".repeat(200_000));
    let refused = "(error) ERR Error compiling script (new function): user_script: code has too many branches and operators";
    assert_eq!(eval(&mut local, client, &chain, &[]), refused);
    let loaded = local.call(client, ["SCRIPT", "LOAD", &chain]).to_string();
    assert_eq!(loaded, refused);
    let library = format!("#!lua name=l\n{chain}");
    let loaded = local.call(client, ["FUNCTION", "LOAD", &library]).to_string();
    assert!(loaded.contains("code has too many branches and operators"), "{loaded}");
    let within = "local code = 'return ' .. string.rep('1 and ', 100000) .. '1' \
                  local f, why = loadstring(code) local g, too = load(function() local c = code code = nil return c end) \
                  return {tostring(f), why, tostring(g), too}";
    let reply = eval(&mut local, client, within, &[]);
    assert_eq!(reply.matches("code has too many branches").count(), 2, "{reply}");
}
