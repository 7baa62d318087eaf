//! The real binary as a child process.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crate::socket::{PATIENCE, Socket};

const BINARY: &str = env!("CARGO_BIN_EXE_respd");

/// A folder that goes with its test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("respd-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running respd. It is killed when this is dropped.
pub struct Respd {
    child: Child,
    /// The line that `--ready` prints, without its end.
    pub ready: String,
}

impl Respd {
    /// Starts `respd --ready` with more `flags`, and waits until it listens.
    pub fn start(flags: &[&str]) -> Respd {
        Respd::start_in(&[], flags)
    }

    /// As [`Respd::start`], with these variables in its environment.
    pub fn start_in(environment: &[(&str, &str)], flags: &[&str]) -> Respd {
        Respd::spawn(environment, flags, Stdio::null())
    }

    /// As [`Respd::start`], with a standard input that is open until it is dropped.
    pub fn start_with_stdin(flags: &[&str]) -> (Respd, ChildStdin) {
        let mut respd = Respd::spawn_as("respd", &[], flags, [Stdio::piped(), Stdio::null()]);
        let stdin = respd.child.stdin.take().unwrap();
        (respd, stdin)
    }

    /// As [`Respd::start`], with this file as its standard input.
    pub fn start_reading(input: &Path, flags: &[&str]) -> Respd {
        let input = File::open(input).unwrap();
        Respd::spawn_as("respd", &[], flags, [input.into(), Stdio::null()])
    }

    /// As [`Respd::start`], under another name.
    pub fn start_as(name: &str, flags: &[&str]) -> Respd {
        Respd::spawn_as(name, &[], flags, [Stdio::null(), Stdio::null()])
    }

    fn spawn(environment: &[(&str, &str)], flags: &[&str], stderr: Stdio) -> Respd {
        Respd::spawn_as("respd", environment, flags, [Stdio::null(), stderr])
    }

    fn spawn_as(
        name: &str,
        environment: &[(&str, &str)],
        flags: &[&str],
        [stdin, stderr]: [Stdio; 2],
    ) -> Respd {
        let mut child = Command::new(BINARY)
            .arg0(name)
            .arg("--ready")
            .args(flags)
            .env_remove("RUST_LOG")
            .envs(environment.iter().copied())
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        // Under the name of redis-server the log is there, too.
        let stdout = child.stdout.take().unwrap();
        let mut stdout = BufReader::new(stdout).lines().map_while(Result::ok);
        let ready = stdout.find(|line| line.starts_with("ready "));
        let ready = ready.expect("respd ended before it was ready");
        std::thread::spawn(move || stdout.for_each(drop));
        Respd { child, ready }
    }

    /// As [`Respd::start_in`], with stderr as a pipe that nothing reads yet.
    pub fn start_with_log(
        environment: &[(&str, &str)],
        flags: &[&str],
    ) -> (Respd, impl Read + Send + use<>) {
        let mut respd = Respd::spawn(environment, flags, Stdio::piped());
        let log = respd.child.stderr.take().unwrap();
        (respd, log)
    }

    /// Starts `respd --ready` with more `flags`, and waits until it listens, ready or not. The receiver
    /// gets the line that `--ready` prints, and `Respd::ready` is what the log says of the listener.
    pub fn start_unready(flags: &[&str]) -> (Respd, Receiver<String>) {
        Respd::start_unready_in(&[], flags)
    }

    /// As [`Respd::start_unready`], with these variables in its environment.
    pub fn start_unready_in(
        environment: &[(&str, &str)],
        flags: &[&str],
    ) -> (Respd, Receiver<String>) {
        let mut child = Command::new(BINARY)
            .arg("--ready")
            .args(flags)
            .env_remove("RUST_LOG")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let mut log = BufReader::new(stderr).lines().map_while(Result::ok);
        let listening =
            log.find_map(|line| Some(line.split_once("listening on tcp ")?.1.to_owned()));
        // The log is read to its end, or the process would wait for a reader.
        std::thread::spawn(move || log.for_each(drop));
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(&mut stdout).lines().map_while(Result::ok);
            lines.try_for_each(|line| tell.send(line))
        });
        let ready = format!("tcp={}", listening.expect("respd ended before it listened"));
        (Respd { child, ready }, told)
    }

    /// Starts respd with `flags` alone, and does not wait.
    pub fn start_unannounced(flags: &[&str]) -> Respd {
        Respd::start_unannounced_as("respd", flags)
    }

    /// As [`Respd::start_unannounced`], under another name.
    pub fn start_unannounced_as(name: &str, flags: &[&str]) -> Respd {
        let child = Command::new(BINARY)
            .arg0(name)
            .args(flags)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Respd { child, ready: String::new() }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the ready line says behind `name=`.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.ready.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    pub fn addr(&self) -> SocketAddr {
        self.field("tcp").expect("a TCP listener").parse().unwrap()
    }

    pub fn connect(&self) -> Socket {
        Socket::tcp(self.addr())
    }

    /// Sends a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.pid());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Lets the process have so many files open and no more. It adapts to its limit when it starts, so
    /// the limit is lowered later. Returns whether the tool for that is there.
    pub fn limit_open_files(&self, files: usize) -> bool {
        Command::new("prlimit")
            .arg(format!("--pid={}", self.pid()))
            .arg(format!("--nofile={files}:{files}"))
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Lets the process write files of so many bytes and no longer ones, as if the disk were full. Returns whether the
    /// tool for that is there.
    pub fn limit_file_size(&self, bytes: usize) -> bool {
        Command::new("prlimit")
            .arg(format!("--pid={}", self.pid()))
            .arg(format!("--fsize={bytes}:{bytes}"))
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Waits until the process has ended.
    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return status,
                None => assert!(start.elapsed() < PATIENCE, "respd does not end"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Respd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that no server of this machine listens on.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs respd with flags that make it end by itself.
pub fn run(flags: &[&str]) -> Output {
    run_as("respd", flags, "")
}

/// As [`run`], under another name and with a text on its standard input.
pub fn run_as(name: &str, flags: &[&str], input: &str) -> Output {
    let mut child = Command::new(BINARY)
        .arg0(name)
        .args(flags)
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It writes more than a pipe holds, perhaps.
    fn all_of(mut output: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let mut told = Vec::new();
            output.read_to_end(&mut told).unwrap();
            told
        })
    }
    let stdout = all_of(child.stdout.take().unwrap());
    let stderr = all_of(child.stderr.take().unwrap());
    let mut stdin = child.stdin.take().unwrap();
    // It may have ended, and read nothing.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("respd {flags:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// Makes a named pipe.
pub fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// As UTF-8, for flags.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
