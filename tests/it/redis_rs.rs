//! redis-rs, as a user's program has it, against the running binary, in RESP2 and RESP3.

use std::collections::HashMap;

use redis::{Client, Commands, Connection, ErrorKind, InfoDict, ServerErrorKind, Value};

use crate::process::Respd;

/// A connection; `query` is what stands behind the database in the URL.
fn connect(server: &Respd, user: &str, db: u8, query: &str) -> redis::RedisResult<Connection> {
    Client::open(format!("redis://{user}{}/{db}{query}", server.addr()))?.get_connection()
}

fn resp2(server: &Respd) -> Connection {
    connect(server, "", 0, "").expect("connect in RESP2")
}

fn resp3(server: &Respd) -> Connection {
    connect(server, "", 0, "?protocol=resp3").expect("connect in RESP3")
}

/// Runs a test once over each protocol.
fn in_both(test: impl Fn(&mut Connection)) {
    let server = Respd::start(&["--port", "0"]);
    for mut connection in [resp2(&server), resp3(&server)] {
        let _: () = redis::cmd("FLUSHALL").query(&mut connection).unwrap();
        test(&mut connection);
    }
}

/// The fields of this connection's line of CLIENT INFO.
fn client_info(connection: &mut Connection) -> HashMap<String, String> {
    let line: String = redis::cmd("CLIENT").arg("INFO").query(connection).unwrap();
    line.split_whitespace()
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_protocol_is_negotiated_and_the_library_is_named() {
    let server = Respd::start(&["--port", "0"]);
    for (mut connection, protocol) in [(resp2(&server), "2"), (resp3(&server), "3")] {
        let info = client_info(&mut connection);
        assert_eq!(info["resp"], protocol);
        assert_eq!(info["lib-name"], "redis-rs");
        assert!(!info["lib-ver"].is_empty());
    }
}

#[test]
fn plain_commands() {
    in_both(|connection| {
        let () = connection.set("greeting", "hello").unwrap();
        assert_eq!(connection.get::<_, String>("greeting").as_deref(), Ok("hello"));
        assert_eq!(connection.get::<_, Option<String>>("nothing"), Ok(None));
        assert_eq!(connection.exists::<_, i64>(&["greeting", "nothing"]), Ok(1));
        assert_eq!(connection.del::<_, i64>(&["greeting", "nothing"]), Ok(1));
        let every_byte: Vec<u8> = (0..=255).cycle().take(256 * 300).collect();
        let () = connection.set(b"\0\r\n", &every_byte).unwrap();
        assert_eq!(connection.get::<_, Vec<u8>>(b"\0\r\n"), Ok(every_byte));
    });
}

#[test]
fn a_pipeline_of_a_thousand() {
    in_both(|connection| {
        let mut pipeline = redis::pipe();
        for i in 0..500 {
            pipeline.set(format!("key:{i}"), i).ignore();
            pipeline.get(format!("key:{i}"));
        }
        let replies: Vec<i64> = pipeline.query(connection).unwrap();
        assert_eq!(replies, (0..500).collect::<Vec<i64>>());
    });
}

#[test]
fn databases_are_apart() {
    let server = Respd::start(&["--port", "0"]);
    for query in ["", "?protocol=resp3"] {
        let mut three = connect(&server, "", 3, query).unwrap();
        let mut zero = connect(&server, "", 0, query).unwrap();
        let () = three.set("only", "here").unwrap();
        assert_eq!(three.exists::<_, bool>("only"), Ok(true));
        assert_eq!(zero.exists::<_, bool>("only"), Ok(false));
        let () = redis::cmd("FLUSHALL").query(&mut zero).unwrap();
    }
}

#[test]
fn errors_keep_their_text() {
    in_both(|connection| {
        let error = redis::cmd("NOSUCH").arg("a").query::<Value>(connection).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server(ServerErrorKind::ResponseError));
        assert_eq!(
            error.detail(),
            Some("unknown command 'NOSUCH', with args beginning with: 'a' ")
        );
        // The connection is as good as before.
        assert_eq!(redis::cmd("PING").query::<String>(connection).as_deref(), Ok("PONG"));
    });
}

#[test]
fn reports_are_parsed() {
    in_both(|connection| {
        let info: InfoDict = redis::cmd("INFO").query(connection).unwrap();
        assert_eq!(info.get::<String>("role").as_deref(), Some("master"));
        assert_eq!(info.get::<i64>("loading"), Some(0));
        assert!(info.get::<String>("redis_version").is_some());

        let config: HashMap<String, String> =
            redis::cmd("CONFIG").arg("GET").arg("databases").query(connection).unwrap();
        assert_eq!(config["databases"], "16");

        let commands: Vec<Value> = redis::cmd("COMMAND").query(connection).unwrap();
        let count: usize = redis::cmd("COMMAND").arg("COUNT").query(connection).unwrap();
        assert_eq!(commands.len(), count);
        let docs: HashMap<String, Value> =
            redis::cmd("COMMAND").arg("DOCS").arg("get").query(connection).unwrap();
        assert!(docs.contains_key("get"));
    });
}

#[test]
fn a_killed_connection_says_so_and_the_next_one_works() {
    let server = Respd::start(&["--port", "0"]);
    for query in ["", "?protocol=resp3"] {
        let mut victim = connect(&server, "", 0, query).unwrap();
        let mut other = connect(&server, "", 0, query).unwrap();
        let id: i64 = redis::cmd("CLIENT").arg("ID").query(&mut victim).unwrap();
        let killed: i64 =
            redis::cmd("CLIENT").arg("KILL").arg("ID").arg(id).query(&mut other).unwrap();
        assert_eq!(killed, 1);
        let error = redis::cmd("PING").query::<Value>(&mut victim).unwrap_err();
        assert!(error.is_connection_dropped(), "{error}");
        let mut next = connect(&server, "", 0, query).unwrap();
        let next_id: i64 = redis::cmd("CLIENT").arg("ID").query(&mut next).unwrap();
        assert!(next_id > id);
    }
}

#[test]
fn passwords() {
    let server = Respd::start(&["--port", "0"]);
    // A connection from before stays logged in and takes the password away again.
    let mut admin = resp2(&server);
    for query in ["", "?protocol=resp3"] {
        let () = config_set(&mut admin, "requirepass", "sesame");
        let right = connect(&server, ":sesame@", 0, query);
        let named = connect(&server, "default:sesame@", 0, query);
        let wrong = connect(&server, ":wrong@", 0, query);
        let none = connect(&server, "", 0, query);
        let none = none.and_then(|mut c| redis::cmd("PING").query::<String>(&mut c));
        let () = config_set(&mut admin, "requirepass", "");

        assert_eq!(redis::cmd("PING").query::<String>(&mut right.unwrap()).as_deref(), Ok("PONG"));
        assert_eq!(redis::cmd("PING").query::<String>(&mut named.unwrap()).as_deref(), Ok("PONG"));
        let wrong = wrong.err().expect("a wrong password is refused");
        // It rewords what AUTH answers and passes on what HELLO does.
        assert!(
            wrong.kind() == ErrorKind::AuthenticationFailed || wrong.code() == Some("WRONGPASS"),
            "{wrong}"
        );
        assert!(none.is_err());
    }
}

fn config_set(connection: &mut Connection, name: &str, value: &str) {
    redis::cmd("CONFIG").arg("SET").arg(name).arg(value).query(connection).unwrap()
}
