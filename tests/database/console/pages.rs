//! The inbox, page by page.

use std::collections::BTreeSet;

use super::shop::Shop;
use super::{check, get};

/// The messages of a page, in its order, and where its links lead: to the newest, to older ones.
fn read(html: &str) -> (Vec<String>, Option<String>, Option<String>) {
    let messages = html.split("href=\"/messages/").skip(1).filter_map(|rest| rest.split('"').next());
    let pages = html.split_once("aria-label=\"Pages\">").map_or("", |(_, rest)| rest);
    let pages = pages.split("</nav>").next().unwrap_or_default();
    let link = |name: &str| {
        let found = pages.split("<a href=\"").find(|link| link.ends_with(&format!(">{name}</a>")));
        found
            .and_then(|link| link.split('"').next())
            .map(|link| link.replace("&#38;", "&").replace("&amp;", "&"))
    };
    (messages.map(str::to_owned).collect(), link("Newest"), link("Older"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_stands_on_one_page_of_the_inbox() {
    let shop = Shop::open().await;
    let database = &shop.mail.database;
    // The same message again and again, under ids of the same week.
    let many = "INSERT INTO messages
                SELECT (jsonb_populate_record(m, jsonb_build_object('id',
                        left(replace(m.id::text, '-', ''), 26) || lpad(to_hex(n), 6, '0')))).*
                FROM messages m, generate_series(1, 111) n
                WHERE m.id = (SELECT min(id::text)::uuid FROM messages WHERE journey = 'cart')";
    sqlx::raw_sql(many).execute(&database.pool).await.unwrap();
    let sql = "SELECT string_agg('msg_' || replace(id::text, '-', ''), ' ' ORDER BY id DESC) FROM messages";
    let all = database.text(sql).await;
    let all: Vec<&str> = all.split(' ').collect();
    assert_eq!(all.len(), 120);
    let (mut path, mut listed, mut sizes) = ("/inbox".to_owned(), Vec::new(), Vec::new());
    loop {
        let page = get(&shop.daemon, &path).await;
        assert_eq!(page.status, 200, "{path}");
        let (messages, newest, older) = read(&page.html);
        assert_eq!(newest.as_deref(), (!listed.is_empty()).then_some("/inbox"), "{path}");
        sizes.push(messages.len());
        listed.extend(messages);
        let Some(older) = older else { break };
        path = older;
        if sizes.len() == 1 {
            // What comes meanwhile moves no page.
            let newer = "INSERT INTO messages
                         SELECT (jsonb_populate_record(m, jsonb_build_object('id',
                                 left(replace(m.id::text, '-', ''), 26) || 'ffffff'))).*
                         FROM messages m WHERE m.id = (SELECT max(id::text)::uuid FROM messages)";
            sqlx::raw_sql(newer).execute(&database.pool).await.unwrap();
        }
    }
    assert_eq!((sizes, listed), (vec![50, 50, 20], all.iter().map(ToString::to_string).collect()));
    // Narrowed, it stays narrowed.
    let (first, _, older) = read(&get(&shop.daemon, "/inbox?journey=cart&state=accepted").await.html);
    let older = older.expect("older ones");
    assert!(older.starts_with("/inbox?journey=cart&state=accepted&before=msg"), "{older}");
    let (second, newest, _) = read(&get(&shop.daemon, &older).await.html);
    assert_eq!(newest.as_deref(), Some("/inbox?journey=cart&state=accepted"));
    let of: BTreeSet<&String> = first.iter().chain(&second).collect();
    assert_eq!((first.len(), second.len(), of.len()), (50, 50, 100));
    // What is no message narrows nothing.
    check(&shop.daemon, "/inbox?before=msg_nonsense", &["Inbox", "accepted"]).await;
}
