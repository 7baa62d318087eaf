//! Requests for another server: see [`crate::world::Courier`].
//!
//! A parcel has a thread and a connection of its own. Its receipt comes back as a letter to the loop.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::thread;

use super::mailbox::{Letter, MailSender};
use crate::world::{Courier, Failure, OnReceipt, Parcel, Receipt};

/// The longest first line of a reply that is read to its end.
const LONGEST_LINE: u64 = 64 * 1024;

/// Carries parcels and writes to the loop when they have arrived.
pub(super) struct Carrier {
    mail: MailSender,
}

impl Carrier {
    pub(super) fn new(mail: MailSender) -> Carrier {
        Carrier { mail }
    }
}

impl Courier for Carrier {
    fn deliver(&self, parcel: &Parcel) -> Receipt {
        let mut receipt = Receipt::default();
        receipt.failure = exchange(parcel, &mut receipt.replies).err();
        receipt
    }

    fn send_off(&self, parcel: Parcel, then: OnReceipt) -> io::Result<()> {
        let here = Carrier::new(self.mail.clone());
        let carry = move || {
            let receipt = here.deliver(&parcel);
            let letter = Letter::Call(Box::new(move |engine| then(&mut engine.world, receipt)));
            if let Err(error) = here.mail.send(letter) {
                log::debug!("replies of another server have come too late: {error}");
            }
        };
        thread::Builder::new().name("courier".to_owned()).spawn(carry).map(drop)
    }
}

/// Sends the requests and reads the first lines of their replies.
fn exchange(parcel: &Parcel, replies: &mut Vec<Vec<u8>>) -> Result<(), Failure> {
    let mut stream = connect(parcel)?;
    stream.write_all(&parcel.requests).map_err(|_| Failure::Writing)?;
    let mut reader = BufReader::new(stream);
    while replies.len() < parcel.count {
        let mut line = Vec::new();
        let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        read.map_err(|_| Failure::Reading)?;
        let Some(text) = line.strip_suffix(b"\n") else {
            return Err(Failure::Reading);
        };
        replies.push(text.strip_suffix(b"\r").unwrap_or(text).to_vec());
    }
    Ok(())
}

/// A connection to the first address of the host that takes one.
fn connect(parcel: &Parcel) -> Result<TcpStream, Failure> {
    let addresses = (parcel.host.as_str(), parcel.port).to_socket_addrs();
    let addresses = addresses.map_err(|_| Failure::Connecting)?;
    let mut failure = Failure::Connecting;
    for address in addresses {
        let connected = TcpStream::connect_timeout(&address, parcel.timeout).and_then(|stream| {
            stream.set_read_timeout(Some(parcel.timeout))?;
            stream.set_write_timeout(Some(parcel.timeout))?;
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        match connected {
            Ok(stream) => return Ok(stream),
            // The reference learns only when it writes that nothing listens there.
            Err(_) => failure = Failure::Writing,
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    /// What comes of one request to a server that answers so and closes the connection.
    fn receipt(count: usize, answer: &'static [u8]) -> Receipt {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(answer).unwrap();
        });
        let parcel = Parcel {
            host: "127.0.0.1".to_owned(),
            port,
            timeout: Duration::from_secs(60),
            requests: b"ping".to_vec(),
            count,
        };
        let mut receipt = Receipt::default();
        receipt.failure = exchange(&parcel, &mut receipt.replies).err();
        server.join().unwrap();
        receipt
    }

    #[test]
    fn replies_are_read_line_by_line_until_there_are_enough() {
        let got = receipt(2, b"+OK\r\n-ERR no\r\n+more\r\n");
        assert_eq!((got.replies, got.failure), (vec![b"+OK".to_vec(), b"-ERR no".to_vec()], None));
    }

    #[test]
    fn a_connection_that_ends_early_is_a_failure_of_reading() {
        let got = receipt(2, b"+OK\r\n-ERR n");
        assert_eq!((got.replies, got.failure), (vec![b"+OK".to_vec()], Some(Failure::Reading)));
        static ENDLESS: [u8; 1 << 17] = [b'x'; 1 << 17];
        assert_eq!(receipt(1, &ENDLESS).failure, Some(Failure::Reading));
    }
}
