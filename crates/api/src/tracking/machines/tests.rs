use axum::http::HeaderValue;

use super::*;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

/// One door: a request's headers, as `name: value` lines, to what is said of it as a click and as an open.
fn check(method: &str, lines: &[&str], click: &str, open: &str) {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let machines = Machines::read().unwrap();
    let said = |asked| {
        machines
            .strikes(asked, &method.parse().unwrap(), &headers)
            .map_or("-".to_owned(), |code| code.to_string())
    };
    assert_eq!(
        (said(Asked::Click).as_str(), said(Asked::Open).as_str()),
        (click, open),
        "{method} {lines:?}"
    );
}

#[test]
fn people() {
    for agent in [
        CHROME,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 9; CUBOT X18 Plus) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98.0.4758.101 Mobile Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21F90 [FBAN/FBIOS;FBAV/470.0.0]",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    ] {
        check("GET", &[&format!("user-agent: {agent}")], "-", "-");
    }
    let outlook = "user-agent: Mozilla/4.0 (compatible; ms-office; MSOffice 16)";
    check("GET", &[outlook], "office_probe", "-");
    check("GET", &["user-agent: okhttp/4.12.0"], "program", "-");
}

#[test]
fn machines() {
    let chrome = format!("user-agent: {CHROME}");
    check("HEAD", &[&chrome], "head", "head");
    for line in [
        "sec-purpose: prefetch",
        "sec-purpose: prefetch;prerender",
        "purpose: prefetch",
        "x-purpose: preview",
        "x-moz: prefetch",
    ] {
        check("GET", &[&chrome, line], "prefetch", "prefetch");
    }
    check("GET", &[], "no_agent", "no_agent");
    check("GET", &["user-agent: "], "no_agent", "no_agent");
    check("GET", &["user-agent: Mozilla/5.0"], "bare_agent", "apple_mpp");
    for (agent, code) in [
        ("BarracudaCentral Link Protection", "gateway"),
        ("Mozilla/5.0 (compatible; Proofpoint URL Defense)", "gateway"),
        ("Mimecast-Scanner/1.0", "gateway"),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "preview"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "preview"),
        ("WhatsApp/2.23.20.0", "preview"),
        (
            "Mozilla/5.0 (Linux; Android 7.0) Chrome/41 Mobile Safari/537.36 (compatible; Google-Read-Aloud; +https://support.google.com/webmasters/answer/1061943)",
            "preview",
        ),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "crawler"),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "crawler"),
        ("curl/8.5.0", "program"),
        ("python-requests/2.32.3", "program"),
        ("Go-http-client/1.1", "program"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
            "headless",
        ),
    ] {
        check("GET", &[&format!("user-agent: {agent}")], code, code);
    }
}

#[test]
fn every_part_is_in_small_letters() {
    for rule in Machines::read().unwrap().0 {
        if let Strikes::Contains(_, parts) = rule.strikes {
            assert!(
                parts.iter().all(|part| !part.is_empty() && *part == part.to_ascii_lowercase()),
                "{parts:?}"
            );
        }
    }
}
