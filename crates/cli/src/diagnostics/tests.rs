use super::*;

/// A folder of its own, gone at the end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = std::env::temp_dir().join(format!("journeyman-check-{}", uuid::Uuid::new_v4()));
        for (path, text) in files {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const WELCOME: &str = "journey: welcome\nkind: transactional\nenter:\n  on: Signed Up\n  again: never\nsteps:\n  - send: welcome\n    chanel: inbox\n";

#[test]
fn a_folder_is_read_in_order_and_drawn() {
    let folder = Folder::new(&[
        ("journeyman.yaml", "currency: EUR\n"),
        ("journeys/b/welcome.yaml", WELCOME),
        ("journeys/segments/vip.yaml", "segment: vip\nif: profile.vip\n"),
        ("journeys/notes.txt", "not read"),
    ]);
    let sources = read_folder(&folder.0).unwrap();
    let paths: Vec<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    assert_eq!(paths, ["journeyman.yaml", "journeys/b/welcome.yaml", "journeys/segments/vip.yaml"]);
    let checked = journeyman_journey::check(&sources, None, false);
    let summary = Summary::new(&sources, &checked.diagnostics);
    assert_eq!(summary.to_string(), "1 journey, 1 segment: 1 error, 0 warnings");
    let drawn = draw(&sources, &checked.diagnostics, false);
    for part in ["J0202", "journeys/b/welcome.yaml:8:5", "chanel: inbox", "──────", "did you mean `channel`?"]
    {
        assert!(drawn.contains(part), "{part} is not in\n{drawn}");
    }
    assert!(!drawn.contains('\u{1b}'), "{drawn}");
    let json = json(&summary, &checked.diagnostics);
    assert_eq!(json["diagnostics"][0]["nearest"], "channel");
    assert_eq!(json["diagnostics"][0]["line"], 8);
}

#[test]
fn a_folder_without_journeys_says_what_to_do() {
    let folder = Folder::new(&[("journeyman.yaml", "")]);
    let error = read_folder(&folder.0).unwrap_err().to_string();
    assert!(error.contains("there are no journeys in") && error.contains("write one to"), "{error}");
    let error = read_folder(&folder.0.join("nowhere")).unwrap_err().to_string();
    assert!(error.contains("is no folder"), "{error}");
    let folder = Folder::new(&[("journeys/a.yaml", "")]);
    std::fs::write(folder.0.join("journeys/a.yaml"), [0xff, 0xfe]).unwrap();
    assert!(read_folder(&folder.0).unwrap_err().to_string().contains("is not UTF-8"));
    std::fs::write(folder.0.join("journeys/a.yaml"), "ä".repeat(FILE_BYTES)).unwrap();
    let sources = read_folder(&folder.0).unwrap();
    assert!(sources[0].text.len() > FILE_BYTES);
}

#[test]
fn templates_are_read_with_whatever_may_have_been_meant_as_one() {
    let folder = Folder::new(&[
        ("templates/cart/template.yaml", "subject: Hi\n"),
        ("templates/cart/email.mjml", ""),
        ("templates/cart/email.txt.hbs", ""),
        ("templates/cart/email.html", "render says what is wrong with it"),
        ("templates/cart/lamp.png", "not read"),
        ("templates/layouts/shop.mjml", ""),
        ("templates/README.md", "not read"),
        ("templates/texts.yaml", ""),
    ]);
    let sources = read_shop(&folder.0).unwrap();
    let paths: Vec<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "templates/cart/email.html",
            "templates/cart/email.mjml",
            "templates/cart/email.txt.hbs",
            "templates/cart/template.yaml",
            "templates/layouts/shop.mjml",
            "templates/texts.yaml",
        ]
    );
    let folders: Vec<Option<&str>> = paths.iter().map(|path| template_folder(path)).collect();
    let cart = Some("cart");
    assert_eq!(folders, [cart, cart, cart, cart, Some("layouts"), None]);
    assert_eq!(
        Summary::new(&sources, &[]).to_string(),
        "0 journeys, 0 segments, 1 template: 0 errors, 0 warnings"
    );
    assert!(read_folder(&folder.0).unwrap_err().to_string().contains("there are no journeys"));
}
