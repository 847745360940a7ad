//! `journeyman new`.

mod recipe;

use std::collections::BTreeSet;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use journeyman_engine::deploy;
use journeyman_journey::{Diagnostic, Severity, Source};
use serde_json::json;

use self::recipe::{Answers, Recipe, recipes};
use crate::commands::cut;
use crate::commands::demo::table::table;
use crate::diagnostics::{self, Told};

/// Begin a journey from a recipe
///
/// Asks five questions and writes the journey, with the segments and templates it needs where the shop has none of that name. Nothing is
/// overwritten, and nothing is written that would not pass `journeyman check`. Without a recipe: which there are.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman new                                     which recipes there are\n  \
                  journeyman new cart-abandonment                    asks, then writes\n  \
                  journeyman new welcome --name hello --yes          as it stands in the book\n  \
                  journeyman new win-back --topic offers --holdout 15% --status draft --yes --json\n\n\
                  Exit codes: 0 written, 1 not: there is such a journey, or something would be wrong."
)]
pub(super) struct New {
    /// The recipe: a journey of the cookbook
    recipe: Option<String>,
    /// The folder that holds journeyman.yaml and journeys/
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// What the journey is called
    #[arg(long)]
    name: Option<String>,
    /// Its consent topic
    #[arg(long)]
    topic: Option<String>,
    /// Whom to ask about it
    #[arg(long, value_name = "WHO")]
    owner: Option<String>,
    /// The share of people who are not spoken to, to measure what it brings: 10%; none: 0%
    #[arg(long, value_name = "PERCENT")]
    holdout: Option<String>,
    /// draft or live
    #[arg(long)]
    status: Option<String>,
    /// Ask nothing: what is not said is as it stands in the recipe
    #[arg(long, short)]
    yes: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl New {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let book = recipes()?;
        let Some(name) = &self.recipe else { return self.list(&book) };
        let Some(recipe) = book.iter().find(|recipe| recipe.name == *name) else {
            let names: Vec<&str> = book.iter().map(|recipe| recipe.name.as_str()).collect();
            bail!("there is no recipe {name}; there are: {}", names.join(", "));
        };
        let shop = match self.dir.is_dir() {
            true => diagnostics::read_shop(&self.dir)?,
            false => bail!("{} is no folder", self.dir.display()),
        };
        let answers = self.answers(recipe, &shop)?;
        let written = recipe.written(&answers, &shop)?;
        let path = format!("journeys/{}.yaml", answers.name);
        if shop.iter().any(|source| source.path == path) {
            bail!("{path} exists; give the new one another name: --name");
        }
        let all: Vec<Source> = shop.iter().chain(&written).cloned().collect();
        let known = errors(&deploy::check(&shop, false).diagnostics);
        let checked = deploy::check(&all, false);
        let new = |said: &&Diagnostic| {
            said.severity == Severity::Error && !known.contains(&(said.file.clone(), said.message.clone()))
        };
        let wrong: Vec<Diagnostic> = checked.diagnostics.iter().filter(new).cloned().collect();
        if !wrong.is_empty() {
            eprint!("{}", diagnostics::draw(&all, &wrong, diagnostics::in_colour()));
            eprintln!("nothing was written");
            return Err(Told.into());
        }
        for source in &written {
            write(&self.dir, source)?;
        }
        let paths: Vec<&str> = written.iter().map(|source| source.path.as_str()).collect();
        if self.json {
            diagnostics::print(&format!("{}\n", json!({ "journey": answers.name, "written": paths })));
            return Ok(());
        }
        for path in &paths {
            diagnostics::print(&format!("written: {path}\n"));
        }
        let name = &answers.name;
        diagnostics::print(&format!(
            "next: journeyman describe {name} · journeyman test · journeyman preview · journeyman plan\n"
        ));
        Ok(())
    }

    fn list(&self, book: &[Recipe]) -> anyhow::Result<()> {
        if self.json {
            let all: Vec<_> =
                book.iter().map(|recipe| json!({ "name": recipe.name, "about": recipe.about })).collect();
            diagnostics::print(&format!("{}\n", json!({ "recipes": all })));
            return Ok(());
        }
        let mut table = table(["recipe", ""], 2..2);
        for recipe in book {
            table.add_row([recipe.name.clone(), cut(&recipe.about, 72)]);
        }
        diagnostics::print(&format!("{table}\njourneyman new RECIPE writes one\n"));
        Ok(())
    }

