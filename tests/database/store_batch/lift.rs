//! Who counts for lift: nobody who may have been in two options, under whatever id.

use journeyman_domain::PersonId;
use journeyman_domain::merge::MovedRun;
use journeyman_store::{history, tally};

use super::{ANNA, BEN, Stage};

/// Turned out to be Anna, after having been in two options of `cart`.
const OLD: PersonId = PersonId(3);

#[tokio::test]
async fn who_may_have_been_in_two_options_is_marked_under_every_id() {
    let stage = Stage::new().await;
    let lived = "
        INSERT INTO heads (person_id, merged_into, assignment_key, born_at) VALUES (3, 1, 300, now());
        INSERT INTO mixed (person_id, journey) VALUES (3, 'cart');
        INSERT INTO moved_runs (person_id, number, winner, becomes) VALUES (3, 2, 1, 9), (3, 1, 1, 8);
        INSERT INTO ended_runs (person_id, number, journey, plan, started_at, entered_at, ended_at, reason, held_out, goal_at,
                                state)
        SELECT person_id, number, journey, gen_random_uuid(), now(), now(), now(), 'completed', held_out,
               CASE WHEN reached THEN now() END, ''
        FROM (VALUES (1, 1, 'cart', 1, true), (3, 3, 'cart', 0, false), (1, 2, 'welcome', 0, false), (2, 1, 'cart', 0, true),
                     (2, 2, 'cart', 2, false))
            AS lived (person_id, number, journey, held_out, reached);
        INSERT INTO runs (person_id, number, journey, plan, step, started_at, state)
        VALUES (1, 8, 'cart', gen_random_uuid(), 's', now(), 'a'), (1, 9, 'welcome', gen_random_uuid(), 's', now(), 'b'),
               (2, 3, 'cart', gen_random_uuid(), 's', now(), 'c')";
    sqlx::raw_sql(lived).execute(&stage.database.pool).await.unwrap();

    let told = tally::ended_runs(&stage.pool).await.unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|one| (one.journey.as_str(), one.held_out, one.reached, one.mixed, one.runs))
        .collect();
    assert_eq!(
        told,
        [
            ("cart", false, false, true, 1),
            ("cart", false, true, false, 1),
            ("cart", true, true, true, 1),
            ("cart", true, false, false, 1),
            ("welcome", false, false, false, 1),
        ]
    );
    let live = tally::live_runs(&stage.pool).await.unwrap();
    let live: Vec<_> =
        live.iter().map(|(journey, state, mixed)| (journey.as_str(), state[0], *mixed)).collect();
    assert_eq!(live, [("cart", b'a', true), ("welcome", b'b', false), ("cart", b'c', false)]);

    let mut connection = stage.connection().await;
    for (ids, expected) in [(vec![ANNA, OLD], vec!["cart"]), (vec![ANNA], vec![]), (vec![BEN], vec![])] {
        assert_eq!(history::mixed(&mut connection, &ids).await.unwrap(), expected, "{ids:?}");
    }
    let moved = |number, becomes| MovedRun { from: OLD, number, to: ANNA, becomes };
    assert_eq!(history::moved_runs(&mut connection, OLD).await.unwrap(), [moved(1, 8), moved(2, 9)]);
    assert_eq!(history::moved_runs(&mut connection, ANNA).await.unwrap(), []);
}
