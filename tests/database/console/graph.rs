//! `journeyman graph`, which needs no database.

use serde_json::Value;

use crate::harness::daemon::{Ended, command, run};
use crate::harness::{Folder, root};

const HELLO: &str = "journey: hello\nkind: transactional\nenter:\n  on: Signed Up\n  again: never\nsteps:\n  - send: hello\n    \
                     channel: inbox\n";

async fn graph(folder: &Folder, arguments: &[&str]) -> Ended {
    run(command(folder.path(), None, &[&["graph"], arguments].concat())).await
}

#[tokio::test]
async fn journeys_are_drawn_as_text_svg_and_data() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path().join("journeys")).unwrap();
    folder.write("journeys/hello.yaml", HELLO);
    folder.write("journeys/bye.yaml", HELLO.replace("hello", "bye").replace("Signed Up", "Left"));
    let all = graph(&folder, &[]).await;
    assert_eq!(all.code, Some(0), "{all:?}");
    assert!(all.out.starts_with("bye\n") && all.out.contains("\n\nhello\n"), "{}", all.out);
    assert!(!all.out.contains('\u{1b}'), "{}", all.out);
    let one = graph(&folder, &["journeys/hello.yaml", "--json"]).await;
    let told: Value = serde_json::from_str(&one.out).unwrap_or_else(|error| panic!("{error}: {one:?}"));
    let journeys = told["journeys"].as_array().unwrap();
    assert_eq!((journeys.len(), &journeys[0]["journey"]), (1, &"hello".into()));
    assert_eq!(journeys[0]["edges"].as_array().unwrap().len(), 2, "{told}");

    // Several need a folder, and nothing is written before that is known.
    let refused = graph(&folder, &["--svg", "all.svg"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains("there are 2 journeys") && !folder.path().join("all.svg").exists(),
        "{}",
        refused.err
    );
    std::fs::create_dir(folder.path().join("pictures")).unwrap();
    assert_eq!(graph(&folder, &["--svg", "pictures"]).await.code, Some(0));
    for name in ["hello", "bye"] {
        let picture = std::fs::read_to_string(folder.path().join(format!("pictures/{name}.svg"))).unwrap();
        assert!(picture.starts_with("<svg ") && picture.contains("prefers-color-scheme"), "{picture}");
    }

    folder.write("journeys/bye.yaml", "journey: bye\n");
    let faulty = graph(&folder, &["journeys/hello.yaml"]).await;
    assert_eq!(faulty.code, Some(1));
    assert!(faulty.err.contains("journeys/bye.yaml"), "{}", faulty.err);
    let nowhere = graph(&folder, &["journeys/nobody.yaml"]).await;
    assert!(
        nowhere.code == Some(1) && nowhere.err.contains("can't read journeys/nobody.yaml"),
        "{nowhere:?}"
    );
}

#[tokio::test]
async fn what_the_docs_show_is_what_is_drawn() {
    let docs = std::fs::read_to_string(root().join("docs/console.md")).unwrap();
    let shown = docs.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block");
    let drawn = run(command(root(), None, &["graph", "journeys/cart-abandonment.yaml"])).await;
    let named = run(command(root(), None, &["graph", "cart-abandonment"])).await;
    assert_eq!(named.out, drawn.out, "{named:?}");
    assert_eq!(drawn.out, shown);
}
