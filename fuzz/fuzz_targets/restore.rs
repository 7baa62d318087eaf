//! Any bytes as a payload of RESTORE, whose checksum is made right: it is a value or an error, and what was restored can be
//! dumped and restored again, and is the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use respd::internals::config::Config;
use respd::internals::embed::local::Local;

fuzz_target!(|body: &[u8]| {
    let mut local = Local::new(Config::default());
    let client = local.connect();
    let mut call = |words: &[&[u8]]| {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend(format!("${}\r\n", word.len()).into_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        local.send(client, &request);
        local.received(client)
    };
    let payload = respd::internals::fuzzing::sealed(body);
    let reply = call(&[b"RESTORE", b"one", b"0", &payload]);
    if !reply.starts_with(b"+OK") || call(&[b"EXISTS", b"one"]) != b":1\r\n" {
        return;
    }
    let dumped = call(&[b"DUMP", b"one"]);
    let start = dumped.iter().position(|&byte| byte == b'\n').expect("a bulk string") + 1;
    let dumped = &dumped[start..dumped.len() - 2];
    assert_eq!(call(&[b"RESTORE", b"other", b"0", dumped]), b"+OK\r\n");
    let one = call(&[b"DEBUG", b"DIGEST-VALUE", b"one"]);
    assert_eq!(call(&[b"DEBUG", b"DIGEST-VALUE", b"other"]), one);
});
