//! Forty bytes.

/// The bytes of a request: an array of bulk strings.
pub fn request(words: &[&str]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len());
    for word in words {
        out += &format!("${}\r\n{word}\r\n", word.len());
    }
    out.into_bytes()
}

/// How many bytes the reply takes that `input` begins with. `None`: it is not complete.
///
/// One number says how many values are still to come, however deep they stand: an aggregate takes itself from it, and adds
/// its elements.
pub fn length_of_reply(input: &[u8]) -> Option<usize> {
    let (mut at, mut missing) = (0, 1_usize);
    while missing > 0 {
        let kind = *input.get(at)?;
        let line = &input[at + 1..];
        let end = line.windows(2).position(|pair| pair == b"\r\n")?;
        let number = || std::str::from_utf8(&line[..end]).ok()?.parse::<i64>().ok();
        let count = || usize::try_from(number().unwrap_or(0)).unwrap_or(0);
        at += 1 + end + 2;
        missing -= 1;
        match kind {
            // The nulls of RESP2 are a length of -1, and nothing follows.
            b'$' | b'*' if number() == Some(-1) => {}
            b'$' | b'=' | b'!' => at += count() + 2,
            b'*' | b'~' | b'>' => missing += count(),
            b'%' => missing += 2 * count(),
            b'|' => missing += 2 * count() + 1,
            _ => {}
        }
    }
    (at <= input.len()).then_some(at)
}
