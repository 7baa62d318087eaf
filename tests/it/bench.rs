//! What `scripts/bench` consists of: the load on the servers, the rows, and the pictures that `scripts/chart` draws of a run.
//!
//! Where there is no Python, only the load is tested.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::process::{Folder, Respd, text};

/// Two rows of bars, one that is not drawn, and a curve of two points, at the second of which a server has no figure.
const RUN: &str = "\
# a processor, 2 cores
# respd: respd 0.2.0
# valkey: Valkey server v=9.1.2 sha=00000000:1
row\tunit\tpanel\tx\techo\trespd\tvalkey
GET <of> a & b\tns/request\tbars\t\t400\t500\t1500
a key\tbytes\tbars\t\t-1\t80\t90
start to ready\tms\t\t\t1\t2\t3
GET by clients: 1\tns/request\tGET by clients\t1\t4000\t5000\t6000
GET by clients: 10\tns/request\tGET by clients\t10\t4000\t5000\t
";

/// Runs a script with the root of the repository as its folder. None where there is no Python.
fn run(script: &str, arguments: &[&str]) -> Option<Output> {
    let root = env!("CARGO_MANIFEST_DIR");
    if Command::new("python3").arg("--version").output().is_err() {
        return None;
    }
    let arguments = [&[script], arguments].concat();
    Some(Command::new("python3").args(arguments).current_dir(root).output().unwrap())
}

/// The beginning of a program that uses the modules of `scripts/`.
const SCRIPTS: &str = "import sys; sys.path.insert(0, 'scripts'); sys.dont_write_bytecode = True\n";

