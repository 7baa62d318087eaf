//! `respd client-test`: its verdicts, told of adapters that do what a client may do wrong, and its table in the documents.

use std::path::Path;
use std::process::{Command, Output};

/// What an adapter in shell begins with: each line it reads is in `line`, the word that ECHO sends in `text`.
const SHELL: &str = r#"
last=none count=0
say() { printf '%s\n' "$1"; }
while read -r line; do
  text=${line#*\"ECHO\",\"} text=${text%\"]}
  case $line in *ECHO*) echo=1 count=$((count + 1)) ;; *) echo=0 ;; esac
"#;

/// Tries the situations of these names with an adapter in shell.
fn try_with(only: &str, answers: &str, flags: &[&str]) -> (String, Option<i32>) {
    let script = format!("{SHELL}{answers}\ndone");
    told(respd(&[&["--only", only], flags, &["--", "sh", "-c", &script]].concat()))
}

fn respd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_respd")).arg("client-test").args(args).output().unwrap()
}

fn told(output: Output) -> (String, Option<i32>) {
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

const GOOD: &str =
    r#"if [ $echo = 1 ]; then say "{\"value\":\"$text\"}"; else say '{"value":"OK"}'; fi"#;

#[test]
fn a_verdict_is_what_the_adapter_was_seen_to_do() {
    let good = GOOD;
    for (answers, line, status) in [
        (good.to_owned(), "ok 1 - refused/MOVED: right\n", 0),
        (format!("echo a note of a library; {good}"), "ok 1 - refused/MOVED: right\n", 0),
        (
            format!(r#"case $line in *SET*) say '{{"error":"moved","kind":"E"}}' ;; *) {good} ;; esac"#),
            "ok 1 - refused/MOVED: recovers\n#   E: moved\n",
            0,
        ),
        (
            format!(r#"if [ $echo = 1 ] && [ $count -lt 4 ]; then say '{{"error":"x"}}'; else {good}; fi"#),
            "ok 1 - refused/MOVED: recovers\n#   error: x\n",
            0,
        ),
        (
            r#"say '{"error":"gone","kind":"E"}'"#.to_owned(),
            "not ok 1 - refused/MOVED: error to the user\n#   E: gone\n",
            1,
        ),
        (
            r#"if [ $echo = 1 ]; then say "{\"value\":\"$last\"}"; last=$text; else say '{"value":"OK"}'; fi"#
                .to_owned(),
            "not ok 1 - refused/MOVED: out of step\n#   ECHO probe-",
            1,
        ),
        // One reply behind from the second probe on.
        (
            format!(r#"if [ $count -gt 1 ]; then say "{{\"value\":\"$last\"}}"; else {good}; fi; last=$text"#),
            "not ok 1 - refused/MOVED: out of step\n#   ECHO probe-",
            1,
        ),
        (
            format!("[ $echo = 1 ] || {good}"),
            "not ok 1 - refused/MOVED: hangs\n#   ECHO probe-",
            1,
        ),
        ("exit".to_owned(), "not ok 1 - refused/MOVED: wrong\n#   @connect timeout 300: the adapter", 1),
        ("say '{1'".to_owned(), "not ok 1 - refused/MOVED: wrong\n#   @connect timeout 300: the", 1),
        (
            r#"say '{"unsupported":true}'"#.to_owned(),
            "ok 1 - refused/MOVED # SKIP unsupported: @connect timeout 300\n",
            0,
        ),
    ] {
        let (tap, code) = try_with("refused/MOVED", &answers, &["--timeout", "1500"]);
        let expected = format!("TAP version 13\n1..1\n{line}");
        assert!(tap.starts_with(&expected), "{answers}\n{tap}");
        assert_eq!(code, Some(status), "{answers}\n{tap}");
    }
}

#[test]
fn another_value_than_was_sent_is_wrong() {
    let (tap, code) = try_with("replies/nested*", GOOD, &[]);
    assert!(tap.contains("not ok 1 - replies/nested 32 deep: wrong\n#   ECHO type-0: "), "{tap}");
    assert_eq!(code, Some(1));
}

#[test]
fn json_has_the_same() {
    let (json, code) = try_with("refused/ASK", GOOD, &["--json"]);
    let expected =
        r#"[{"name":"refused/ASK","verdict":"right","ok":true,"note":"","conversation":[]}]"#;
    assert_eq!((json.trim_end(), code), (expected, Some(0)));
}

#[test]
fn what_cannot_be_tried_has_a_status_of_its_own() {
    for args in
        [&["--only", "nothing", "--", "true"][..], &["--", "/nowhere/at-all"], &[], &["--loud"]]
    {
        let output = respd(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
}

/// The adapter has the first value for ever, and asks the server for none.
#[test]
fn a_cache_that_hears_of_no_change_is_wrong() {
    let never_again =
        format!(r#"case $line in *GET*) say '{{"value":"one"}}' ;; *) {GOOD} ;; esac"#);
    let (tap, code) = try_with("restored/tracking", &never_again, &[]);
    let wrong = "not ok 1 - restored/tracking: wrong\n#   GET k: still one instead of two";
    assert!(tap.contains(wrong), "{tap}");
    assert_eq!(code, Some(1), "{tap}");
}

/// Tries the situations of these names with redis-rs.
fn try_redis_rs(only: &str, flags: &[&str]) -> (String, Option<i32>) {
    let test = std::env::current_exe().unwrap();
    let adapter = test.ancestors().nth(2).unwrap().join("examples/client_test_redis_rs");
    let adapter = ["--", adapter.to_str().unwrap(), "{host}", "{port}"];
    told(respd(&[&["--only", only], flags, &adapter].concat()))
}

#[test]
fn redis_rs_passes_errors_on_and_is_right_behind_them() {
    let (tap, code) = try_redis_rs("refused/*", &[]);
    assert_eq!(tap.matches(": recovers\n").count(), 6, "{tap}");
    assert_eq!(code, Some(0), "{tap}");
}

/// One that is over early is printed when its turn has come.
#[test]
fn situations_are_told_in_their_order() {
    let (one, _) = try_redis_rs("pushes/*", &["--jobs", "1"]);
    let (many, _) = try_redis_rs("pushes/*", &["--jobs", "8"]);
    assert_eq!(one, many);
}

/// It asks for the slots again when it is told MOVED, and not when a node is gone.
#[test]
fn redis_rs_sees_a_failover_of_a_cluster() {
    let (tap, code) = try_redis_rs("cluster/*", &[]);
    let lost = ["primary lost", "first node lost"];
    for line in tap.lines().skip(2).filter(|line| !line.starts_with('#')) {
        let is_lost = lost.iter().any(|lost| line.contains(lost));
        let verdict = if is_lost { ": error to the user" } else { ": right" };
        assert!(line.ends_with(verdict), "{tap}");
    }
    assert_eq!((tap.matches("cluster/").count(), code), (8, Some(1)), "{tap}");
}

#[test]
fn redis_rs_gets_every_reply_of_a_long_pipeline() {
    let (tap, code) = try_redis_rs("replies/long*", &["--pipeline", "50000"]);
    assert_eq!((tap.contains("pipeline: right"), code), (true, Some(0)), "{tap}");
}

#[test]
fn the_table_has_a_row_for_each_situation() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/clients.md");
    let page = std::fs::read_to_string(page).unwrap();
    let table = page.split("<!-- table -->").nth(1).expect("the table stands between two marks");
    let rows: Vec<_> = table.lines().filter_map(|line| line.strip_prefix("| ")).skip(1).collect();
    let rows: Vec<_> = rows.iter().filter_map(|row| row.split(" |").next()).collect();
    let (names, _) = told(respd(&["--list"]));
    assert_eq!(rows, names.lines().collect::<Vec<_>>(), "scripts/client-test writes it anew");
}
