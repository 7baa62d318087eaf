//! Tests of an application, each with a server of its own whose clock stands still until the test lets time pass.
//!
//! `cargo run --example app_tests` runs fifty at the same time. They tell hours, and take a second.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use redis::{Client, Commands, Connection, Expiry, RedisResult};
use respd::test::Server;

/// The application.
struct App(Connection);

impl App {
    /// Begins a session, which ends when it is not used for half an hour.
    fn login(&mut self, user: &str) -> RedisResult<String> {
        let token = format!("session:{user}");
        let () = self.0.set_ex(&token, user, 1800)?;
        Ok(token)
    }

    fn user(&mut self, token: &str) -> RedisResult<Option<String>> {
        self.0.get_ex(token, Expiry::EX(1800))
    }

    /// Lets a user ask five times in a minute.
    fn may_ask(&mut self, user: &str) -> RedisResult<bool> {
        let key = format!("asked:{user}");
        let mut minute = redis::cmd("EXPIRE");
        minute.arg(&key).arg(60).arg("NX");
        let (asked,): (u64,) =
            redis::pipe().atomic().incr(&key, 1).add_command(minute).ignore().query(&mut self.0)?;
        Ok(asked <= 5)
    }

    /// The next job, or none if there is none within a minute.
    fn job(&mut self) -> RedisResult<Option<(String, String)>> {
        self.0.blpop("jobs", 60.0)
    }
}

const SECOND: Duration = Duration::from_secs(1);
type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// A server whose clock stands still, and the application in front of it.
fn start() -> Outcome<(Server, App)> {
    let server = Server::start()?;
    server.freeze()?;
    let app = App(Client::open(server.url())?.get_connection()?);
    Ok((server, app))
}

fn sessions_end() -> Outcome {
    let (server, mut app) = start()?;
    let token = app.login("ann")?;
    for _ in 0..10 {
        server.advance(SECOND * 1799)?;
        assert_eq!(app.user(&token)?.as_deref(), Some("ann"));
    }
    server.advance(SECOND * 1800)?;
    assert_eq!(server.get(&token)?, None);
    Ok(())
}

fn questions_are_limited() -> Outcome {
    let (server, mut app) = start()?;
    for _ in 0..3 {
        for _ in 0..5 {
            assert!(app.may_ask("ann")?);
        }
        server.advance(SECOND * 59)?;
        assert!(!app.may_ask("ann")?);
        assert!(app.may_ask("ben")?);
        server.advance(SECOND)?;
    }
    Ok(())
}

fn workers_give_up() -> Outcome {
    let (server, mut app) = start()?;
    let worker = thread::spawn(move || app.job());
    // The clock is moved when the worker waits, and not before.
    server.wait_for("BLPOP", 1, SECOND * 10)?;
    server.advance(SECOND * 60)?;
    assert_eq!(worker.join().expect("a worker")?, None);
    Ok(())
}

fn main() -> Outcome {
    let begun = Instant::now();
    let tests = [sessions_end, questions_are_limited, workers_give_up];
    let running: Vec<_> = (0..50).map(|n| thread::spawn(tests[n % tests.len()])).collect();
    for test in running {
        test.join().expect("a test that holds")?;
    }
    println!("50 tests, each with a server: {:.1?}", begun.elapsed());
    Ok(())
}
