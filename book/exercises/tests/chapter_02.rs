use respd::{OwnedArgs, Protocol, Reply};
use respd_exercises::chapter_02::{Store, answer};

/// What is replied to the last of the lines.
fn replied(lines: &[&str]) -> String {
    let (mut store, mut last) = (Store::new(), Vec::new());
    for line in lines {
        let args: OwnedArgs = line.split(' ').collect();
        let mut reply = Reply::new(Vec::new(), Protocol::Resp2);
        answer(&mut store, args.args(), &mut reply);
        last = reply.into_inner();
    }
    String::from_utf8(last).unwrap()
}

#[test]
fn incr_counts() {
    assert_eq!(replied(&["INCR n"]), ":1\r\n");
    assert_eq!(replied(&["SET n -1", "incr n", "GET n"]), "$1\r\n0\r\n");
}

#[test]
fn incr_refuses_what_it_cannot_count() {
    for value in ["x", "1.5", "9223372036854775807"] {
        let set = format!("SET n {value}");
        let refused = replied(&[&set, "INCR n"]);
        assert!(refused.starts_with("-ERR ") && !refused.contains("command"), "{refused}");
        let kept = replied(&[&set, "INCR n", "GET n"]);
        assert!(kept.ends_with(&format!("\r\n{value}\r\n")), "{kept}");
    }
}

#[test]
fn an_unknown_command_is_told_by_its_name() {
    assert_eq!(replied(&["NoSuch a b"]), "-ERR unknown command 'NoSuch'\r\n");
}

#[test]
fn a_wrong_number_of_arguments_is_told_by_the_command() {
    for line in ["GET", "Get a b"] {
        assert_eq!(replied(&[line]), "-ERR wrong number of arguments for 'get' command\r\n");
    }
    assert_eq!(replied(&["DEL"]), "-ERR wrong number of arguments for 'del' command\r\n");
    assert_eq!(replied(&["SET k"]), "-ERR wrong number of arguments for 'set' command\r\n");
}
