//! Files of others, files of our own, and what is left of both when they are damaged.

use std::any::Any;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{Defect, Finisher, LoadError, Loaded, Loader, Tally};
use crate::keyspace::{Random, Store};
use crate::rdb::chunk::Chunk;
use crate::rdb::recorder::{DatabaseSize, FileRecorder, Header, Output, ToldUse};
use crate::rdb::write::Dialect;

mod damage;
mod others;
mod ours;
mod speed;

/// Later than any file here, and earlier than any expiry in them that is one to be kept.
const NOW: i64 = 2_000_000_000_000;

/// A file that has been loaded.
struct Read {
    store: Store,
    tally: Tally,
    aux: Vec<(String, String)>,
    functions: Vec<Vec<u8>>,
    /// How many bytes of it are the file.
    used: usize,
}

impl Read {
    fn digest(&self) -> String {
        self.store.digest().to_hex()
    }
}

fn store() -> Store {
    let mut store = Store::new(16);
    store.set_now(NOW);
    store
}

fn load(file: &[u8]) -> Result<Read, LoadError> {
    load_in_pieces(file, Loader::new(), usize::MAX, usize::MAX)
}

/// Loads a file of which `piece` bytes come at a time, so much work at a time.
fn load_in_pieces(
    file: &[u8],
    mut loader: Loader,
    piece: usize,
    work: usize,
) -> Result<Read, LoadError> {
    let (aux, functions) = (Vec::new(), Vec::new());
    let mut read = Read { store: store(), tally: Tally::default(), aux, functions, used: 0 };
    let mut there = 0;
    loop {
        let text = |text: Vec<u8>| String::from_utf8_lossy(&text).into_owned();
        let used = match loader.load(&file[read.used..there], &mut read.store, work)? {
            Loaded::More { used: 0 } if there == file.len() => return Err(loader.cut_short()),
            Loaded::More { used: 0 } => {
                there = there.saturating_add(piece).min(file.len());
                0
            }
            Loaded::More { used } => used,
            Loaded::Aux { used, name, text: value } => {
                read.aux.push((text(name), text(value)));
                used
            }
            Loaded::Function { used, code } => {
                read.functions.push(code);
                used
            }
            Loaded::Over { used } => {
                read.used += used;
                read.tally = loader.tally();
                return Ok(read);
            }
        };
        read.used += used;
    }
}

/// A file of `tests/rdb`.
fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rdb").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What files there are, and what Valkey 9.1 says of them.
fn digests() -> Vec<(String, String)> {
    let lines = String::from_utf8(file("digests.txt")).unwrap();
    let lines = lines.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            line.split_once(" | ").map(|(name, digest)| (name.into(), digest.into())).unwrap()
        })
        .collect()
}

/// Chunks as they come.
#[derive(Default, Clone)]
struct Collected(Arc<Mutex<Vec<Chunk>>>);

impl Output for Collected {
    fn chunk(&mut self, chunk: Chunk) {
        self.0.lock().unwrap().push(chunk);
    }

    fn waiting(&self) -> usize {
        0
    }
}

fn header(store: &Store, dialect: Dialect) -> Header {
    Header {
        dialect,
        limits: store.shared.limits,
        server_version: "9.1.2".into(),
        created: store.shared.now,
        used_memory: 1_000_000,
        is_aof_base: false,
        told_use: ToldUse::None,
        sizes: vec![DatabaseSize { db: 0, keys: 1, volatile: 0 }],
        functions: Vec::new(),
    }
}

/// The file of a store.
fn saved(store: &mut Store, dialect: Dialect) -> Vec<u8> {
    let header = header(store, dialect);
    saved_with(store, header, true)
}

fn saved_with(store: &mut Store, header: Header, compress_and_sum: bool) -> Vec<u8> {
    let output = Collected::default();
    let recorder = FileRecorder::new(header, Box::new(output.clone()));
    store.begin_moment(Box::new(recorder)).unwrap();
    while !store.record_some(100) {}
    let recorder: Box<dyn Any> = store.end_moment().unwrap();
    recorder.downcast::<FileRecorder>().unwrap().finish();
    finished(&output, compress_and_sum)
}

fn finished(output: &Collected, compress_and_sum: bool) -> Vec<u8> {
    let (mut finisher, mut out) = (Finisher::new(compress_and_sum, compress_and_sum), Vec::new());
    for chunk in &*output.0.lock().unwrap() {
        finisher.push(chunk, &mut out);
    }
    finisher.end(&mut out);
    out
}
