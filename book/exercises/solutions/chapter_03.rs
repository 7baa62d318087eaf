//! Requests in pieces.

/// Lines in pieces: each ends with `\n`.
#[derive(Debug, Default)]
pub struct Lines {
    /// What has come and is no whole line: it has no `\n`, so only what is new has to be looked at.
    rest: Vec<u8>,
    /// How many bytes have been looked at.
    pub looked_at: usize,
}

impl Lines {
    /// Takes a piece, and returns the lines that it completes, without their ends.
    pub fn push(&mut self, piece: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for &byte in piece {
            self.looked_at += 1;
            match byte {
                b'\n' => lines.push(std::mem::take(&mut self.rest)),
                other => self.rest.push(other),
            }
        }
        lines
    }
}

/// The words of one request, which comes in pieces.
#[derive(Debug, Default)]
pub struct Words {
    /// What has come.
    bytes: Vec<u8>,
    /// Where the next line, or the word of a line that has been read, begins.
    at: usize,
    /// How many words are still to come, once the first line has been read.
    missing: Option<usize>,
    /// How long the word at `at` is, once its line has been read.
    length: Option<usize>,
    /// Where the words lie that have come.
    spans: Vec<(usize, usize)>,
}

impl Words {
    /// Takes a piece. Returns the words once all have come.
    pub fn push(&mut self, piece: &[u8]) -> Option<Vec<Vec<u8>>> {
        self.bytes.extend_from_slice(piece);
        if self.missing.is_none() {
            self.missing = Some(self.number()?);
        }
        while self.spans.len() < self.missing? {
            if self.length.is_none() {
                self.length = Some(self.number()?);
            }
            let (start, length) = (self.at, self.length?);
            if self.bytes.len() < start + length + 2 {
                return None;
            }
            self.spans.push((start, start + length));
            self.at = start + length + 2;
            self.length = None;
        }
        Some(self.spans.iter().map(|&(start, end)| self.bytes[start..end].to_vec()).collect())
    }

    /// The number in the line that is read next. `None`: it has not all come.
    fn number(&mut self) -> Option<usize> {
        let line = &self.bytes[self.at..];
        let end = line.windows(2).position(|pair| pair == b"\r\n")?;
        let digits = line.get(1..end)?;
        self.at += end + 2;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Bytes on the heap that it holds.
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.spans.capacity() * size_of::<(usize, usize)>()
    }
}
