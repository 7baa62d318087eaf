//! Streams, where conversations cannot tell: clocks that go back, and many clients that wait.

use std::time::Duration;

use respd::internals::embed::local::Connection;

use crate::client::{call, received, send, started};

#[test]
fn ids_of_a_clock_that_stands_still_or_goes_back_still_grow() {
    let (mut local, [ann]) = started();
    let now = local.engine.world.now.wall / 1000;
    let id = |ms: u64, seq: u64| format!("{ms}-{seq}");
    let bulk = |id: String| format!("${}\r\n{id}\r\n", id.len());
    assert_eq!(call(&mut local, ann, "XADD s * f v"), bulk(id(now, 0)));
    assert_eq!(call(&mut local, ann, "XADD s * f v"), bulk(id(now, 1)));
    local.advance(Duration::from_millis(3));
    assert_eq!(call(&mut local, ann, "XADD s * f v"), bulk(id(now + 3, 0)));
    // Another clock was ahead.
    call(&mut local, ann, &format!("XADD s {} f v", id(now + 500, 7)));
    assert_eq!(call(&mut local, ann, "XADD s * f v"), bulk(id(now + 500, 8)));
    call(&mut local, ann, &format!("XADD s {} f v", id(now + 500, u64::MAX)));
    assert_eq!(call(&mut local, ann, "XADD s * f v"), bulk(id(now + 501, 0)));
}

#[test]
fn a_thousand_readers_of_one_stream_are_served_with_one_entry() {
    let (mut local, [ann]) = started();
    let readers: Vec<Connection> = (0..1000).map(|_| local.connect()).collect();
    for &reader in &readers {
        assert_eq!(call(&mut local, reader, "XREAD BLOCK 0 STREAMS s $"), "");
    }
    assert_eq!(call(&mut local, ann, "XADD s 5-1 f v"), "$3\r\n5-1\r\n");
    let entry = "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n";
    for reader in readers {
        assert_eq!(received(&mut local, reader), entry);
    }
    assert!(local.engine.world.waiters.is_empty());
}

#[test]
fn a_reader_behind_many_that_wait_on_is_served() {
    let (mut local, [ann]) = started();
    let others: Vec<Connection> = (0..2500).map(|_| local.connect()).collect();
    for &other in &others {
        send(&mut local, other, "XREAD BLOCK 0 STREAMS s 9-9");
    }
    let last = local.connect();
    send(&mut local, last, "XREAD BLOCK 0 STREAMS s 0");
    call(&mut local, ann, "XADD s 5-1 f v");
    // No turn does more than it may.
    assert_eq!(received(&mut local, last), "");
    for _ in 0..3 {
        local.advance(Duration::ZERO);
    }
    assert!(received(&mut local, last).contains("5-1"));
    assert!(!local.engine.world.waiters.has_ready(), "there is nothing more to look at");
    assert_eq!(local.engine.world.waiters.len(), others.len());
    // A change in the meantime concerns those that have been looked at, too.
    call(&mut local, ann, "XADD s 6-1 f v");
    call(&mut local, ann, "XADD s 9-10 f v");
    for _ in 0..9 {
        local.advance(Duration::ZERO);
    }
    for other in others {
        assert!(received(&mut local, other).contains("9-10"));
    }
    assert!(!local.engine.world.waiters.has_ready());
}
