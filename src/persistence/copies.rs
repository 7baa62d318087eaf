//! Copies: the data of one moment for a client that asks for it, as `redis-cli --rdb` does with SYNC.
//!
//! A copy is recorded as a snapshot is, into a file of `dir` without a name. All clients that have asked by the moment at
//! which it begins share the file. A thread reads it, a piece for each client that has little left to read: so a client
//! that reads slowly, or not at all, costs a piece of memory, and keeps nothing from the others. The space on disk is free
//! again when the last of them has its copy or is gone.
//!
//! A client that is to have no keys, but the functions alone, is sent them at once: they are in no file.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, mpsc};

use super::disk::{DiskThread, Ended, Worker};
use super::files::Written;
use super::recording::{self, Purpose};
use super::snapshots::{self, ordered};
use crate::dispatch::duty::{Duty, Turn};
use crate::error::{self, Error};
use crate::keyspace::Recorder;
use crate::rdb::chunk::Chunk;
use crate::rdb::file::Finisher;
use crate::rdb::recorder::{FileRecorder, Output};
use crate::session::state::CopyParts;
use crate::session::{Departure, Doom, Slot};
use crate::world::World;

/// So many bytes are read at once.
const PIECE: u64 = 256 << 10;

/// A client that has fewer bytes than this left to read gets the next piece.
const LITTLE: usize = 128 << 10;

/// So many clients may be reading their copies for another to be begun: each may hold the space of a file.
const MOST_BEING_SENT: usize = 4;

/// What is done in every turn.
pub(super) const DUTY: Duty =
    Duty { begin, end: |_| (), rest: |_| (), due, leave: |_, _| true, wait };

/// What is kept of copies while the server runs. It is there from the first copy on.
struct Copies {
    disk: DiskThread<Reader>,
    /// The ids of clients whose copy is not begun.
    waiting: VecDeque<u64>,
    /// Those whose copy is being recorded.
    recorded: Vec<u64>,
    sent: Vec<Sending>,
}

/// A copy on its way to a client.
struct Sending {
    client: u64,
    file: Arc<File>,
    length: u64,
    /// How many bytes the client has been given to read.
    given: u64,
    /// Whether the thread reads the next piece.
    is_being_read: bool,
}

/// Reads files piece by piece.
struct Reader;

enum Job {
    Read {
        client: u64,
        file: Arc<File>,
        from: u64,
        bytes: usize,
    },
    /// The file may be closed: that frees its space, which can take long.
    Close(Arc<File>),
}

/// The next piece for a client, or why there is none.
struct Piece {
    client: u64,
    read: Result<Vec<u8>, String>,
}

impl Worker for Reader {
    type Job = Job;
    type Report = Piece;

    fn work(&mut self, job: Job, report: &mut dyn FnMut(Piece)) {
        match job {
            Job::Read { client, file, from, bytes } => {
                let mut piece = vec![0; bytes];
                let read = file.read_exact_at(&mut piece, from);
                let read = read.map(|()| piece).map_err(|error| error.to_string());
                report(Piece { client, read });
            }
            Job::Close(file) => drop(file),
        }
    }
}

/// The client is to have a copy: SYNC. It is the reply to the command that the client runs, which waits for it.
pub(crate) fn ask(world: &mut World, slot: Slot) -> Result<(), Error> {
    let client = &world.clients[slot];
    let (id, parts) = (client.id, client.copy_parts().unwrap_or_default());
    if parts == CopyParts::All && !world.config.keeps_data() {
        return Err(error::NO_FILES);
    }
    let mut copies = world.lend::<Copies>().unwrap_or_else(|| {
        Box::new(Copies {
            disk: DiskThread::new("respd-copies", world.waker.clone()),
            waiting: VecDeque::new(),
            recorded: Vec::new(),
            sent: Vec::new(),
        })
    });
    // Those that are gone do not add up while others are being sent theirs.
    copies.waiting.retain(|&client| awaiting(world, client).is_some());
    copies.waiting.push_back(id);
    world.take_back(copies);
    Ok(())
}

/// Where the client is, if it still waits for its copy.
fn awaiting(world: &World, id: u64) -> Option<Slot> {
    let slot = world.clients.slot_of(id)?;
    let client = &world.clients[slot];
    let is_waiting = client.wait().is_some_and(|wait| wait.is_done());
    (client.doom == Doom::No && is_waiting).then_some(slot)
}

/// Returns whether the client still waits for a copy, and that has keys.
fn wants_keys(world: &World, id: u64) -> bool {
    awaiting(world, id)
        .and_then(|slot| world.clients[slot].copy_parts())
        .is_some_and(|parts| parts == CopyParts::All)
}

// The duty.

fn begin(turn: &mut Turn<'_>) {
    let world = &mut *turn.world;
    if let Some(mut copies) = world.lend::<Copies>() {
        copies.go_on(world);
        world.take_back(copies);
    }
}

