//! The process that the server runs in, as INFO describes it.
//!
//! Facts that do not change are gathered once, at the start; what the process uses is asked of the
//! operating system when INFO is called. Where it does not answer, the answer is zero.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::resource::{Resource, Usage, UsageWho, getrlimit, getrusage, setrlimit};
use nix::time::{ClockId, clock_gettime};

use crate::clock::Now;
use crate::config::RESERVED_PLACES;
use crate::keyspace::Random;

/// Facts about the running server.
#[derive(Debug, Default)]
pub struct Process {
    pub(crate) pid: u32,
    /// Forty hexadecimal digits, new for each start.
    pub(crate) run_id: String,
    /// System, release and machine, as `uname` tells them.
    pub(crate) os: String,
    pub(crate) executable: PathBuf,
    /// Bytes of memory that the process had filled before it served its first client.
    pub(crate) startup_memory: usize,
    /// Bytes of memory that the machine has.
    pub(crate) total_memory: u64,
    resident: Resident,
    /// The configuration file, absolute, if the server was started with one.
    pub(crate) config_file: Option<PathBuf>,
    /// The addresses listened on, in the order of INFO's `listener` lines.
    pub(crate) listeners: Vec<Listener>,
}

/// One `listenerN` line of INFO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// `tcp`, `tls`, `unix` or `admin`.
    pub(crate) name: &'static str,
    /// The address or path.
    pub(crate) bind: String,
    /// None for a unix socket.
    pub(crate) port: Option<u16>,
}

/// What the operating system has said last of the process's memory.
#[derive(Debug, Default)]
struct Resident {
    bytes: Cell<u64>,
    /// Until when that is good, in µs of [`crate::clock::Now::mono`].
    until: Cell<u64>,
}

/// For so many µs it is not asked again: that takes as long as a quarter of INFO. As often the reference looks.
const RESIDENT_FOR: u64 = 100_000;

/// What the process has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) system: Duration,
    pub(crate) user: Duration,
}

impl Process {
    /// The process that this is.
    pub(crate) fn current(config_file: Option<&Path>) -> Process {
        Process {
            pid: std::process::id(),
            run_id: identity(|| RandomState::new().hash_one(0)),
            os: operating_system(),
            executable: std::env::current_exe().unwrap_or_default(),
            startup_memory: private_memory(),
            total_memory: total_memory(),
            resident: Resident::default(),
            config_file: config_file.map(|path| std::path::absolute(path).unwrap_or(path.into())),
            listeners: Vec::new(),
        }
    }

    /// Has the identity that follows from a number, instead of one of its own.
    pub(crate) fn follow(&mut self, seed: u64) {
        let mut random = Random::seeded(seed);
        self.run_id = identity(|| random.next_u64());
    }

    /// Bytes of the process that are in memory. It is `now`.
    pub(crate) fn resident_memory(&self, now: Now) -> u64 {
        if now.mono >= self.resident.until.get() {
            self.resident.bytes.set(resident_memory());
            self.resident.until.set(now.mono + RESIDENT_FOR);
        }
        self.resident.bytes.get()
    }

    /// The port that ordinary clients connect to, without TLS if there is one for that; 0 if there is none.
    pub(crate) fn tcp_port(&self) -> u16 {
        let port = |name| {
            let named = self.listeners.iter().find(|listener| listener.name == name);
            named.and_then(|listener| listener.port)
        };
        port("tcp").or_else(|| port("tls")).unwrap_or(0)
    }
}

/// CPU time of the whole process.
pub(crate) fn used_by_process() -> Used {
    used(UsageWho::RUSAGE_SELF)
}

/// CPU time of children that have ended.
pub(crate) fn used_by_children() -> Used {
    used(UsageWho::RUSAGE_CHILDREN)
}

/// CPU time of the thread that asks, which is the one that serves. Where only Linux can tell, it is
/// taken to be all there is.
pub(crate) fn used_by_thread() -> Used {
    #[cfg(target_os = "linux")]
    return used(UsageWho::RUSAGE_THREAD);
    #[cfg(not(target_os = "linux"))]
    return used_by_process();
}

