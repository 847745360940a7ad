//! What every provider spoken to over HTTP has to pass: the golden request, each documented answer, answers that nobody
//! documents, signatures that are not the provider's, the same told twice.

use std::fmt::Write as _;

use crate::Verdict;
use crate::codec::{Codec, Content, News, Unread, What};
use crate::http::{Arrived, Method, Request, Response};

/// The moment of the tests, seconds.
pub(crate) const NOW: i64 = 1_767_607_200;

/// A report as it arrives.
#[derive(Clone)]
pub(crate) struct Report {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// What it says, each thing on a line.
    pub(crate) says: &'static str,
}

impl Report {
    pub(crate) fn arrived(&self) -> Arrived<'_> {
        let Self { url, headers, body, .. } = self;
        Arrived { method: Method::Post, url, headers, body, now: NOW }
    }
}

/// An answer: status, headers, body, and what follows from it.
pub(crate) type Answered<'a> = (u16, &'a [(&'a str, &'a str)], &'a str, &'a str);

/// Everything about a provider.
pub(crate) struct Conformance<'a> {
    pub(crate) codec: &'a dyn Codec,
    pub(crate) content: Content,
    pub(crate) permit: Option<&'a str>,
    pub(crate) request: &'a str,
    /// Documented answers.
    pub(crate) answers: &'a [Answered<'a>],
    /// Whether a status of success is enough, whatever the body says: of Standard Webhooks alone.
    pub(crate) status_is_enough: bool,
    pub(crate) reports: Vec<Report>,
}

/// A request as it goes over the wire.
pub(crate) fn written(request: &Request) -> String {
    let mut text = format!("{} {}\n", request.method, request.url);
    for (name, value) in &request.headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    text + "\n" + &String::from_utf8_lossy(&request.body)
}

/// A verdict in a line.
pub(crate) fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accepted { provider_id } => format!("accepted {}", provider_id.as_deref().unwrap_or("-")),
        Verdict::Rejected { reason, suppress, .. } => {
            format!("rejected {reason}{}", if *suppress { " dead" } else { "" })
        }
        Verdict::Retry { after, host, .. } => {
            let after = after.map_or(String::new(), |after| format!(" {}s", after.as_secs()));
            format!("retry{after}{}", if *host { " host" } else { "" })
        }
        Verdict::Unknown { .. } => "unknown".to_owned(),
    }
}

pub(crate) fn said(news: &[News]) -> String {
    let line = |news: &News| {
        let whose = news.message.map_or("-".to_owned(), |message| message.to_string());
        let what = match &news.what {
            What::Sent => "sent".to_owned(),
            What::Delivered => "delivered".to_owned(),
            What::Opened => "opened".to_owned(),
            What::Failed { reason, code, suppress, .. } => {
                format!("failed {reason} {code}{}", if *suppress { " dead" } else { "" })
            }
            What::Said { from, text, wish } => format!("{from} says {text:?} {wish:?}"),
        };
        format!("{whose} {} {what}", news.provider_id.as_deref().unwrap_or("-"))
    };
    news.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status, headers, body: body.as_bytes().to_vec() }
}

/// The one door.
pub(crate) fn hold(case: &Conformance<'_>) {
    let codec = case.codec;
    let request =
        codec.request(&case.content, case.permit, NOW).unwrap_or_else(|refusal| panic!("{refusal}"));
    assert_eq!(written(&request), case.request);
    // The same arguments give the same bytes.
    assert!(codec.request(&case.content, case.permit, NOW).is_ok_and(|again| again == request));
    for (status, headers, body, follows) in case.answers {
        let verdict = codec.judge(&response(*status, headers, body));
        assert_eq!(told(&verdict), *follows, "{status} {body}: {verdict:?}");
        leaks_nothing(&verdict, case.content.to());
    }
    undocumented(case);
    for report in &case.reports {
        let read = codec.read(&report.arrived()).unwrap_or_else(|unread| panic!("{}: {unread}", report.says));
        assert_eq!(said(&read), report.says);
        // Told twice it is the same, by its key.
        assert_eq!(codec.read(&report.arrived()).as_ref(), Ok(&read));
        forged(codec, report);
    }
}

/// Words of a verdict name nobody.
fn leaks_nothing(verdict: &Verdict, to: &str) {
    let words = format!("{verdict:?}");
    assert!(to.len() < 8 || !words.contains(to.trim_start_matches('+')), "an address in {words}");
}

/// A body that nobody documents is no success, whatever the status; and a status that nobody documents is none.
fn undocumented(case: &Conformance<'_>) {
    let bodies = [
        "",
        "{}",
        "null",
        "[]",
        "true",
        "OK",
        "0",
        "{\"status\":\"ok\"}",
        "<html><body>200 OK</body></html>",
        "{\"sid\":",
        "{\"name\":7}",
        "{\"messages\":[]}",
        "\u{feff}{}",
        "{\"error\":null}",
    ];
    for status in
        [100, 200, 201, 202, 204, 206, 302, 304, 400, 401, 403, 404, 409, 418, 429, 500, 502, 503, 504, 599]
    {
        for body in bodies {
            let verdict = case.codec.judge(&response(status, &[], body));
            let fine = (200..300).contains(&status);
            let accepted = matches!(verdict, Verdict::Accepted { .. });
            assert!(!accepted || (fine && case.status_is_enough), "{status} {body:?}: {verdict:?}");
            let rejected = matches!(verdict, Verdict::Rejected { .. });
            assert!(!(fine && rejected), "{status} {body:?}: of this nobody knows: {verdict:?}");
        }
    }
    for (status, headers, body, follows) in case.answers {
        if !follows.starts_with("accepted") || case.status_is_enough {
            continue;
        }
        // Broken off, or under a status of failure, it says nothing of success.
        for end in (0..body.len()).filter(|end| body.is_char_boundary(*end)) {
            let verdict = case.codec.judge(&response(*status, headers, &body[..end]));
            assert!(!matches!(verdict, Verdict::Accepted { .. }), "{}: {verdict:?}", &body[..end]);
        }
        for failed in [302, 400, 403, 500, 503] {
            let verdict = case.codec.judge(&response(failed, headers, body));
            assert!(!matches!(verdict, Verdict::Accepted { .. }), "{failed}: {verdict:?}");
        }
    }
}

/// What was changed on the way, or never signed, is refused.
fn forged(codec: &dyn Codec, report: &Report) {
    let refused = |report: &Report, what: &str| {
        let read = codec.read(&report.arrived());
        assert!(matches!(read, Err(Unread::Signature(_))), "{what}: {read:?}");
    };
    refused(&Report { headers: Vec::new(), ..report.clone() }, "no signature");
    for (nth, (name, value)) in
        report.headers.iter().enumerate().filter(|(_, (name, _))| name.contains("signature"))
    {
        for place in 0..value.len() {
            let mut bytes = value.clone().into_bytes();
            bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
            let mut changed = report.clone();
            changed.headers[nth].1 = String::from_utf8(bytes).unwrap();
            // The last letter of base64 holds bits that mean nothing.
            if !(value.ends_with('=') && place + 2 == value.len()) {
                refused(&changed, name);
            }
        }
        let mut empty = report.clone();
        empty.headers[nth].1 = String::new();
        refused(&empty, "an empty signature");
    }
    for place in 0..report.body.len() {
        let mut changed = report.clone();
        changed.body[place] = if changed.body[place] == b'x' { b'y' } else { b'x' };
        refused(&changed, "another body");
    }
}
