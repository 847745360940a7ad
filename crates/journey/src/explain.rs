//! A page for each code: what it means, why it matters, what to write instead.

/// All pages, as Markdown.
const PAGES: &str = include_str!("../diagnostics.md");

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it means and why it matters.
    pub says: &'static str,
    /// What is wrong and what is right, in that order where both are shown.
    pub examples: Vec<Example>,
}

/// Something that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Whether it is right.
    pub right: bool,
    /// Where it stands: `condition`, `steps`, `header` (of a journey), `enter`, or `file PATH`.
    pub place: &'static str,
    /// What is written.
    pub text: String,
}

/// The page of a code, `J0101`; `None` of what is none.
pub fn page(code: &str) -> Option<Page> {
    let page = PAGES.split("\n## ").skip(1).find(|page| page.lines().next() == Some(code))?;
    let body = page.split_once('\n').map_or("", |(_, body)| body).trim();
    let (says, examples) = body.split_once("\n\n").unwrap_or((body, ""));
    let mut found: Vec<Example> = Vec::new();
    for line in examples.lines().filter(|line| !line.is_empty()) {
        let line = line.strip_prefix("    ").unwrap_or(line);
        match (line.strip_prefix("  "), found.last_mut()) {
            (Some(text), Some(example)) => {
                example.text.push_str(text);
                example.text.push('\n');
            }
            _ => {
                let (verdict, place) = line.split_once(' ').unwrap_or((line, ""));
                found.push(Example { right: verdict == "right", place, text: String::new() });
            }
        }
    }
    Some(Page { says, examples: found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CODES, Source, check};

    /// The codes that are said of an example where it belongs.
    fn said(example: &Example) -> Vec<String> {
        let under = |indent: &str| {
            let lines = example.text.lines().map(|line| format!("{indent}{line}\n"));
            lines.collect::<String>()
        };
        let head = "journey: t\ntopic: offers\n";
        let (enter, steps) = ("enter:\n  on: X\n  again: always\n", "steps:\n  - wait: 1d\n");
        let (path, text) = match example.place {
            "condition" => {
                ("journeys/t.yaml", format!("{head}{enter}steps:\n  - wait: 1d\n    if: {}", example.text))
            }
            "steps" => ("journeys/t.yaml", format!("{head}{enter}steps:\n{}", under("  "))),
            "header" => ("journeys/t.yaml", format!("{head}{}{enter}{steps}", under(""))),
            "enter" => ("journeys/t.yaml", format!("{head}enter:\n{}{steps}", under("  "))),
            file => (file.strip_prefix("file ").unwrap_or_else(|| panic!("{file}")), example.text.clone()),
        };
        let shop = "topics:\n  offers: { consent: opt_in }\n";
        let mut sources = vec![Source { path: path.to_owned(), text }];
        if path != "journeyman.yaml" {
            sources.push(Source { path: "journeyman.yaml".to_owned(), text: shop.to_owned() });
            let staff = "segment: staff\nif: has(profile.badge)\n";
            let path = "journeys/segments/staff.yaml".to_owned();
            sources.push(Source { path, text: staff.to_owned() });
        }
        let checked = check(&sources, None, false);
        let mut found = crate::lints(&sources, &checked);
        found.retain(|said| said.file == path);
        found.extend(checked.diagnostics);
        found.iter().map(|said| said.code.to_owned()).collect()
    }

    #[test]
    fn every_code_has_a_page_whose_examples_are_what_they_say() {
        let mut wrong = Vec::new();
        for code in CODES {
            let Some(page) = page(code.id) else {
                wrong.push(format!("{} has no page", code.id));
                continue;
            };
            if page.says.is_empty() {
                wrong.push(format!("{} says nothing", code.id));
            }
            for example in &page.examples {
                let said = said(example);
                if example.right && !said.is_empty() {
                    wrong.push(format!("{} right: {said:?}\n{}", code.id, example.text));
                }
                if !example.right && !said.iter().any(|said| said == code.id) {
                    wrong.push(format!("{} wrong: {said:?}\n{}", code.id, example.text));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn no_page_is_of_a_code_that_there_is_not() {
        let pages: Vec<&str> = PAGES.split("\n## ").skip(1).filter_map(|page| page.lines().next()).collect();
        let known: Vec<&str> = CODES.iter().map(|code| code.id).collect();
        assert_eq!(pages, known);
        assert_eq!(page("J0000"), None);
    }
}
