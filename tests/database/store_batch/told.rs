//! What we tell ourselves of people known by id, and what it says of their addresses.

use journeyman_domain::person::{Hot, encode_hot};
use journeyman_domain::plan::{Channel, Policies};
use journeyman_domain::row::{PersonRow, Write};
use journeyman_domain::{Event, EventId, Kind as EventKind, PersonId, Reason, SeenKey, ShopTime};
use journeyman_store::ingest::Outcome;
use journeyman_store::suppressions::{self, Filter, Kind, Suppression};
use journeyman_store::told::{self, Told};
use journeyman_store::{Error, consents};

use super::{ANNA, BEN, Stage};

/// Merged into Ben by way of another.
const OLD: PersonId = PersonId(4);

async fn stage() -> Stage {
    let stage = Stage::new().await;
    let merged = "INSERT INTO heads (person_id, merged_into, assignment_key, born_at)
                  VALUES (3, 2, 1, now()), (4, 3, 1, now())";
    sqlx::raw_sql(merged).execute(&stage.database.pool).await.unwrap();
    stage
}

fn event(stage: &Stage, nth: u128, person: Option<PersonId>) -> Event {
    let key = SeenKey(nth);
    Event {
        key,
        id: EventId::new(stage.now, key),
        kind: EventKind::Track,
        name: "Unsubscribed".to_owned(),
        occurred_at: stage.now,
        received_at: stage.now,
        person,
        external: person.is_none().then(|| format!("u{nth}")),
        anonymous: None,
        previous: None,
        source: "mail".to_owned(),
        index: 0,
        historical: false,
        payload: format!(r#"{{"nth":{nth}}}"#),
    }
}

fn of(address: &str, topic: Option<&str>, kind: Kind, at: ShopTime) -> Suppression {
    let (channel, address, topic) = (Channel::Email, address.to_owned(), topic.map(Into::into));
    Suppression { channel, address, topic, kind, at, event: None }
}

/// What is suppressed, a word each.
async fn suppressed(stage: &Stage) -> String {
    let all = suppressions::list(&stage.pool, &Filter::default()).await.unwrap();
    let word = |one: &Suppression| {
        let minutes = (one.at.as_millisecond() - stage.now.as_millisecond()) / 60_000;
        format!("{}/{}/{}@{minutes}", one.address, one.topic.as_deref().unwrap_or("*"), one.kind.code())
    };
    let mut words: Vec<String> = all.iter().map(word).collect();
    words.sort();
    words.join(" ")
}

#[tokio::test]
async fn events_of_people_known_by_id_need_no_names() {
    let stage = stage().await;
    let told = |nth, person| Told { event: event(&stage, nth, person), suppress: vec![], lift: vec![] };
    let all = [
        told(1, Some(ANNA)),
        told(2, None),
        told(3, Some(OLD)),
        told(4, Some(PersonId(99))),
        told(5, Some(PersonId(-1))),
        told(1, Some(ANNA)),
    ];
    let written = told::write(&stage.pool, &all).await.unwrap();
    let outcome = |outcome: &Outcome| match outcome {
        Outcome::Refused(reject) => reject.reason.code(),
        Outcome::Accepted => "accepted",
        Outcome::Duplicate => "duplicate",
    };
    let outcomes: Vec<&str> = written.outcomes.iter().map(outcome).collect();
    let nobody = Reason::NoPerson.code();
    assert_eq!(outcomes, ["accepted", "accepted", "accepted", nobody, nobody, "duplicate"]);
    let whose =
        "SELECT string_agg((payload ->> 'nth') || ':' || least(person_id, 5), ' ' ORDER BY payload ->> 'nth')
                 FROM events WHERE id IN (SELECT ref FROM intake)";
    assert_eq!(stage.database.text(whose).await, "1:1 2:5 3:2", "merges are followed; a name makes a person");
    let kept =
        "SELECT string_agg(reason || convert_from(body, 'utf8'), ' ' ORDER BY body) FROM rejected_events";
    assert_eq!(stage.database.text(kept).await, r#"no_person{"nth":4} no_person{"nth":5}"#);
    // Alone too: it is not the schema's fault. And nobody has seen it.
    for _ in 0..2 {
        let again = told::write(&stage.pool, &all[3..5]).await.unwrap();
        assert!(again.outcomes.iter().all(|each| outcome(each) == nobody), "{again:?}");
    }
}

#[tokio::test]
async fn what_an_event_says_of_addresses_holds_with_it() {
    let stage = stage().await;
    let at = |minutes| stage.minutes(minutes);
    let told = |nth, person, suppress, lift| Told { event: event(&stage, nth, Some(person)), suppress, lift };
    let (anna, ben) = (" Anna@Shop.example", "ben@shop.example");
    let unsubscribed = |minutes| of(anna, Some("news"), Kind::Unsubscribed, at(minutes));
    let bounced = of(ben, None, Kind::Bounced, at(0));
    let cases: [(&str, Vec<Told>, &str); 8] = [
        (
            "suppressed with the event",
            vec![told(1, ANNA, vec![unsubscribed(0)], vec![])],
            "anna@shop.example/news/1@0",
        ),
        (
            "a duplicate's holds too, and the later moment counts",
            vec![told(1, ANNA, vec![unsubscribed(5), unsubscribed(3)], vec![])],
            "anna@shop.example/news/1@5",
        ),
        (
            "so does that of an event of nobody",
            vec![told(2, PersonId(99), vec![bounced.clone()], vec![])],
            "anna@shop.example/news/1@5 ben@shop.example/*/2@0",
        ),
        (
            "what was said later is not taken back, nor another kind or topic",
            vec![told(
                3,
                ANNA,
                vec![],
                vec![
                    unsubscribed(4),
                    of(anna, None, Kind::Unsubscribed, at(9)),
                    of(ben, None, Kind::Complained, at(9)),
                ],
            )],
            "anna@shop.example/news/1@5 ben@shop.example/*/2@0",
        ),
        (
            "the latest word counts, whatever the order",
            vec![
                told(4, ANNA, vec![], vec![unsubscribed(7)]),
                told(5, ANNA, vec![unsubscribed(6)], vec![bounced.clone()]),
            ],
            "",
        ),
        (
            "of the same moment the last",
            vec![
                told(6, ANNA, vec![unsubscribed(6)], vec![unsubscribed(6)]),
                told(7, BEN, vec![], vec![bounced.clone()]),
                told(8, BEN, vec![bounced.clone()], vec![]),
            ],
            "ben@shop.example/*/2@0",
        ),
        (
            "however an address is written, it is one",
            vec![told(
                9,
                ANNA,
                vec![
                    of("X@x", None, Kind::ByHand, at(1)),
                    of("x@X\n", None, Kind::ByHand, at(2)),
                    of("  ", None, Kind::ByHand, at(2)),
                ],
                vec![],
            )],
            "ben@shop.example/*/2@0 x@x/*/4@2",
        ),
        (
            "and taken back as one",
            vec![told(10, ANNA, vec![], vec![of("x@x ", None, Kind::ByHand, at(2)), bounced])],
            "",
        ),
    ];
    for (case, told, expected) in cases {
        told::write(&stage.pool, &told).await.unwrap();
        assert_eq!(suppressed(&stage).await, expected, "{case}");
    }
    assert_eq!(
        stage.database.count("SELECT count(*) FROM events").await,
        9,
        "each once, nobody's not at all"
    );
    // What can't be kept takes its event with it: whoever tells it learns of it.
    let long = of(&"x".repeat(1_025), None, Kind::ByHand, at(0));
    let refused = told::write(&stage.pool, &[told(11, ANNA, vec![long], vec![])]).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert_eq!(stage.database.count("SELECT count(*) FROM events").await, 9);
}

#[tokio::test]
async fn a_suppression_names_an_event_that_is_stored() {
    let stage = stage().await;
    // Told again it is another event: its id is of the moment.
    let told = |later: i64, nth, person| {
        let event = event(&stage, nth, Some(person));
        let event = Event { id: EventId::new(stage.minutes(later), event.key), ..event };
        let stop = of("anna@shop.example", None, Kind::Bounced, stage.minutes(later));
        Told { suppress: vec![Suppression { event: Some(event.id), ..stop }], lift: vec![], event }
    };
    let first = told(0, 1, ANNA);
    let kept = first.event.id;
    for (case, told, expected) in [
        ("the first", first, kept),
        ("the same again, later", told(5, 1, ANNA), kept),
        ("of nobody", told(6, 2, PersonId(99)), kept),
        ("another", told(7, 3, ANNA), told(7, 3, ANNA).event.id),
    ] {
        told::write(&stage.pool, &[told]).await.unwrap();
        let all = suppressions::list(&stage.pool, &Filter::default()).await.unwrap();
        let events: Vec<_> = all.iter().map(|one| one.event).collect();
        assert_eq!(events, [Some(expected)], "{case}");
    }
    let unstored = "SELECT count(*) FROM suppressions WHERE event NOT IN (SELECT id FROM events)";
    assert_eq!(stage.database.count(unstored).await, 0);
}

#[tokio::test]
async fn suppressions_are_listed_and_changed_by_hand() {
    let stage = stage().await;
    let at = |minutes| stage.minutes(minutes);
    let all = [
        of("a@x", None, Kind::ByHand, at(1)),
        of("a@x", Some("news"), Kind::Unsubscribed, at(3)),
        Suppression { channel: Channel::Sms, ..of("a@x", None, Kind::Bounced, at(2)) },
    ];
    suppressions::add(&stage.pool, &all).await.unwrap();
    suppressions::add(&stage.pool, &all).await.unwrap();
    let [by_hand, unsubscribed, bounced] = all.clone();
    let of_address =
        async |address| suppressions::of_address(&stage.pool, Channel::Email, address).await.unwrap();
    assert_eq!(of_address(" A@X ").await, [by_hand.clone(), unsubscribed.clone()]);
    assert_eq!(of_address("b@x").await, []);
    let list = async |filter| suppressions::list(&stage.pool, &filter).await.unwrap();
    let any = Filter::default;
    assert_eq!(list(any()).await, [unsubscribed.clone(), bounced.clone(), by_hand.clone()]);
    assert_eq!(list(Filter { limit: 1, ..any() }).await[..], all[1..2]);
    assert_eq!(list(Filter { channel: Some(Channel::Sms), ..any() }).await, [bounced]);
    assert_eq!(list(Filter { kind: Some(Kind::ByHand), ..any() }).await[..], all[..1]);
    let removed = suppressions::remove(&stage.pool, &[by_hand, of("b@x", None, Kind::ByHand, at(9))]).await;
    assert_eq!(removed.unwrap(), 1);
    assert_eq!(of_address("a@x").await, [unsubscribed]);
}

#[tokio::test]
async fn a_person_s_consents_are_read_behind_their_merges() {
    let stage = stage().await;
    let mut hot = Hot::default();
    hot.consents.say(Some(Channel::Email), None, false, stage.now);
    let write = Write {
        now: stage.now,
        people: vec![PersonRow { hot: encode_hot(&hot), ..stage.person(BEN, 0) }],
        traits: vec![(
            BEN,
            r#"{"email":"Ben@Shop.example","locale":"de-AT","name":7}"#.to_owned(),
            r#"{"email":1,"locale":1,"name":1}"#.to_owned(),
        )],
        ..Write::default()
    };
    stage.write(&write).await.unwrap();
    let policies = Policies::default();
    for asked in [BEN, OLD] {
        let known = consents::of(&stage.pool, asked).await.unwrap().unwrap();
        assert_eq!(
            (known.person, known.addresses.get(&Channel::Email).map(String::as_str)),
            (BEN, Some("Ben@Shop.example"))
        );
        assert_eq!(known.locale.as_deref(), Some("de-AT"));
        let allows = |channel| known.consents.allow(channel, None, &policies);
        assert!(!allows(Channel::Email) && allows(Channel::Sms));
    }
    // To whom nothing has happened yet, and nobody.
    let known = consents::of(&stage.pool, ANNA).await.unwrap().unwrap();
    assert_eq!((known.person, known.addresses.len(), known.consents), (ANNA, 0, Hot::default().consents));
    assert_eq!(consents::of(&stage.pool, PersonId(99)).await.unwrap(), None);
    let damage = "UPDATE persons SET hot = '\\xff'";
    sqlx::raw_sql(damage).execute(&stage.database.pool).await.unwrap();
    assert!(matches!(consents::of(&stage.pool, BEN).await, Err(Error::Other(_))));
}
