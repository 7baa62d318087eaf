//! The adapter of redis-rs for `respd client-test`: `client_test_redis_rs HOST PORT`.
//!
//! It has one connection, as the library gives it, which does not connect again by itself.

#[allow(dead_code)]
#[path = "../src/main/client_test/json.rs"]
mod json;

use std::io::{self, BufRead};
use std::time::Duration;

use json::Json;
use redis::{Client, Connection, RedisError, RedisResult, Value};

/// What is printed for a request.
enum Answer {
    Value(Json),
    Unsupported,
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (host, port) = (args.next().unwrap_or_default(), args.next().unwrap_or_default());
    let mut connection = None;
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<String> = Json::read(&line).map(|words| words.leaves()).unwrap_or_default();
        let answer = match run(&words, &format!("{host}:{port}"), &mut connection) {
            Ok(Answer::Value(value)) => vec![("value".to_owned(), value)],
            Ok(Answer::Unsupported) => vec![("unsupported".to_owned(), Json::Bool(true))],
            Err(error) => vec![
                ("error".to_owned(), Json::text(error.to_string())),
                ("kind".to_owned(), Json::text(format!("{:?}", error.kind()))),
            ],
        };
        println!("{}", Json::Object(answer));
    }
}

fn run(words: &[String], addr: &str, kept: &mut Option<Connection>) -> RedisResult<Answer> {
    let Some((word, args)) = words.split_first() else { return Ok(Answer::Unsupported) };
    match word.as_str() {
        "@connect" => {
            *kept = Some(connect(args, addr)?);
            return Ok(Answer::Value(Json::text("connected")));
        }
        "@close" => {
            *kept = None;
            return Ok(Answer::Value(Json::text("closed")));
        }
        "@cancel" | "@messages" | "SUBSCRIBE" => return Ok(Answer::Unsupported),
        _ => {}
    }
    let connection =
        kept.as_mut().ok_or_else(|| RedisError::from(io::Error::other("no connection")))?;
    if word != "@pipeline" {
        let reply: Value = redis::cmd(word).arg(args).query(connection)?;
        return Ok(Answer::Value(shown(reply)));
    }
    let count = args[0].parse().unwrap_or(0);
    let mut pipeline = redis::pipe();
    for _ in 0..count {
        pipeline.cmd(&args[1]).arg(&args[2..]);
    }
    let mut replies: Vec<Value> = pipeline.query(connection)?;
    let length = Json::Number(replies.len().to_string());
    let last = replies.pop().map_or(Json::Null, shown);
    let first = replies.into_iter().next().map_or(Json::Null, shown);
    Ok(Answer::Value(Json::Array(vec![first, last, length])))
}

fn connect(options: &[String], addr: &str) -> RedisResult<Connection> {
    let option = |name: &str, default: &str| {
        let pair = options.chunks(2).find(|pair| pair[0] == name);
        pair.map_or_else(|| default.to_owned(), |pair| pair[1].clone())
    };
    let (password, db, protocol) =
        (option("password", ""), option("db", "0"), option("protocol", "3"));
    let password = if password.is_empty() { password } else { format!(":{password}@") };
    let timeout = Duration::from_millis(option("timeout", "1000").parse().unwrap_or(1000));
    let client = Client::open(format!("redis://{password}{addr}/{db}?protocol=resp{protocol}"))?;
    let mut connection = client.get_connection_with_timeout(timeout)?;
    connection.set_read_timeout(Some(timeout))?;
    let name = option("name", "");
    if !name.is_empty() {
        let _: () = redis::cmd("CLIENT").arg("SETNAME").arg(name).query(&mut connection)?;
    }
    Ok(connection)
}

fn shown(value: Value) -> Json {
    let all = |values: Vec<Value>| Json::Array(values.into_iter().map(shown).collect());
    match value {
        Value::Nil => Json::Null,
        Value::Int(number) => Json::Number(number.to_string()),
        Value::BulkString(bytes) | Value::BigNumber(bytes) => {
            Json::text(String::from_utf8_lossy(&bytes))
        }
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Json::Text(text),
        Value::Okay => Json::text("OK"),
        Value::Array(values) | Value::Set(values) => all(values),
        Value::Map(pairs) => Json::Array(
            pairs.into_iter().flat_map(|(key, value)| [shown(key), shown(value)]).collect(),
        ),
        Value::Attribute { data, .. } => shown(*data),
        Value::Double(number) => Json::text(format!("{number:?}")),
        Value::Boolean(value) => Json::Bool(value),
        other => Json::text(format!("{other:?}")),
    }
}
