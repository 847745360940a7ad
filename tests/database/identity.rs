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
    assert_eq!(database.count("SELECT count(*) FROM merge_requests WHERE outcome = 2").await, 1);
    let twice = sqlx::raw_sql(
        "INSERT INTO identities SELECT 0, 'third', person_id FROM identities WHERE value = 'u'",
    );
    let refused = twice.execute(&database.pool).await.unwrap_err().to_string();
    assert!(refused.contains("identities_one_external"), "{refused}");
}

/// What became of merges that were asked for: by which names, why, and 1 carried out or 2 refused.
async fn merges(database: &Database) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT l.value || ' ' || w.value || ' ' || m.reason || ' ' || m.outcome FROM merge_requests m
         JOIN identities l ON l.person_id = m.loser JOIN identities w ON w.person_id = m.winner ORDER BY 1",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap()
}

/// What waits because of merges: the kind and a name of whose it is.
async fn told(database: &Database) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT DISTINCT i.kind || ' ' || n.value FROM intake i JOIN identities n USING (person_id) WHERE i.kind > 1
         ORDER BY 1",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap()
}

/// How many people there are who are nobody else.
async fn heads(database: &Database) -> i64 {
    database.count("SELECT count(*) FROM heads WHERE merged_into IS NULL").await
}

#[tokio::test]
async fn a_browser_that_turns_out_to_be_somebody_known_is_merged_once() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    for (kind, user, device) in [
        ("track", "-", "a"),
        ("track", "u", "-"),
        ("track", "u", "a"),
        ("identify", "u", "a"),
        ("identify", "u", "a"),
    ] {
        door.take("/v1/batch", batch(&[message(kind, user, device)])).await;
    }
    assert_eq!(merges(&database).await, ["a u 1 1"]);
    assert_eq!(told(&database).await, ["4 a", "5 u"]);
    assert_eq!(database.count("SELECT count(*) FROM intake WHERE kind > 1").await, 2);
    // Both names lead to the same person; what was written stays where it is.
    door.take("/v1/batch", batch(&[r#"{"type":"track","event":"Y","anonymousId":"a"}"#.to_owned()])).await;
    let of = "SELECT count(*) FROM events e JOIN identities i USING (person_id) WHERE e.name = 'Y' AND i.value = 'u'";
    assert_eq!((database.count(of).await, heads(&database).await), (1, 1));
    let before = "SELECT count(*) FROM events e JOIN identities i USING (person_id) WHERE i.value = 'a'";
    assert_eq!(database.count(before).await, 1);
    // ref names both, the loser's id first.
    let named = "SELECT count(*) FROM intake i JOIN heads h ON h.merged_into IS NOT NULL WHERE i.kind > 1 AND
                 i.ref = (lpad(to_hex(h.person_id), 16, '0') || lpad(to_hex(h.merged_into), 16, '0'))::uuid";
    assert_eq!(database.count(named).await, 2);
}

#[tokio::test]
async fn two_known_people_are_never_one_and_the_refusal_is_recorded() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let all: Vec<String> = [
        ("identify", "u", "-"),
        ("identify", "old", "-"),
        ("alias", "u", "old"),
        ("alias", "u", "old"),
        // A browser that two accounts share stays with the first.
        ("identify", "u", "a"),
        ("identify", "old", "a"),
        ("alias", "u", "u"),
    ]
    .map(|(kind, user, device)| message(kind, user, device))
    .to_vec();
    for one in all.chunks(1) {
        door.take("/v1/batch", batch(one)).await;
    }
    assert_eq!(merges(&database).await, ["a old 1 2", "old a 2 2", "old u 2 2", "u old 1 2"]);
    assert_eq!(database.count("SELECT count(*) FROM events").await, 7);
    assert_eq!((heads(&database).await, told(&database).await), (2, Vec::<String>::new()));
}

#[tokio::test]
async fn a_chain_of_merges_leads_everybody_to_its_end() {
    // One by one, and all in one request.
    for together in [false, true] {
        let database = Database::new().await;
        let door = Door::open(&database).await;
        let all: Vec<String> = [
            ("track", "-", "b"),
            ("track", "-", "a"),
            ("track", "u", "-"),
            ("alias", "u", "a"),
            ("alias", "u", "b"),
            ("track", "-", "b"),
            ("track", "-", "a"),
        ]
        .map(|(kind, user, device)| message(kind, user, device))
        .to_vec();
        for some in all.chunks(if together { 7 } else { 1 }) {
            door.take("/v1/batch", batch(some)).await;
        }
        assert_eq!(merges(&database).await, ["a u 2 1", "b u 2 1"], "together: {together}");
        assert_eq!(heads(&database).await, 1);
        // What came after is the winner's.
        let of_u = "SELECT count(*) FROM events e JOIN identities i USING (person_id) WHERE i.value = 'u'";
        assert_eq!(database.count(of_u).await, 5, "together: {together}");
        // Behind what the same request says of them.
        let order =
            "SELECT count(*) FROM intake one JOIN intake other ON other.seq > one.seq AND other.kind = 1
                     AND other.person_id = one.person_id WHERE one.kind = 4";
        assert_eq!(database.count(order).await, 0);
    }
}

#[tokio::test]
async fn an_alias_before_the_first_event_of_the_old_id_is_not_forgotten() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    for (kind, user, device) in [("alias", "new", "old"), ("track", "new", "-"), ("track", "old", "-")] {
        door.take("/v1/batch", batch(&[message(kind, user, device)])).await;
    }
    let request =
        "SELECT l.value || ' ' || w.value || ' ' || m.reason || ' ' || m.outcome FROM merge_requests m
                   JOIN identities l ON l.person_id = m.loser AND l.kind = 0
                   JOIN identities w ON w.person_id = m.winner AND w.kind = 0";
    assert_eq!(database.text(request).await, "old new 2 2");
}

