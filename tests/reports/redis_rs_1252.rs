//! redis-rs/redis-rs#1252: a read that has timed out leaves its reply for the next command of the connection.

use std::time::Duration;

fn main() -> redis::RedisResult<()> {
    let port = std::env::args().nth(1).expect("a port");
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}"))?;
    let mut driver = client.get_connection()?;
    let mut stage = |line: &str| {
        line.split(' ').fold(&mut redis::cmd("STAGE"), |cmd, word| cmd.arg(word)).query::<redis::Value>(&mut driver)
    };
    let mut connection = client.get_connection()?;
    redis::cmd("MSET").arg(&["one", "1", "two", "2"]).query::<redis::Value>(&mut connection)?;

    stage("FAULT ADD slow ON GET TIMES 1 DO RUN THEN DELAY 300")?;
    connection.set_read_timeout(Some(Duration::from_millis(100)))?;
    let late = redis::cmd("GET").arg("one").query::<String>(&mut connection);
    assert!(late.is_err());
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;

    match redis::cmd("GET").arg("two").query::<String>(&mut connection) {
        Ok(two) if two == "2" => println!("the reply is its own"),
        Ok(two) => println!("GET two is {two}"),
        Err(error) if error.is_io_error() => println!("the connection is closed"),
        Err(error) => println!("{error}"),
    }
    Ok(())
}
