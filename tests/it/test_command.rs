//! `scripts/test` where tools are missing: what it runs, what it skips, and when it fails.
//!
//! A copy of the script runs with a PATH on which there is what a test puts there, and no more: neither
//! apt-get nor sudo. Every tool is `test_command/tool`, which only writes down what it was asked to.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::Folder;

/// What needs only Rust, as cargo is asked to do it.
const ONLY_RUST: [&str; 7] = [
    "cargo fmt --check",
    "cargo clippy --all-targets -- -D warnings -D clippy::incompatible_msrv",
    "cargo test --all-features",
    "cargo test --no-default-features -- --skip a_million_s --skip test_command",
    "cargo doc --no-deps",
    "respd play tests/conversations/a/b.txt tests/conversations/c/d.txt",
    "book ",
];
/// What goes on beside the steps, whose place among the calls is left to chance: first what is built and installed.
const BESIDE: [&str; 7] = [
    "book --install",
    "cargo build --release --features tls",
    "clients --install",
    "reports --install",
    "tls --install",
    // And then what waits more than it works.
    "clients ",
    "course-test target/release/respd",
];
/// What follows where everything is there.
const WITH_TOOLS: [&str; 10] = [
    "conformance ",
    "kill-test 50 always target/release/respd",
    "bad-input-test 2000 target/release/respd",
    "handover --respd target/release/respd",
    "tls ",
    "reports ",
    "scaling --respd target/release/respd",
    "kv-front --front target/debug/examples/kv_front",
    "unit ",
    "package --binary target/release/respd",
];
/// What Debian has for those.
const TOOLS: [&str; 6] = ["redis-cli", "python3", "node", "npm", "etcd", "systemd-analyze"];
/// The scripts that are steps.
const SCRIPTS: [&str; 13] = [
    "book",
    "conformance",
    "kill-test",
    "bad-input-test",
    "handover",
    "clients",
    "tls",
    "reports",
    "scaling",
    "kv-front",
    "course-test",
    "unit",
    "package",
];

struct Outcome {
    code: Option<i32>,
    output: String,
    /// The steps, in their order.
    calls: Vec<String>,
    /// What went on beside them, sorted. A step asks once more for what it needs to be installed.
    beside: Vec<String>,
    /// The step that it was laid to.
    failed: Option<String>,
    /// The processes of a call that lasts.
    left: Vec<String>,
}

/// Runs the test command on a machine that has cargo and `tools`; the call `breaks` fails. None where
/// there is no bash to run it.
fn run(tools: &[&str], flags: &[&str], breaks: &str) -> Option<Outcome> {
    run_with(tools, flags, &[("BREAKS", breaks)])
}