/// Returns what a program prints. None where there is no Python.
fn python(program: &str) -> Option<String> {
    let output = run("-c", &[program])?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Draws a run. Returns the two pictures, empty if they are not there, the status and what was said.
fn draw(run_of: &str) -> Option<(String, String, Option<i32>, String)> {
    let folder = Folder::new();
    let (figures, bars) = (folder.file("run.tsv"), folder.file("run.svg"));
    fs::write(&figures, run_of).unwrap();
    let output = run("scripts/chart", &[text(&figures), text(&bars)])?;
    let picture = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let said = String::from_utf8(output.stderr).unwrap();
    Some((picture(&bars), picture(&folder.file("run-curves.svg")), output.status.code(), said))
}

/// The lengths of a server's bars, in their order.
fn bars_of(picture: &str, server: &str) -> Vec<f64> {
    let class = format!("class=\"bar {server}\"");
    let bars = picture.split(&class).skip(1);
    bars.map(|bar| bar.split("width=\"").nth(1).unwrap().split('"').next().unwrap())
        .map(|width| width.parse().unwrap())
        .collect()
}

/// As an XML parser has it.
fn assert_well_formed(picture: &str) {
    let parse = "import sys, xml.dom.minidom; xml.dom.minidom.parseString(sys.argv[1])";
    let output = run("-c", &[parse, picture]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_row_of_bars_has_one_for_each_server_that_has_a_figure() {
    let Some((bars, _, code, said)) = draw(RUN) else { return };
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert_well_formed(&bars);
    let [echo, respd, valkey] = ["echo", "respd", "valkey"].map(|server| bars_of(&bars, server));
    // A figure that is not above 0 has no place on a logarithmic scale.
    assert_eq!([echo.len(), respd.len(), valkey.len()], [1, 2, 2]);
    assert!(0.0 < echo[0] && echo[0] < respd[0] && respd[0] < valkey[0], "{bars}");
    assert!(bars.contains(">GET &lt;of&gt; a &amp; b<") && bars.contains(">a key<"), "{bars}");
    assert!(bars.contains(">1,500<") && bars.contains(">Valkey 9.1<"), "{bars}");
    assert!(!bars.contains("start to ready"), "{bars}");
}

#[test]
fn every_curve_has_a_line_for_each_server_with_a_mark_for_each_figure() {
    let Some((_, curves, code, said)) = draw(RUN) else { return };
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert_well_formed(&curves);
    for (server, points) in [("echo", 2), ("respd", 2), ("valkey", 1)] {
        let start = format!("<g class=\"{server}\"><path class=\"line\"");
        let lines: Vec<&str> = curves.lines().filter(|line| line.starts_with(&start)).collect();
        assert_eq!(lines.len(), 1, "{server}: {curves}");
        assert_eq!(lines[0].matches("class=\"mark\"").count(), points, "{server}: {curves}");
    }
    assert!(curves.contains(">GET by clients<"), "{curves}");
}

#[test]
fn a_run_without_curves_is_one_picture() {
    let rows: Vec<&str> = RUN.lines().filter(|line| !line.contains("by clients")).collect();
    let Some((bars, curves, code, _)) = draw(&rows.join("\n")) else { return };
    assert_eq!((code, curves.as_str()), (Some(0), ""));
    assert!(!bars.is_empty());
}

#[test]
fn what_is_no_run_is_refused() {
    let replaced = |what: &str, by: &str| {
        assert!(RUN.contains(what));
        RUN.replace(what, by)
    };
    for (run, reason) in [
        (String::new(), "no line names the columns: row, unit, panel, x, and the servers"),
        (
            replaced("\tpanel\tx", ""),
            "no line names the columns: row, unit, panel, x, and the servers",
        ),
        (replaced("\trespd\t", "\tdragonfly\t"), "no server is called dragonfly"),
        (replaced("\t500\t", "\tfast\t"), "GET <of> a & b: 'fast' is no number"),
        (replaced("\t500\t", "\tnan\t"), "GET <of> a & b: 'nan' is no number"),
        (replaced("\t80\t", "\t"), "a key: 6 columns, not 7"),
        (replaced("clients\t10\t", "clients\t0\t"), "GET by clients: 10: nothing is drawn at 0"),
        (
            RUN.lines().take(4).collect::<Vec<_>>().join("\n"),
            "nothing to draw: no row names a panel and has a figure above 0",
        ),
    ] {
        let Some((bars, curves, code, said)) = draw(&run) else { return };
        assert_eq!((code, said), (Some(2), format!("chart: {reason}\n")));
        assert_eq!((bars.as_str(), curves.as_str()), ("", ""), "{reason}");
    }
    let Some(output) = run("scripts/chart", &["figures.tsv"]) else { return };
    assert_eq!(output.status.code(), Some(2));
    let output = run("scripts/chart", &["/nosuch.tsv", "/nosuch.svg"]).unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// The pictures that README.md shows can be drawn again, and are of the figures beside them.
#[test]
fn the_pictures_are_of_the_figures_that_are_kept() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let kept = |name: &str| fs::read_to_string(docs.join(name)).unwrap();
    let Some((bars, curves, ..)) = draw(&kept("bench.tsv")) else { return };
    let again = "draw it again: scripts/chart docs/bench.tsv docs/bench.svg";
    assert!(kept("bench.svg") == bars && kept("bench-curves.svg") == curves, "{again}");
}

/// A row is told by its name, in the table, in the file of figures and by --rows.
#[test]
fn no_two_rows_have_one_name() {
    for (table, least) in [("rows() + curves()", 50), ("commands()", 170)] {
        let names = format!(
            "{SCRIPTS}from bench_commands import commands\nfrom bench_rows import curves, rows\n\
             for row in {table}: print(row.name)"
        );
        let Some(said) = python(&names) else { return };
        let mut names: Vec<&str> = said.lines().collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert!(all > least && all == names.len(), "{said}");
    }
}

/// Before anything is built or measured.
#[test]
fn a_run_that_would_show_nothing_is_refused() {
    let nothing = "bench: --chart: none of these rows is drawn\n";
    for (arguments, reason) in [
        (&["--curves", "--rows", "no such row"][..], "bench: no row is named like no such row\n"),
        (&["--commands", "--rows", "wait*"], "bench: no row is named like wait*\n"),
        (&["--commands", "--chart", "/nosuch.svg"], nothing),
        (&["--rows", "binary*", "--chart", "/nosuch.svg"], nothing),
    ] {
        let Some(output) = run("scripts/bench", arguments) else { return };
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), reason, "{arguments:?}");
    }
}

/// Each row has its own figure of what one run yields; what is another run, or stands apart, is measured again.
#[test]
fn neighbours_of_one_run_are_measured_once() {
    let measures = format!(
        "{SCRIPTS}from bench_measures import Row, Server, measured\n\
         def way(server, row):\n\
         \x20   print('run', row.load)\n\
         \x20   for turn in range(9): yield {{'p50': turn, 'p99': turn + 0.5}}\n\
         row = lambda name, load, figure: Row(name, way, load, '', '', figure)\n\
         rows = [row('a', 'GET', 'p50'), row('b', 'GET', 'p99'), row('c', 'SET', 'p50'), row('d', 'GET', 'p50')]\n\
         for row, figures, refused in measured(rows, [Server('respd', None, '')], 2):\n\
         \x20   print(row.name, figures, refused)"
    );
    let Some(said) = python(&measures) else { return };
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "run GET",
            "a {'respd': [1, 2]} []",
            "b {'respd': [1.5, 2.5]} []",
            "run SET",
            "c {'respd': [1, 2]} []",
            "run GET",
            "d {'respd': [1, 2]} []",
        ]
    );
}

