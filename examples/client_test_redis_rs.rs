//! The adapter of redis-rs for `respd client-test`: `client_test_redis_rs HOST PORT`.
//!
//! Outside of a cluster it has one connection, as the library gives it, which does not connect again by itself.

#[allow(dead_code)]
#[path = "../src/main/client_test/json.rs"]
mod json;

use std::io::{self, BufRead};
use std::time::Duration;

use json::Json;
use redis::cluster::ClusterClient;
use redis::sentinel::{SentinelClient, SentinelServerType};
use redis::{Client, Connection, ConnectionLike, RedisError, RedisResult, Value};

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
        let answer = match run(&words, &host, &port, &mut connection) {
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

type Kept = Option<Box<dyn ConnectionLike>>;

fn run(words: &[String], host: &str, port: &str, kept: &mut Kept) -> RedisResult<Answer> {
    let Some((word, args)) = words.split_first() else { return Ok(Answer::Unsupported) };
    match word.as_str() {
        "@connect" => {
            let options = Options(args);
            if options.get("cache").is_some() {
                return Ok(Answer::Unsupported);
            }
            *kept = Some(Box::new(connect(&options, &format!("{host}:{port}"))?));
            return Ok(Answer::Value(Json::text("connected")));
        }
        "@cluster" | "@sentinel" => {
            let (ports, options) = (&args[0], Options(&args[1..]));
            let servers = ports.split(',').map(|port| format!("redis://{host}:{port}")).collect();
            *kept = Some(match word.as_str() {
                "@cluster" => connect_to_cluster(&options, servers)?,
                _ => connect_by_sentinels(&options, servers)?,
            });
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
        kept.as_deref_mut().ok_or_else(|| RedisError::from(io::Error::other("no connection")))?;
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

/// Names and values in turn.
struct Options<'a>(&'a [String]);

impl Options<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.chunks_exact(2).find(|pair| pair[0] == name).map(|pair| pair[1].as_str())
    }

    fn timeout(&self) -> Duration {
        let given = self.get("timeout").and_then(|given| given.parse().ok());
        Duration::from_millis(given.unwrap_or(1000))
    }
}

fn connect_to_cluster(
    options: &Options<'_>,
    servers: Vec<String>,
) -> RedisResult<Box<dyn ConnectionLike>> {
    let timeout = options.timeout();
    let client = ClusterClient::builder(servers)
        .connection_timeout(timeout)
        .response_timeout(timeout)
        .build()?;
    Ok(Box::new(client.get_connection()?))
}

fn connect_by_sentinels(
    options: &Options<'_>,
    servers: Vec<String>,
) -> RedisResult<Box<dyn ConnectionLike>> {
    let mut client =
        SentinelClient::build(servers, "main".to_owned(), None, SentinelServerType::Master)?;
    let connection = client.get_connection()?;
    connection.set_read_timeout(Some(options.timeout()))?;
    Ok(Box::new(connection))
}

fn connect(options: &Options<'_>, addr: &str) -> RedisResult<Connection> {
    let option = |name, default: &str| options.get(name).unwrap_or(default).to_owned();
    let (password, db, protocol) =
        (option("password", ""), option("db", "0"), option("protocol", "3"));
    let password = if password.is_empty() { password } else { format!(":{password}@") };
    let timeout = options.timeout();
    let client = Client::open(format!("redis://{password}{addr}/{db}?protocol=resp{protocol}"))?;
    let mut connection = client.get_connection_with_timeout(timeout)?;
    connection.set_read_timeout(Some(timeout))?;
    if let Some(name) = options.get("name") {
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