/// As [`run`]; `how` tells the tools how they end.
fn run_with(tools: &[&str], flags: &[&str], how: &[(&str, &str)]) -> Option<Outcome> {
    let bash = on_path("bash")?;
    let folder = Folder::new();
    let (source, path, calls) =
        (Path::new(env!("CARGO_MANIFEST_DIR")), folder.file("path"), folder.file("calls"));
    let (scripts, targets) = (folder.file("scripts"), folder.file("fuzz/fuzz_targets"));
    for made in [&path, &scripts, &targets] {
        std::fs::create_dir_all(made).unwrap();
    }
    std::fs::copy(source.join("scripts/test"), scripts.join("test")).unwrap();
    std::fs::write(targets.join("request.rs"), "").unwrap();
    for name in ["bash", "env", "dirname", "basename", "cat", "mkdir", "nice"] {
        symlink(on_path(name).unwrap(), path.join(name)).unwrap();
    }
    let stub = source.join("tests/it/test_command/tool");
    for name in tools.iter().chain(&["cargo"]) {
        symlink(&stub, path.join(name)).unwrap();
    }
    for name in SCRIPTS {
        symlink(&stub, scripts.join(name)).unwrap();
    }
    // What cargo would have made, and what that is told to play.
    std::fs::create_dir_all(folder.file("target/release")).unwrap();
    symlink(&stub, folder.file("target/release/respd")).unwrap();
    for conversation in ["a/b.txt", "c/d.txt", "c/none.rs"] {
        let file = folder.file(&format!("tests/conversations/{conversation}"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "").unwrap();
    }
    let output = Command::new(bash)
        .arg(scripts.join("test"))
        .args(flags)
        .env_clear()
        .env("PATH", &path)
        .env("CALLS", &calls)
        .envs(how.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let processes = std::fs::read_to_string(folder.file("calls.processes")).unwrap_or_default();
    let calls = std::fs::read_to_string(calls).unwrap_or_default();
    // What asks a tool for nothing but whether it works is not of interest.
    let calls = calls
        .lines()
        .filter(|call| !call.starts_with("python3 -c") && !call.starts_with("node -e"))
        .map(str::to_owned);
    let (mut beside, calls): (Vec<_>, Vec<_>) =
        calls.partition(|call| BESIDE.contains(&call.as_str()));
    beside.sort_unstable();
    let said = String::from_utf8(output.stderr).unwrap();
    Some(Outcome {
        code: output.status.code(),
        output: String::from_utf8(output.stdout).unwrap(),
        calls,
        beside,
        failed: said.lines().find_map(|line| line.strip_prefix("==== FAILED: ")).map(str::to_owned),
        left: processes.split_whitespace().map(str::to_owned).collect(),
    })
}

fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The steps that the end of the output says were skipped.
fn skipped(outcome: &Outcome) -> Vec<&str> {
    let end = outcome.output.rsplit("====").next().unwrap();
    end.lines().filter_map(|line| line.strip_prefix("SKIPPED: ")).collect()
}

const NO_FUZZING: &str = "fuzz target request, a minute: there is no nightly Rust with cargo-fuzz; \
     to install them: rustup toolchain install nightly && cargo install cargo-fuzz --locked";
const NO_PUBLIC_API: &str = "scripts/public-api: there is no nightly Rust with cargo-public-api; \
     to install them: rustup toolchain install nightly && cargo install cargo-public-api --locked";
const NO_NODE: &str =
    "scripts/clients: there is no node 18.19; to install it: apt-get install nodejs npm";
const NO_NODE_20: &str = "scripts/reports: there is no node 20; to install it: https://nodejs.org";
const NO_ETCD: &str =
    "scripts/kv-front: there is no etcd; to install it: apt-get install etcd-server";
const NO_SYSTEMD: &str =
    "scripts/unit: there is no systemd-analyze; to install it: apt-get install systemd";
const NO_VALKEY: &str =
    "scripts/handover: there is no valkey-server; to name one: VALKEY_SERVER=PATH scripts/test";

/// The scripts that are not run because of a tool that this package of Debian has.
fn without(tool: &str, package: &str, scripts: &[&str]) -> Vec<String> {
    let how = format!("there is no {tool}; to install it: apt-get install {package}");
    scripts.iter().map(|script| format!("scripts/{script}: {how}")).collect()
}

#[test]
fn what_needs_only_rust_runs_on_a_machine_without_anything_else() {
    let Some(outcome) = run(&[], &[], "") else { return };
    assert_eq!(outcome.calls, ONLY_RUST);
    assert_eq!(outcome.beside, BESIDE[..5]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.output);
    let mut expected = vec![NO_PUBLIC_API.to_owned()];
    expected.extend(without("python3", "python3", &["clients", "course-test"]));
    expected.extend(without("redis-cli", "redis-tools", &["conformance"]));
    let scripts = ["kill-test", "bad-input-test", "handover"];
    expected.extend(without("python3", "python3", &scripts));
    expected.extend(without("redis-cli", "redis-tools", &["tls"]));
    let scripts = ["reports", "scaling", "kv-front"];
    expected.extend(without("python3", "python3", &scripts));
    expected.push(NO_SYSTEMD.to_owned());
    expected.extend(without("python3", "python3", &["package"]));
    expected.push(NO_FUZZING.to_owned());
    assert_eq!(skipped(&outcome), expected);
}

#[test]
fn one_missing_tool_skips_the_step_that_needs_it() {
    let Some(outcome) = run(&["redis-cli", "python3", "systemd-analyze"], &[], "") else { return };
    let lacks = ["reports ", "kv-front "];
    assert!(!outcome.beside.contains(&"clients ".to_owned()), "{:?}", outcome.beside);
    let others = WITH_TOOLS.iter().filter(|call| !lacks.iter().any(|lack| call.starts_with(lack)));
    let expected: Vec<&str> = ONLY_RUST.iter().chain(others).copied().collect();
    assert_eq!(outcome.calls, expected);
    assert_eq!(outcome.code, Some(0), "{}", outcome.output);
    assert_eq!(skipped(&outcome), [NO_PUBLIC_API, NO_NODE, NO_NODE_20, NO_ETCD, NO_FUZZING]);
}

#[test]
fn strict_fails_instead_of_skipping_after_what_needs_only_rust() {
    let Some(outcome) = run(&["python3", "node", "npm"], &["--strict"], "") else { return };
    assert_eq!(outcome.calls, ONLY_RUST);
    assert_eq!(outcome.code, Some(1), "{}", outcome.output);
    assert!(
        outcome.output.ends_with(&format!(
            "SKIPPED: {}\n",
            without("redis-cli", "redis-tools", &["conformance"])[0]
        )),
        "{}",
        outcome.output
    );
}

/// The machine of CI has only stable Rust, and may have neither systemd nor a Valkey.
#[test]
fn what_debian_may_not_have_is_optional_even_if_strict() {
    let Some(outcome) = run(&TOOLS, &["--strict"], "") else { return };
    assert_eq!(outcome.calls, [&ONLY_RUST[..], &WITH_TOOLS].concat());
    let mut beside = [&BESIDE[..], &["clients --install", "reports --install"]].concat();
    beside.sort_unstable();
    assert_eq!(outcome.beside, beside);
    assert_eq!(outcome.code, Some(0), "{}", outcome.output);
    assert_eq!(skipped(&outcome), [NO_PUBLIC_API, NO_FUZZING]);
    let handover = WITH_TOOLS[3];
    let how = [("BREAKS", handover), ("STATUS", "2")];
    let outcome = run_with(&TOOLS[..5], &["--strict"], &how).unwrap();
    let all_but_unit = WITH_TOOLS.iter().filter(|call| **call != "unit ");
    let expected: Vec<&str> = ONLY_RUST.iter().chain(all_but_unit).copied().collect();
    assert_eq!(outcome.calls, expected);
    assert_eq!(outcome.code, Some(0), "{}", outcome.output);
    assert_eq!(skipped(&outcome), [NO_PUBLIC_API, NO_VALKEY, NO_SYSTEMD, NO_FUZZING]);
}

#[test]
fn clients_that_cannot_be_installed_are_skipped_and_clients_that_fail_are_not() {
    for (install, reason) in [
        ("clients --install", "scripts/clients: pip or npm cannot install"),
        ("reports --install", "scripts/reports: pip, npm or cargo cannot install"),
    ] {
        let Some(outcome) = run(&TOOLS, &[], install) else { return };
        assert_eq!(outcome.code, Some(0), "{}", outcome.output);
        assert!(skipped(&outcome)[1].starts_with(reason), "{}", outcome.output);
        let strict = run(&TOOLS, &["--strict"], install).unwrap();
        assert_eq!(strict.code, Some(1), "{}", strict.output);
        // What was not installed is not run.
        let run = install.replace("--install", "");
        let expected = ONLY_RUST.iter().chain(&WITH_TOOLS).copied();
        assert_eq!(outcome.calls, expected.filter(|call| *call != run).collect::<Vec<_>>());
        assert!(!outcome.beside.contains(&run), "{:?}", outcome.beside);
    }
    for breaks in ONLY_RUST.iter().chain(&WITH_TOOLS) {
        let outcome = run(&TOOLS, &[], breaks).unwrap();
        assert_eq!(outcome.code, Some(1), "{breaks} fails: {}", outcome.output);
        assert_eq!(outcome.calls.last().unwrap(), breaks, "and nothing follows");
    }
}

/// The step is made where its end is waited for, and what it has said is shown there.
#[test]
fn what_fails_beside_the_steps_fails_as_a_step() {
    for (breaks, step, before) in [
        (
            "cargo build --release --features tls",
            "cargo build --release --features tls",
            "cargo doc --no-deps",
        ),
        ("clients ", "scripts/clients", "kv-front --front target/debug/examples/kv_front"),
        (
            "course-test target/release/respd",
            "scripts/course-test",
            "kv-front --front target/debug/examples/kv_front",
        ),
    ] {
        let Some(outcome) = run(&TOOLS, &[], breaks) else { return };
        assert_eq!(outcome.code, Some(1), "{breaks} fails: {}", outcome.output);
        assert_eq!(outcome.failed.as_deref(), Some(step));
        assert_eq!(outcome.calls.last().unwrap(), before, "and nothing follows");
        assert!(outcome.output.ends_with(&format!("it fails: {breaks}\n")), "{}", outcome.output);
    }
}

/// A step fails while what was begun beside it goes on, and has a child.
#[test]
fn nothing_is_left_of_what_went_on_beside_a_step_that_fails() {
    for (breaks, lasts) in [
        ("cargo test --all-features", "cargo build --release --features tls"),
        ("cargo test --all-features", "tls --install"),
        ("tls ", "clients "),
    ] {
        let Some(outcome) = run_with(&TOOLS, &[], &[("BREAKS", breaks), ("LASTS", lasts)]) else {
            return;
        };
        assert_eq!(outcome.code, Some(1), "{breaks} fails: {}", outcome.output);
        assert_eq!(outcome.left.len(), 2, "{lasts} has begun");
        // The last of them may be about to end.
        let since = Instant::now();
        for process in &outcome.left {
            while goes_on(process) {
                assert!(since.elapsed() < Duration::from_secs(10), "{lasts} goes on");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// Whether a process has not ended. One that has may stay in the list of the system until it is asked for.
fn goes_on(process: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process).join("stat"));
    let state = stat.ok().and_then(|stat| stat.rsplit_once(") ")?.1.chars().next());
    state.is_some_and(|state| state != 'Z')
}

/// Asked how it is called, a script says so, on a machine that has nothing it could start.
#[test]
fn every_script_says_how_it_is_called() {
    let needed = ["bash", "sh", "env", "sed"].map(on_path);
    if needed.contains(&None) || on_path("python3").is_none() {
        return;
    }
    let folder = Folder::new();
    for tool in needed.iter().flatten() {
        symlink(tool, folder.file(tool.file_name().unwrap().to_str().unwrap())).unwrap();
    }
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    for script in std::fs::read_dir(scripts).unwrap().map(|entry| entry.unwrap().path()) {
        let name = script.file_name().unwrap().to_str().unwrap().to_owned();
        // What the others source is none.
        if name.contains('.') || script.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(&script).unwrap();
        // Python takes its time to begin.
        let is_python = text.starts_with("#!/usr/bin/env python3");
        let flags = if is_python { &["--help"][..] } else { &["-h", "--help"] };
        for flag in flags {
            let mut asked = Command::new(&script);
            asked.arg(flag).env("RESPD", "/nosuch/respd");
            if !is_python {
                asked.env("PATH", folder.file(""));
            }
            let output = asked.stdin(Stdio::null()).output().unwrap();
            let [out, err] =
                [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
            assert_eq!(output.status.code(), Some(0), "{name} {flag}: {out}{err}");
            assert!(
                out.contains(&format!("scripts/{name}")) || out.contains(&format!("usage: {name}")),
                "{name} {flag}: {out}"
            );
            assert_eq!(err, "", "{name} {flag}");
        }
    }
}
