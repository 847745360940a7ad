//! Who events are about.

use crate::harness::door::{Door, batch};
use crate::harness::postgres::Database;

fn message(kind: &str, user: &str, device: &str) -> String {
    let id =
        |key: &str, value: &str| if value == "-" { String::new() } else { format!(r#","{key}":"{value}""#) };
    let device_key = if kind == "alias" { "previousId" } else { "anonymousId" };
    format!(r#"{{"type":"{kind}","event":"X"{}{}}}"#, id("userId", user), id(device_key, device))
}

#[tokio::test]
async fn a_browser_becomes_known_and_stays_one_person() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    for (kind, user, device) in [
        ("track", "-", "a"),
        ("identify", "u", "a"),
        ("track", "u", "-"),
        ("track", "u", "b"),
        ("page", "-", "b"),
    ] {
        door.take("/v1/batch", batch(&[message(kind, user, device)])).await;
    }
    assert_eq!(database.count("SELECT count(DISTINCT person_id) FROM events").await, 1);
    assert_eq!(database.count("SELECT count(*) FROM heads").await, 1);
    assert_eq!(database.count("SELECT count(*) FROM identities").await, 3);
    assert_eq!(database.count("SELECT count(*) FROM merge_requests").await, 0);
    // Drawn from the name they were first known by, and from nothing else.
    let key = journeyman_domain::assignment_key(&journeyman_domain::Identity::anonymous("a"));
    assert_eq!(database.count("SELECT assignment_key FROM heads").await, key);
}

#[tokio::test]
async fn a_second_account_in_one_browser_is_another_person() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    for (kind, user, device) in [("identify", "u", "a"), ("identify", "v", "a"), ("track", "v", "a")] {
        door.take("/v1/batch", batch(&[message(kind, user, device)])).await;
    }
    assert_eq!(database.count("SELECT count(*) FROM heads").await, 2);
    assert_eq!(database.count("SELECT count(*) FROM merge_requests").await, 0);
    let twice = sqlx::raw_sql(
        "INSERT INTO identities SELECT 0, 'third', person_id FROM identities WHERE value = 'u'",
    );
    let refused = twice.execute(&database.pool).await.unwrap_err().to_string();
    assert!(refused.contains("identities_one_external"), "{refused}");
}

#[tokio::test]
async fn merges_are_recorded_for_later() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    for (kind, user, device) in [
        ("track", "-", "a"),
        ("track", "u", "-"),
        ("track", "u", "a"),
        ("identify", "u", "a"),
        ("identify", "u", "a"),
        ("identify", "old", "-"),
        ("alias", "u", "old"),
    ] {
        door.take("/v1/batch", batch(&[message(kind, user, device)])).await;
    }
    let requests: Vec<(String, String, i16)> = sqlx::query_as(
        "SELECT l.value, w.value, m.reason FROM merge_requests m
         JOIN identities l ON l.person_id = m.loser JOIN identities w ON w.person_id = m.winner ORDER BY m.reason",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap();
    let text = |words: [&str; 2], reason: i16| (words[0].to_owned(), words[1].to_owned(), reason);
    assert_eq!(requests, [text(["a", "u"], 1), text(["old", "u"], 2)]);
}

#[tokio::test]
async fn an_alias_before_the_first_event_of_the_old_id_is_not_forgotten() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    for (kind, user, device) in [("alias", "new", "old"), ("track", "new", "-"), ("track", "old", "-")] {
        door.take("/v1/batch", batch(&[message(kind, user, device)])).await;
    }
    let request = "SELECT l.value || ' ' || w.value || ' ' || m.reason FROM merge_requests m
                   JOIN identities l ON l.person_id = m.loser AND l.kind = 0
                   JOIN identities w ON w.person_id = m.winner AND w.kind = 0";
    assert_eq!(database.text(request).await, "old new 2");
}

#[tokio::test]
async fn a_merged_person_leads_to_the_one_they_became() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    door.take("/v1/batch", batch(&[message("track", "-", "a"), message("track", "u", "-")])).await;
    sqlx::raw_sql(
        "UPDATE heads SET merged_into = (SELECT person_id FROM identities WHERE value = 'u')
         WHERE person_id = (SELECT person_id FROM identities WHERE value = 'a')",
    )
    .execute(&database.pool)
    .await
    .unwrap();
    door.take("/v1/batch", batch(&[r#"{"type":"track","event":"Y","anonymousId":"a"}"#.to_owned()])).await;
    let person = "SELECT count(*) FROM events e JOIN identities i USING (person_id)
                  WHERE e.name = 'Y' AND i.value = 'u'";
    assert_eq!(database.count(person).await, 1);
}

#[tokio::test]
async fn names_that_arrive_everywhere_at_once_make_one_person_each() {
    let database = Database::new().await;
    // Two daemons' doors, each with its committers, and every client knows the same people in another order.
    let doors = [Door::open(&database).await, Door::open(&database).await];
    let people = 40;
    let clients = (0..16_usize).map(|client| {
        let door = &doors[client % 2];
        async move {
            for round in 0..5 {
                let messages: Vec<String> = (0..people)
                    .map(|n| {
                        let n = if client % 3 == 0 { people - 1 - n } else { (n * 7 + client) % people };
                        let kind = if (n + client + round) % 2 == 0 { "identify" } else { "track" };
                        message(kind, &format!("u{n}"), &format!("a{n}"))
                    })
                    .collect();
                door.take("/v1/batch", batch(&messages)).await;
            }
        }
    });
    futures::future::join_all(clients).await;
    assert_eq!(database.count("SELECT count(*) FROM events").await, 16 * 5 * 40);
    assert_eq!(database.count("SELECT count(*) FROM heads").await, 40);
    assert_eq!(database.count("SELECT count(*) FROM identities").await, 80);
    let split = "SELECT count(*) FROM (SELECT payload ->> 'userId' FROM events GROUP BY 1
                 HAVING count(DISTINCT person_id) > 1) AS split";
    assert_eq!(database.count(split).await, 0);
    let nobody = "SELECT count(*) FROM heads h WHERE NOT EXISTS (SELECT FROM identities i WHERE i.person_id = h.person_id)";
    assert_eq!(database.count(nobody).await, 0);
}