fn due(world: &World) -> Option<u64> {
    let copies = world.feature::<Copies>()?;
    let may_begin = !copies.waiting.is_empty() && copies.may_begin(world);
    let can_begin = may_begin || copies.waiting.iter().any(|&client| !wants_keys(world, client));
    let has_lost = !copies.recorded.is_empty() && copies.is_wanted_no_more(world);
    let can_go_on = copies.sent.iter().any(|sending| sending.is_due(world));
    (can_begin || has_lost || can_go_on).then_some(world.now.mono)
}

fn wait(world: &mut World) -> bool {
    let Some(copies) = world.feature::<Copies>() else { return false };
    // That the thread has ended is told when a turn begins.
    let _ = copies.disk.catch_up();
    copies.sent.iter().any(|sending| sending.is_being_read)
}

impl Copies {
    fn go_on(&mut self, world: &mut World) {
        while let Some(piece) = self.disk.take() {
            match piece {
                Ok(piece) => self.give(world, piece),
                Err(ended) => self.lose_thread(world, ended),
            }
        }
        match ordered::take(world, Purpose::Copy) {
            None => {}
            Some(Ok(file)) => self.begin_sending(world, file),
            Some(Err(reason)) => self.fail(world, &reason),
        }
        if !self.recorded.is_empty() && self.is_wanted_no_more(world) {
            log::info!("the copy that is being made is given up: its clients are gone");
            self.recorded.clear();
            ordered::cancel(world, Purpose::Copy);
        }
        self.send_small_ones(world);
        if !self.waiting.is_empty() && self.may_begin(world) {
            self.begin(world);
        }
        self.read_on(world);
    }

    /// Returns whether the next copy may be begun.
    fn may_begin(&self, world: &World) -> bool {
        self.recorded.is_empty() && self.sent.len() < MOST_BEING_SENT && ordered::may_begin(world)
    }

    /// Returns whether all clients are gone whose copy is being recorded.
    fn is_wanted_no_more(&self, world: &World) -> bool {
        self.recorded.iter().all(|&client| awaiting(world, client).is_none())
    }

    /// Sends those copies that are without keys, and forgets clients that are gone.
    fn send_small_ones(&mut self, world: &mut World) {
        if self.waiting.iter().any(|&client| !wants_keys(world, client)) {
            self.waiting.retain(|&client| {
                let Some(slot) = awaiting(world, client) else { return false };
                match world.clients[slot].copy_parts().unwrap_or_default() {
                    CopyParts::All => return true,
                    CopyParts::Functions => send_small(world, slot, true),
                    CopyParts::None => send_small(world, slot, false),
                }
                false
            });
        }
    }

    /// Begins the copy for all that wait for one.
    fn begin(&mut self, world: &mut World) {
        self.recorded = std::mem::take(&mut self.waiting).into();
        let header = recording::header(world, false, functions(world));
        let make = |output| -> Box<dyn Recorder> { Box::new(FileRecorder::new(header, output)) };
        let path = world.config.folder().join(&world.config.dbfilename);
        let what = (Purpose::Copy, path, recording::snapshot_format(world));
        match ordered::begin(world, what, make, recording::finish_snapshot) {
            Ok(()) => log::info!("a copy of the data is made for {}", Ids(&self.recorded)),
            Err(refused) => self.fail(world, &refused.to_string()),
        }
    }

    /// The copy could not be made.
    fn fail(&mut self, world: &mut World, reason: &str) {
        log::error!("no copy is made for {}: {reason}", Ids(&self.recorded));
        for client in std::mem::take(&mut self.recorded) {
            if let Some(slot) = awaiting(world, client) {
                world.fail_waiting(slot, &error::NOT_COPIED);
            }
        }
    }

    /// The copy is whole, and its clients are told how long it is.
    fn begin_sending(&mut self, world: &mut World, written: Written) {
        let clients = std::mem::take(&mut self.recorded);
        let Written { bytes: length, file: Some(file) } = written else { return };
        let file = Arc::new(file);
        for client in clients {
            if let Some(slot) = awaiting(world, client) {
                world.send_part(slot, &length_line(length));
                let (file, given) = (file.clone(), 0);
                self.sent.push(Sending { client, file, length, given, is_being_read: false });
            }
        }
        self.close(file);
    }

    /// Gives a client the piece that has been read for it.
    fn give(&mut self, world: &mut World, piece: Piece) {
        let Some(sending) = self.sent.iter_mut().find(|found| found.client == piece.client) else {
            return;
        };
        sending.is_being_read = false;
        let Some(slot) = awaiting(world, piece.client) else { return };
        match piece.read {
            Ok(bytes) => {
                world.send_part(slot, &bytes);
                sending.given += bytes.len() as u64;
            }
            Err(reason) => {
                // What it has been told of the length cannot come true.
                log::error!("client {} is closed: its copy cannot be read: {reason}", piece.client);
                world.clients.doom(slot, Doom::Now, Departure::Copy);
            }
        }
    }

