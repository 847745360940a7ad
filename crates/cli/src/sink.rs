//! A mail server that takes every mail over a real socket and sends none on: for the demo's shoppers and for the bench.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How much is read at once: a mail fits.
const READ_BYTES: usize = 32 * 1024;
/// The largest mail it takes.
const MAIL_BYTES: usize = 4 * 1024 * 1024;

/// Takes mails until the listener fails: each is handed over, with the address it went to, before its sender is told.
///
/// # Errors
/// Where the listener fails.
pub(crate) async fn listen(
    listener: TcpListener,
    arrived: impl Fn(String, Vec<u8>) + Clone + Send + 'static,
) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        // A client that goes away in the middle is its own matter: it was not told that the mail is here.
        tokio::spawn(converse(stream, arrived.clone()));
    }
}

async fn converse(stream: TcpStream, arrived: impl Fn(String, Vec<u8>)) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(READ_BYTES, stream);
    let (mut line, mut said, mut to) = (Vec::new(), Vec::new(), String::new());
    stream.get_mut().write_all(b"220 sink ESMTP\r\n").await?;
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let verb = String::from_utf8_lossy(line.get(..4).unwrap_or(&line)).to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => said.extend_from_slice(
                b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n",
            ),
            "RCPT" => {
                to = address(&line);
                said.extend_from_slice(b"250 2.1.5 Ok\r\n");
            }
            "DATA" => {
                said.extend_from_slice(b"354 End data with <CR><LF>.<CR><LF>\r\n");
                stream.get_mut().write_all(&said).await?;
                said.clear();
                let mail = body(&mut stream, &mut line).await?;
                arrived(std::mem::take(&mut to), mail);
                said.extend_from_slice(b"250 2.0.0 Ok\r\n");
            }
            "QUIT" => return stream.get_mut().write_all(b"221 2.0.0 Bye\r\n").await,
            _ => said.extend_from_slice(b"250 2.0.0 Ok\r\n"),
        }
        // Commands that came together are answered together.
        if stream.buffer().is_empty() {
            stream.get_mut().write_all(&said).await?;
            said.clear();
        }
    }
}

/// Reads a mail to its final dot.
async fn body(stream: &mut BufReader<TcpStream>, line: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut mail = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(mail);
        }
        if mail.len() + line.len() > MAIL_BYTES {
            return Err(io::Error::other("a mail that is too large"));
        }
        // A dot was put before a line that begins with one (RFC 5321 4.5.2).
        mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
}

/// The address of `RCPT TO:<…>`.
fn address(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let found = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    found.map_or("", |(address, _)| address).to_owned()
}
