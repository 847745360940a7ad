//! A DNS server that knows what it is told (RFC 1035), or says nothing at all.

use std::net::SocketAddr;

use tokio::net::UdpSocket;

const MX: u16 = 15;
const TXT: u16 = 16;
/// How long a piece of a text may be.
const PIECE: usize = 255;

/// What it knows: name, and a text or `MX host`.
pub type Records = Vec<(&'static str, String)>;

/// Answers on a free port; without records it never does.
pub async fn open(records: Option<Records>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut asked = [0; 1500];
        while let Ok((length, client)) = socket.recv_from(&mut asked).await {
            let Some(records) = &records else { continue };
            if let Some(answer) = answer(&asked[..length], records) {
                let _ = socket.send_to(&answer, client).await;
            }
        }
    });
    address
}

fn answer(asked: &[u8], records: &Records) -> Option<Vec<u8>> {
    let (name, end) = name(asked, 12)?;
    let kind = u16::from_be_bytes([*asked.get(end)?, *asked.get(end + 1)?]);
    let question = asked.get(12..end + 4)?;
    let data: Vec<Vec<u8>> = records
        .iter()
        .filter(|(known, _)| *known == name)
        .filter_map(|(_, said)| match (kind, said.strip_prefix("MX ")) {
            (MX, Some(host)) => Some([&[0, 10][..], &written(host)].concat()),
            (TXT, None) => Some(said.as_bytes().chunks(PIECE).flat_map(piece).collect()),
            _ => None,
        })
        .collect();
    let there = records.iter().any(|(known, _)| *known == name);
    let mut answer = asked.get(..2)?.to_vec();
    // An answer, recursion wanted and there; 3: no such name.
    answer.extend([0x81, if there { 0x80 } else { 0x83 }, 0, 1, 0, data.len() as u8, 0, 0, 0, 0]);
    answer.extend(question);
    for data in data {
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60]);
        answer.extend((data.len() as u16).to_be_bytes());
        answer.extend(data);
    }
    Some(answer)
}

/// A name in labels, and where it ends.
fn name(bytes: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut labels: Vec<String> = Vec::new();
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(bytes.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
}

fn piece(text: &[u8]) -> Vec<u8> {
    [&[text.len() as u8], text].concat()
}

fn written(name: &str) -> Vec<u8> {
    let labels = name.split('.').flat_map(|label| piece(label.as_bytes()));
    labels.chain([0]).collect()
}