#[tokio::test]
async fn merges_at_several_doors_at_once_leave_one_person_each() {
    let database = Database::new().await;
    let doors = [Door::open(&database).await, Door::open(&database).await];
    let people = 12;
    // Browsers that nobody knows yet, three of each person.
    let browsers: Vec<String> = (0..people * 3).map(|n| message("track", "-", &format!("a{n}"))).collect();
    doors[0].take("/v1/batch", batch(&browsers)).await;
    // Everybody turns out to be somebody, everywhere at once and in every order; some come by alias.
    let clients = (0..12_usize).map(|client| {
        let door = &doors[client % 2];
        async move {
            for round in 0..4 {
                let messages: Vec<String> = (0..people * 3)
                    .map(|n| {
                        let n = if client % 3 == 0 {
                            people * 3 - 1 - n
                        } else {
                            (n * 5 + client) % (people * 3)
                        };
                        let kind = ["identify", "alias", "track"][(n + client + round) % 3];
                        message(kind, &format!("u{}", n % people), &format!("a{n}"))
                    })
                    .collect();
                door.take("/v1/batch", batch(&messages)).await;
            }
        }
    });
    futures::future::join_all(clients).await;
    assert_eq!(heads(&database).await, people as i64);
    let unsettled = "SELECT count(*) FROM heads h JOIN heads next ON next.person_id = h.merged_into
                     WHERE next.merged_into IS NOT NULL";
    assert_eq!(database.count(unsettled).await, 0, "a signpost leads to a signpost");
    let known = "SELECT count(*) FROM heads h JOIN identities i ON i.person_id = h.person_id AND i.kind = 0
                 WHERE h.merged_into IS NOT NULL";
    assert_eq!(database.count(known).await, 0, "somebody known has lost");
    // Each merge is told once to each of the two.
    let told = "SELECT count(*) FROM heads h WHERE h.merged_into IS NOT NULL AND 2 <> (SELECT count(*) FROM intake i
                WHERE i.kind > 1 AND left(i.ref::text, 8) || substr(i.ref::text, 10, 4) || substr(i.ref::text, 15, 4)
                      = lpad(to_hex(h.person_id), 16, '0'))";
    assert_eq!(database.count(told).await, 0);
    let asked = "SELECT count(*) FROM merge_requests WHERE outcome = 1";
    let merged = "SELECT count(*) FROM heads WHERE merged_into IS NOT NULL";
    assert_eq!(database.count(asked).await, database.count(merged).await);
    assert_eq!(database.count("SELECT count(*) FROM events").await, (36 + 12 * 4 * 36) as i64);
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
