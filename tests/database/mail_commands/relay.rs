//! A relay that does as it is told, and keeps what it got.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail as it came.
#[derive(Clone, Debug)]
pub struct Mail {
    pub from: String,
    pub to: String,
    pub text: String,
}

/// How it behaves.
#[derive(Clone, Copy)]
pub struct Manners {
    /// What it says to EHLO behind its name.
    pub offers: &'static [&'static str],
    /// To AUTH.
    pub auth: &'static str,
    /// To the final dot.
    pub dot: &'static str,
}

impl Manners {
    pub const GOOD: Self = Self {
        offers: &["SIZE 20000000", "AUTH PLAIN LOGIN"],
        auth: "235 2.7.0 welcome",
        dot: "250 2.0.0 Ok: queued as 4XyZ",
    };
}

pub struct Relay {
    pub port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl Relay {
    pub async fn open(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = mails.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, manners, kept.clone()));
            }
        });
        Self { port, mails }
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().expect("its mails").clone()
    }
}

async fn serve(client: TcpStream, manners: Manners, mails: Arc<Mutex<Vec<Mail>>>) -> std::io::Result<()> {
    let (from_client, mut to_client) = client.into_split();
    let mut lines = BufReader::new(from_client).lines();
    let mut mail = Mail { from: String::new(), to: String::new(), text: String::new() };
    to_client.write_all(b"220 relay.example ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => {
                let all: Vec<&str> =
                    std::iter::once("relay.example").chain(manners.offers.iter().copied()).collect();
                let last = all.len() - 1;
                let line = |(nth, said): (usize, &&str)| {
                    format!("250{}{said}\r\n", if nth == last { ' ' } else { '-' })
                };
                all.iter().enumerate().map(line).collect()
            }
            "AUTH" => format!("{}\r\n", manners.auth),
            "MAIL" | "RCPT" => {
                let path = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                if verb == "MAIL" {
                    mail.from = path
                } else {
                    mail.to = path
                }
                "250 2.1.0 ok\r\n".to_owned()
            }
            "DATA" => {
                to_client.write_all(b"354 go on\r\n").await?;
                while let Some(line) = lines.next_line().await? {
                    if line == "." {
                        break;
                    }
                    mail.text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    mail.text.push('\n');
                }
                mails.lock().expect("its mails").push(mail.clone());
                format!("{}\r\n", manners.dot)
            }
            "QUIT" => return to_client.write_all(b"221 bye\r\n").await,
            _ => "500 what?\r\n".to_owned(),
        };
        to_client.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}