    /// The pieces that were to be read are lost.
    fn lose_thread(&mut self, world: &mut World, ended: Ended) {
        let reading = self.sent.iter().filter(|sending| sending.is_being_read);
        let clients: Vec<u64> = reading.map(|sending| sending.client).collect();
        for client in clients {
            self.give(world, Piece { client, read: Err(ended.to_string()) });
        }
    }

    /// Has the next pieces read, and ends the copies that are sent, or whose clients are gone.
    fn read_on(&mut self, world: &mut World) {
        for mut sending in std::mem::take(&mut self.sent) {
            if !sending.is_due(world) {
                self.sent.push(sending);
                continue;
            }
            let Sending { client, length, given, .. } = sending;
            match awaiting(world, client) {
                Some(slot) if given == length => {
                    log::info!("client {client} has been sent its copy: {length} bytes");
                    world.end_parts(slot);
                    self.close(sending.file);
                }
                Some(slot) => {
                    let (file, bytes) =
                        (sending.file.clone(), (length - given).min(PIECE) as usize);
                    let job = Job::Read { client, file, from: given, bytes };
                    if let Err(failed) =
                        self.disk.jobs(|| Reader).and_then(|jobs| jobs.hand(job, 0))
                    {
                        log::error!("client {client} is closed: its copy cannot be read: {failed}");
                        world.clients.doom(slot, Doom::Now, Departure::Copy);
                    }
                    sending.is_being_read = true;
                    self.sent.push(sending);
                }
                None => {
                    log::info!("client {client} is gone before it had all of its copy");
                    self.close(sending.file);
                }
            }
        }
    }

    /// The file is not needed here any more.
    fn close(&mut self, file: Arc<File>) {
        // Without the thread it is closed at once.
        let _ = self.disk.jobs(|| Reader).and_then(|jobs| jobs.hand(Job::Close(file), 0));
    }
}

impl Sending {
    /// Returns whether there is something to do: the client is gone, has all, or has little left to read.
    fn is_due(&self, world: &World) -> bool {
        match awaiting(world, self.client) {
            Some(slot) if self.given < self.length => {
                !self.is_being_read && world.clients[slot].outbox.unsent_len() < LITTLE
            }
            _ => true,
        }
    }
}

/// The beginning of a copy. No line end follows its bytes.
fn length_line(length: u64) -> Vec<u8> {
    [b"$", length.to_string().as_bytes(), b"\r\n"].concat()
}

/// Sends a copy without keys: with the functions, or with nothing.
fn send_small(world: &mut World, slot: Slot, has_functions: bool) {
    /// Collects the chunks.
    struct Collector(mpsc::Sender<Chunk>);

    impl Output for Collector {
        fn chunk(&mut self, chunk: Chunk) {
            // The other end is there until the file is complete.
            let _ = self.0.send(chunk);
        }

        fn waiting(&self) -> usize {
            0
        }
    }

    let codes = if has_functions { functions(world) } else { Vec::new() };
    let mut header = recording::header(world, false, codes);
    header.sizes.clear();
    let (sender, chunks) = mpsc::channel();
    Box::new(FileRecorder::new(header, Box::new(Collector(sender)))).finish();
    let config = &world.config;
    let mut finisher = Finisher::new(config.rdbcompression, config.rdbchecksum);
    let mut bytes = Vec::new();
    chunks.into_iter().for_each(|chunk| finisher.push(&chunk, &mut bytes));
    finisher.end(&mut bytes);
    world.send_part(slot, &length_line(bytes.len() as u64));
    world.send_part(slot, &bytes);
    world.end_parts(slot);
}

fn functions(world: &World) -> Vec<Vec<u8>> {
    (snapshots::libraries(world).codes)(world)
}

/// Clients, in a line of the log.
struct Ids<'a>(&'a [u64]);

impl fmt::Display for Ids<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [one] => write!(f, "client {one}"),
            several => write!(f, "{} clients", several.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::Config;
    use crate::embed::local::Local;

    #[test]
    fn a_client_whose_piece_is_lost_with_the_thread_is_closed() {
        let folder = std::env::temp_dir().join(format!("respd-copies-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let dir = Some(folder.clone());
        let mut local = Local::new(Config { dir, rdbcompression: false, ..Config::default() });
        let client = local.connect();
        local.call(client, [&b"SET"[..], b"key", &vec![b'x'; 4 * PIECE as usize]]);
        local.call(client, ["REPLCONF", "rdb-only", "1"]);
        local.send(client, b"SYNC\r\n");
        local.wait_for_disk();
        let world = &mut local.engine.world;
        let mut copies = world.lend::<Copies>().unwrap();
        copies.disk.panics();
        copies.sent[0].is_being_read = true;
        world.take_back(copies);
        assert!(local.is_open(client));
        local.advance(std::time::Duration::ZERO);
        assert!(!local.is_open(client));
        fs::remove_dir_all(&folder).unwrap();
    }
}
