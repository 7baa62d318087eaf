//! How long it takes. Run with `cargo test --release --lib rdb::file::tests::speed -- --ignored --nocapture`.

use std::time::Instant;

use super::*;
use crate::rdb::crc64::crc64;

#[test]
#[ignore = "measures, and takes its time"]
fn five_million_small_strings() {
    const KEYS: usize = 5_000_000;
    let mut store = store();
    for n in 0..KEYS {
        let (key, text) = (format!("key:{n:012}"), format!("value-{n:010}"));
        store.db(0).set_string(key.as_bytes(), text.as_bytes(), None);
    }
    let per_key = |name: &str, start: Instant| {
        let nanos = start.elapsed().as_nanos() as f64 / KEYS as f64;
        println!("{name}: {nanos:.1} ns a key");
    };
    let output = Collected::default();
    let header = header(&store, Dialect::Valkey);
    let recorder = FileRecorder::new(header, Box::new(output.clone()));
    store.begin_moment(Box::new(recorder)).unwrap();
    let start = Instant::now();
    while !store.record_some(10_000) {}
    per_key("recorded, walk and all", start);
    let recorder: Box<dyn Any> = store.end_moment().unwrap();
    recorder.downcast::<FileRecorder>().unwrap().finish();
    drop(store);
    for (compress, sum) in [(false, false), (false, true), (true, true)] {
        let start = Instant::now();
        let (mut finisher, mut out, mut bytes) = (Finisher::new(compress, sum), Vec::new(), 0);
        for chunk in &*output.0.lock().unwrap() {
            out.clear();
            finisher.push(chunk, &mut out);
            bytes += out.len();
        }
        per_key(&format!("finished, compress {compress}, sum {sum}, {bytes} bytes"), start);
    }
    let file = finished(&output, true);
    let start = Instant::now();
    println!("sum {:x}", crc64(&file));
    let seconds = start.elapsed().as_secs_f64();
    println!("summed: {:.2} GB/s", file.len() as f64 / seconds / 1e9);
    let start = Instant::now();
    let read = load_in_pieces(&file, Loader::new(), 256 << 10, 10_000).unwrap();
    per_key("loaded", start);
    assert_eq!(read.tally.keys, KEYS as u64);
    if let Some(path) = std::env::var_os("RESPD_SPEED_FILE") {
        std::fs::write(path, &file).unwrap();
    }
}
