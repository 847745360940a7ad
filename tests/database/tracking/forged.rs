//! No open redirect: what was not signed here, for just this, leads nowhere.

use journeyman_domain::link::{Link, Purpose};

use super::{ANNA, Stage, TARGET, page, ring};

/// One door: a path to a page that says so, and nothing told.
async fn check(stage: &Stage, path: &str) {
    let request = stage.get(path);
    let html = page(request, 404).await;
    assert!(html.contains("This link does not work"), "{path}: {html}");
    assert!(!html.contains("evil"), "{path}: {html}");
}

#[tokio::test]
async fn what_is_not_signed_leads_nowhere() {
    let stage = Stage::new().await;
    let token = stage.token(Purpose::Click { position: 0, target: TARGET.to_owned() });
    let mut paths: Vec<String> =
        ["x", "//evil.example", "https:%2F%2Fevil.example", "%ff%fe", "%00", "javascript:alert(1)"]
            .map(|token| format!("/c/{token}").replace("/c///", "/c/%2F%2F"))
            .to_vec();
    // Cut, longer, in other letters, signed by somebody else.
    paths.extend((1..token.len()).step_by(7).map(|length| format!("/c/{}", &token[..length])));
    paths.push(format!("/c/{token}A"));
    paths.push(format!("/c/{}", token.to_lowercase()));
    paths.push(format!("/c/{token}?to=https://evil.example").replace(&token, &token[1..]));
    let link = Link {
        message: stage.message,
        person: ANNA,
        purpose: Purpose::Click { position: 0, target: TARGET.to_owned() },
    };
    paths.push(format!("/c/{}", ring(&[3]).sign(3, &link)));
    // Signed for something else.
    for (door, purpose) in [
        ("c", Purpose::Open),
        ("c", Purpose::Unsubscribe),
        ("c", Purpose::Preferences),
        ("o", Purpose::Honeypot),
        ("o", Purpose::Click { position: 0, target: TARGET.to_owned() }),
        ("u", Purpose::Preferences),
        ("u", Purpose::Open),
        ("p", Purpose::Unsubscribe),
        ("p", Purpose::Click { position: 0, target: TARGET.to_owned() }),
    ] {
        paths.push(format!("/{door}/{}", stage.token(purpose)));
    }
    // Signed, and still nothing to follow.
    for target in [
        "//evil.example",
        "/cart",
        "javascript:alert(1)",
        "javascript://shop.example/%0aalert(1)",
        "data:text/html,evil",
        "https://",
        "https:///evil.example",
        "https://\\evil.example",
        "https://shop.example/\r\nset-cookie: evil=1",
        "https://shop.example/\nx",
        "ftp://evil.example/",
        "",
    ] {
        paths.push(stage.link(0, target));
    }
    for path in &paths {
        check(&stage, path).await;
    }
    // Nothing can be added to a link that is ours.
    let response = stage.get(&format!("/c/{token}?to=https://evil.example")).send().await.unwrap();
    assert_eq!(response.headers()["location"], TARGET);
    // Older keys are answered, as long as the ring has them.
    let old = format!("/c/{}", stage.keys.sign(1, &link));
    assert_eq!(stage.get(&old).send().await.unwrap().headers()["location"], TARGET);
    stage.tracking.finish().await;
    assert_eq!(stage.told().await.len(), 1, "of the same moment");
    for (path, body) in [("/u/x", "List-Unsubscribe=One-Click"), ("/p/x", "nothing=1")] {
        let request = stage.http.post(format!("{}{path}", stage.url)).body(body);
        page(request, 404).await;
    }
    assert!(stage.suppressed().await.is_empty());
}
