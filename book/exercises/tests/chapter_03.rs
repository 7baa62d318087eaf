use respd_exercises::chapter_03::{Lines, Words};

#[test]
fn a_line_is_looked_at_once() {
    let text = b"first\n\na line of some more words\nand one that does not end";
    for size in [1, 2, 3, 7, 20, text.len()] {
        let (mut lines, mut read) = (Lines::default(), Vec::new());
        for piece in text.chunks(size) {
            read.extend(lines.push(piece));
        }
        let expected: [&[u8]; 3] = [b"first", b"", b"a line of some more words"];
        assert_eq!(read, expected, "in pieces of {size}");
        assert_eq!(lines.looked_at, text.len(), "in pieces of {size}");
    }
}

#[test]
fn words_come_in_any_pieces() {
    let request = b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$6\r\na\r\nb\r\n\r\n";
    for size in 1..=request.len() {
        let (mut words, mut read) = (Words::default(), None);
        for piece in request.chunks(size) {
            assert_eq!(read, None);
            read = words.push(piece);
        }
        let expected: [&[u8]; 3] = [b"SET", b"", b"a\r\nb\r\n"];
        assert_eq!(read.expect("all has come"), expected, "in pieces of {size}");
    }
}

#[test]
fn what_is_announced_is_not_believed() {
    let mut words = Words::default();
    assert_eq!(words.push(b"*1000000\r\n"), None);
    assert_eq!(words.push(b"$1000000\r\nx"), None);
    assert!(words.memory() < 1000, "{} bytes", words.memory());
}