    /// The five questions; of each what was said, else what is answered, else what stands in the recipe.
    fn answers(&self, recipe: &Recipe, shop: &[Source]) -> anyhow::Result<Answers> {
        let topics = recipe::topics(shop);
        let topic = match (recipe.topic.as_str(), topics.first()) {
            ("", _) => String::new(),
            (topic, Some(first)) if !topics.iter().any(|known| known == topic) => first.clone(),
            (topic, _) => topic.to_owned(),
        };
        let ask = |said: &Option<String>, question: &str, default: &str| match said {
            Some(said) => Ok(said.clone()),
            None if self.yes => Ok(default.to_owned()),
            None => asked(question, default),
        };
        let name = ask(&self.name, "What is it called?", &recipe.name)?;
        let which = match topics.is_empty() {
            true => "Which consent topic is it of?".to_owned(),
            false => format!("Which consent topic is it of: {}?", topics.join(", ")),
        };
        let topic = if topic.is_empty() { topic } else { ask(&self.topic, &which, &topic)? };
        let owner = ask(&self.owner, "Whom does one ask about it?", "")?;
        let holdout =
            ask(&self.holdout, "Which share is left out, to measure what it brings?", &recipe.holdout)?;
        let status = ask(&self.status, "draft or live?", "draft")?;
        Ok(Answers { name, topic, owner, holdout, status })
    }
}

/// Asks on the terminal; the end of the input and an empty line are the default.
fn asked(question: &str, default: &str) -> anyhow::Result<String> {
    let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    eprint!("{question}{shown} ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("can't read the answer")?;
    let line = line.trim();
    Ok(if line.is_empty() { default } else { line }.to_owned())
}

fn errors(found: &[Diagnostic]) -> BTreeSet<(String, String)> {
    let errors = found.iter().filter(|said| said.severity == Severity::Error);
    errors.map(|said| (said.file.clone(), said.message.clone())).collect()
}

/// Writes a file that is not there.
fn write(dir: &Path, source: &Source) -> anyhow::Result<()> {
    let path = dir.join(&source.path);
    let can_t = || format!("can't write {}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(can_t)?;
    }
    let mut file = std::fs::File::create_new(&path).with_context(can_t)?;
    file.write_all(source.text.as_bytes()).with_context(can_t)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a shop, errors only.
    fn wrong(sources: &[Source]) -> Vec<String> {
        errors(&deploy::check(sources, false).diagnostics).into_iter().map(|(_, message)| message).collect()
    }

    #[test]
    fn every_recipe_is_right_in_an_empty_folder_and_beside_the_others() {
        let book = recipes().unwrap();
        assert!(book.len() >= 16, "{}", book.len());
        let mut together: Vec<Source> = Vec::new();
        for recipe in &book {
            assert!(!recipe.about.is_empty(), "{}", recipe.name);
            let answers = |name: &str| Answers {
                name: name.to_owned(),
                topic: recipe.topic.clone(),
                owner: "ada".to_owned(),
                holdout: "5%".to_owned(),
                status: "draft".to_owned(),
            };
            let alone = recipe.written(&answers(&recipe.name), &[]).unwrap();
            assert_eq!(wrong(&alone), [""; 0], "{}", recipe.name);
            let journey = &alone[0].text;
            let transactional = recipe.topic.is_empty();
            assert!(journey.contains("\nowner: ada\n"), "{journey}");
            assert_eq!(journey.contains("\ntopic: "), !transactional, "{journey}");
            // In a shop of dollars that has its own topics and senders; `mine` beside what it starts itself.
            let shop = "currency: USD\ntopics:\n  news: { consent: opt_in }\nsenders:\n  me: { from: me@my.example, name: Me, stream: marketing }\n  bills: { from: bills@my.example, name: Me, stream: transactional }\n";
            if together.is_empty() {
                together.push(Source { path: "journeyman.yaml".to_owned(), text: shop.to_owned() });
            }
            let mut answers = answers(&format!("my-{}", recipe.name));
            answers.topic = if transactional { String::new() } else { "news".to_owned() };
            let written = recipe.written(&answers, &together).unwrap();
            assert!(written.iter().all(|source| !source.text.contains(" EUR")), "{}", recipe.name);
            assert!(written.iter().all(|new| together.iter().all(|known| known.path != new.path)));
            together.extend(written);
        }
        assert_eq!(wrong(&together), [""; 0]);
    }
}
