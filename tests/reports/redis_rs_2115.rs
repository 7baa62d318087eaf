//! redis-rs/redis-rs#2115: READONLY after a failover reaches the user; the cluster's nodes are not asked for anew.

use redis::cluster::ClusterClient;

fn main() -> redis::RedisResult<()> {
    let port = std::env::args().nth(1).expect("a port");
    let url = format!("redis://127.0.0.1:{port}");
    let mut driver = redis::Client::open(url.as_str())?.get_connection()?;
    let mut stage = |words: &[&str]| redis::cmd("STAGE").arg(words).query::<redis::Value>(&mut driver);

    // A cluster of one node, by a reply that says so.
    let slots = format!(r"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:{port}\r\n");
    stage(&["FAULT", "ADD", "slots", "ON", "cluster|slots", "DO", "REPLY", &slots])?;
    let mut cluster = ClusterClient::builder([url.as_str()]).retries(3).build()?.get_connection()?;

    let readonly = "READONLY You can't write against a read only replica.";
    stage(&["FAULT", "ADD", "demoted", "ON", "EVAL*", "TIMES", "1", "DO", "ERROR", readonly])?;
    let script = "return redis.call('SET', KEYS[1], 'value')";
    match redis::cmd("EVAL").arg(script).arg(1).arg("key").query::<String>(&mut cluster) {
        Ok(said) => println!("the script is run again: {said}"),
        Err(error) => println!("the user is told {}", error.code().unwrap_or("something else")),
    }
    Ok(())
}