/// The best is the cheapest of the peers that have a figure, turn by turn; neither the floor nor respd is one.
#[test]
fn the_best_of_the_peers_is_a_ratio_of_its_own() {
    let ratios = "import runpy, sys; sys.path.insert(0, 'scripts'); sys.dont_write_bytecode = True\n\
                  values_of = runpy.run_path('scripts/bench')['values_of']\n\
                  turns = {'echo': [1, 1], 'respd': [2, 4], 'valkey': [6, 8], 'redis': [7, 4], 'redis8': [9, 9]}\n\
                  print(values_of('best/respd', turns), values_of('valkey/respd', turns))\n\
                  print(values_of('best/respd', {'echo': [1], 'respd': [2]}))";
    let Some(output) = run("-c", &[ratios]) else { return };
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "[3.0, 1.0] [3.0, 2.0]\n[]\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_summary_has_the_median_against_each_peer() {
    let summaries = format!(
        "{SCRIPTS}import runpy\n\
         summary = runpy.run_path('scripts/bench')['summary']\n\
         print(summary({{'best/respd': {{'GET': 0.5, 'SET': 2, 'DEL': 4}}, 'valkey/respd': {{'GET': 3}}, 'redis/respd': {{}}}}))\n\
         print(summary({{'best/respd': {{}}}}))"
    );
    let Some(said) = python(&summaries) else { return };
    let medians = "medians in rows of CPU time: best/respd 2.00 in 3, valkey/respd 3.00 in 1; best/respd under 1: GET (0.50)";
    assert_eq!(said, format!("['{medians}']\n[]\n"));
}

