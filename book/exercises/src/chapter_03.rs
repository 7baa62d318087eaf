//! Requests in pieces.

/// Lines in pieces: each ends with `\n`.
#[derive(Debug, Default)]
pub struct Lines {
    /// What has come and is no whole line.
    rest: Vec<u8>,
    /// How many bytes have been looked at. To be counted up for each byte that is compared with `\n`.
    pub looked_at: usize,
}

impl Lines {
    /// Takes a piece, and returns the lines that it completes, without their ends.
    pub fn push(&mut self, piece: &[u8]) -> Vec<Vec<u8>> {
        self.rest.extend_from_slice(piece);
        let mut lines = Vec::new();
        // Each time from the start. The test does not like that.
        while let Some(end) = self.rest.iter().position(|&byte| {
            self.looked_at += 1;
            byte == b'\n'
        }) {
            let mut line: Vec<u8> = self.rest.drain(..=end).collect();
            line.pop();
            lines.push(line);
        }
        lines
    }
}

/// The words of one request, which comes in pieces.
#[derive(Debug, Default)]
pub struct Words {
    // What it needs to know between two pieces is yours to choose.
}

impl Words {
    /// Takes a piece. Returns the words once all have come. What comes is a right request, and nothing follows it.
    pub fn push(&mut self, piece: &[u8]) -> Option<Vec<Vec<u8>>> {
        let _ = piece;
        todo!("read `*N`, then N bulk strings")
    }

    /// Bytes on the heap that it holds: of each vector its capacity times the size of an element.
    pub fn memory(&self) -> usize {
        todo!("be honest")
    }
}