/// CPU time of the thread that asks, in nanoseconds: the little that a slice of work takes, however busy the machine is.
pub(crate) fn thread_nanos() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    let nanos = time.map_or(0, |time| time.tv_sec() * 1_000_000_000 + time.tv_nsec());
    u64::try_from(nanos).unwrap_or(0)
}

fn used(who: UsageWho) -> Used {
    let duration = |usage: &Usage, system: bool| {
        let time = if system { usage.system_time() } else { usage.user_time() };
        let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
        Duration::from_micros(micros.try_into().unwrap_or(0))
    };
    getrusage(who).map_or(Used::default(), |usage| Used {
        system: duration(&usage, true),
        user: duration(&usage, false),
    })
}

/// Bytes of the process that are in memory.
fn resident_memory() -> u64 {
    const PAGE: u64 = 4096;
    let pages = std::fs::read_to_string("/proc/self/statm").ok().and_then(|statm| {
        statm.split_ascii_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok())
    });
    pages.unwrap_or(0) * PAGE
}

/// Bytes of the process in memory that come from no file: what it has allocated and written to.
fn private_memory() -> usize {
    let kib = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
        line.split_ascii_whitespace().nth(1)?.parse::<usize>().ok()
    });
    kib.unwrap_or(0) * 1024
}

/// Bytes of memory that the machine has.
fn total_memory() -> u64 {
    let kib = std::fs::read_to_string("/proc/meminfo").ok().and_then(|meminfo| {
        let line = meminfo.lines().find(|line| line.starts_with("MemTotal:"))?;
        line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()
    });
    kib.unwrap_or(0) * 1024
}

/// Files that are no ordinary client's: as many as the reference counts for listeners, log and the
/// like, and one for each place that is kept for operators.
const RESERVED_FILES: u64 = 32 + RESERVED_PLACES as u64;

/// Raises the limit of open files, if it has to be, so that `wanted` clients can connect, and returns
/// how many can: fewer if the operating system allows no more.
pub(crate) fn make_room_for_clients(wanted: u32) -> u32 {
    let files = u64::from(wanted) + RESERVED_FILES;
    let room = open_files(files).saturating_sub(RESERVED_FILES);
    u32::try_from(room).unwrap_or(u32::MAX).min(wanted)
}

/// How many files the process may have open, after an attempt to make that `wanted`.
fn open_files(wanted: u64) -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        // As the reference guesses.
        return 1024;
    };
    if soft >= wanted {
        return soft;
    }
    // Only a privileged process may raise the hard limit too.
    let raised = [(wanted, hard.max(wanted)), (hard.min(wanted), hard)]
        .into_iter()
        .find(|&(soft, hard)| setrlimit(Resource::RLIMIT_NOFILE, soft, hard).is_ok());
    let now = raised.map_or(soft, |(soft, _)| soft);
    if now > soft {
        log::info!("the limit of open files was {soft} and is {now}");
    }
    now
}

fn operating_system() -> String {
    nix::sys::utsname::uname().map_or_else(
        |_| std::env::consts::OS.to_owned(),
        |uname| {
            let [system, release, machine] = [uname.sysname(), uname.release(), uname.machine()]
                .map(|word| word.to_string_lossy().into_owned());
            format!("{system} {release} {machine}")
        },
    )
}

/// Forty hexadecimal digits of random numbers: those that std gets from the operating system as seeds, for example. An
/// identity, no secret.
fn identity(mut random: impl FnMut() -> u64) -> String {
    let [one, two, three] = [random(), random(), random()];
    format!("{one:016x}{two:016x}{:08x}", three as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_has_an_identity_of_its_own() {
        let (one, two) = (Process::current(None), Process::current(None));
        assert_eq!(one.run_id.len(), 40);
        assert_ne!(one.run_id, two.run_id);
    }

    #[test]
    fn there_is_room_for_as_many_clients_as_the_system_allows() {
        assert_eq!(make_room_for_clients(1), 1);
        let most = make_room_for_clients(u32::MAX);
        assert!(most > 1 && most < u32::MAX);
        assert_eq!(make_room_for_clients(most), most);
    }

    #[test]
    fn the_operating_system_answers() {
        assert!(resident_memory() > 0);
        assert!(total_memory() > resident_memory());
    }
}