/// Starts the load, which cargo builds beside the tests, on a server.
fn load(server: &Respd, arguments: &str) -> Child {
    let test = std::env::current_exe().unwrap();
    Command::new(test.ancestors().nth(2).unwrap().join("examples/load"))
        .args(["-p", &server.addr().port().to_string()])
        .args(arguments.split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the load printed at its end, by name.
fn figures(line: &str) -> HashMap<&str, f64> {
    let pairs = line.split_whitespace().map(|word| word.split_once('=').unwrap());
    pairs.map(|(name, figure)| (name, figure.parse().unwrap())).collect()
}

#[test]
fn a_load_is_a_mix_of_commands_by_their_weights() {
    let server = Respd::start(&["--port", "0"]);
    let mix = "-n 1000 -c 10 -P 4 --keys 50 --size 7 3 SET key:{key} {value} , GET key:{key}";
    let output = load(&server, mix).wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(figures(&said)["requests"], 1000.0, "{said}");
    let mut client = server.connect();
    let stats = client.call(["INFO", "commandstats"]);
    let calls = |command: &str| {
        let found = stats.split(&format!("cmdstat_{command}:calls=")).nth(1).unwrap();
        found.split(',').next().unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(calls("set") + calls("get"), 1000);
    assert!((700..800).contains(&calls("set")), "{stats}");
    assert_eq!(client.call(["DBSIZE"]), "(integer) 50");
    assert_eq!(client.call(["GET", "key:000000000049"]), "\"xxxxxxx\"");
}

/// Of a thousand keys the first is asked for every ten times, and each is asked for at all.
#[test]
fn a_load_draws_some_keys_more_often_than_others() {
    let server = Respd::start(&["--port", "0"]);
    load(&server, "-n 20000 -P 100 --keys 1000 HINCRBY drawn {zipf} 1").wait().unwrap();
    let mut client = server.connect();
    let drawn = client.call(["HVALS", "drawn"]);
    // Each in quotes.
    let mut counts: Vec<u32> =
        drawn.split('"').skip(1).step_by(2).map(|count| count.parse().unwrap()).collect();
    counts.sort_unstable();
    counts.reverse();
    assert_eq!(counts.iter().sum::<u32>(), 20000);
    assert!(counts.len() > 900 && counts.len() <= 1000, "{}", counts.len());
    // ln 2 / ln 1001, and about a seventh of it for the tenth.
    assert!((1900..2120).contains(&counts[0]), "{counts:?}");
    assert!((220..330).contains(&counts[9]), "{counts:?}");
}

/// Each connection sends them in turn from the first, across its pipelines, as often as they weigh.
#[test]
fn a_load_is_a_sequence_of_commands_in_turn() {
    let server = Respd::start(&["--port", "0"]);
    // A transaction ends in a later pipeline of its connection than it began in.
    for sequence in [
        "-n 1001 -c 1 -P 100 LPUSH list {seq} ; LPOP list",
        "-n 1000 -c 10 -P 7 MULTI ; SET key xyz ; EXEC",
        "-n 9 -c 1 -P 2 2 RPUSH twice {seq} ; RPOP twice",
        "-n 12 -c 2 -P 3 --reconnect RPUSH first {seq} ; ECHO {value}",
    ] {
        let output = load(&server, sequence).wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut client = server.connect();
    let stats = client.call(["INFO", "commandstats"]);
    for (command, calls) in [("lpush", 501), ("lpop", 500), ("rpop", 3), ("rpush", 14), ("echo", 4)]
    {
        assert!(stats.contains(&format!("cmdstat_{command}:calls={calls},")), "{command}: {stats}");
    }
    assert_eq!(client.call(["LLEN", "list"]), "(integer) 1");
    assert_eq!(client.call(["LLEN", "twice"]), "(integer) 3");
    assert_eq!(client.call(["LLEN", "first"]), "(integer) 8");
}

/// A reply that was read wrongly would be counted as none, or as more than one.
#[test]
fn a_load_reads_replies_of_all_types() {
    let server = Respd::start(&["--port", "0", "--enable-debug-command", "yes"]);
    let types = "string integer double bignum null array set map attrib verbatim true false";
    let examples = types.split(' ').map(|name| format!(" ; DEBUG PROTOCOL {name}"));
    let examples: String = examples.collect();
    let nested = "MULTI ; COMMAND INFO get nosuch ; LRANGE nothing 0 1 ; ECHO {key} ; DEBUG PROTOCOL map ; EXEC";
    let none = "GET nothing ; BLPOP nothing 0.001 ; SET empty x NX ; HGETALL nothing";
    let large = "COMMAND DOCS ; COMMAND ; CONFIG GET * ; ECHO {value}";
    let listen = "SUBSCRIBE a ; UNSUBSCRIBE a ; PSUBSCRIBE * ; PUNSUBSCRIBE ; RESET";
    for protocol in [2, 3] {
        let arguments = format!(
            "-n 300 -c 2 -P 50 --size 300000 HELLO {protocol}{examples} ; {nested} ; {none} ; {large} ; {listen}"
        );
        let output = load(&server, &arguments).wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.starts_with("requests=300 "), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_load_that_is_held_waits_with_open_connections() {
    let server = Respd::start(&["--port", "0"]);
    let mut load = load(&server, "--held --latency -n 500 -c 20 ECHO hello");
    let mut said = BufReader::new(load.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(said.next().as_deref(), Some("ready"));
    let mut client = server.connect();
    let mut info = || client.call(["INFO", "clients"]);
    let before = info();
    assert!(before.contains("connected_clients:21\\r"), "{before}");
    load.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    let line = said.next().unwrap();
    let figures = figures(&line);
    assert_eq!(figures["requests"], 500.0);
    let [half, most, all] = ["p50", "p99", "p99.9"].map(|name| figures[name]);
    assert!(0.0 < half && half <= most && most <= all && all < 1e6 * figures["seconds"], "{line}");
    assert!(info().contains("connected_clients:21\\r"));
    drop(load.stdin.take());
    assert!(load.wait().unwrap().success());
}

#[test]
fn a_load_that_is_refused_fails() {
    let server = Respd::start(&["--port", "0"]);
    for (arguments, reason) in [
        ("-n 10 NOSUCH", "unknown command"),
        ("-n 10 GET a ,", "a command is missing"),
        ("-n 10 0 GET a", "its weight is 0"),
        ("-n 10 --listeners 1", "a command is missing"),
        ("-n 10 GET a ;", "a command is missing"),
        ("-n 10 GET a ; GET b , GET c", "a mix or a sequence, not both"),
        ("-n 10 -c 1 PING ; NOSUCH", "unknown command"),
        ("-n 3 -c 1 MULTI ; INCRBY a x ; EXEC", "not an integer"),
    ] {
        let output = load(&server, arguments).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(reason), "{arguments}");
        assert!(output.stdout.is_empty(), "{arguments}");
    }
}
