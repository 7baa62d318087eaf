//! Forty bytes.

/// The bytes of a request: an array of bulk strings.
pub fn request(words: &[&str]) -> Vec<u8> {
    let _ = words;
    todo!("write the request")
}

/// How many bytes the reply takes that `input` begins with. `None`: it is not complete.
///
/// The types are those of RESP2 and RESP3 in the table of the chapter. What is no reply need not be found out.
pub fn length_of_reply(input: &[u8]) -> Option<usize> {
    let _ = input;
    todo!("find its end")
}
