//! `journeyman explain`.

use clap::Args;
use journeyman_domain::Refused;
use journeyman_journey::explain::{Example, page};
use journeyman_journey::{CODES, Severity};
use serde_json::{Value, json};

use crate::diagnostics;

/// Explain a code of `check`, or a reason why nothing was sent
///
/// What it means, why it matters, and what to write instead. Without a code: all that there are.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman explain J0101\n  journeyman explain lane_busy\n  journeyman explain --json\n\n\
                  Exit codes: 0 explained, 1 there is no such code."
)]
pub(super) struct Explain {
    /// J0101, or a reason such as lane_busy
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let text = match &self.code {
            None if self.json => format!("{}\n", all_as_json()),
            None => all(),
            Some(code) => self.one(code)?,
        };
        diagnostics::print(&text);
        Ok(())
    }

    fn one(&self, asked: &str) -> anyhow::Result<String> {
        if let Some(reason) = Refused::ALL.into_iter().find(|reason| reason.code() == asked) {
            let (code, meaning) = (reason.code(), reason.meaning());
            return Ok(match self.json {
                true => format!("{}\n", json!({ "code": code, "says": meaning })),
                false => format!("{code}: {meaning}\n"),
            });
        }
        let wanted = asked.to_ascii_uppercase();
        let known = CODES.iter().find(|code| code.id == wanted);
        let (Some(code), Some(page)) = (known, page(&wanted)) else {
            anyhow::bail!("there is no code {asked}; `journeyman explain` lists those that there are");
        };
        if self.json {
            let example = |Example { right, place, text }: &Example| json!({ "right": right, "place": place, "text": text });
            let examples: Vec<Value> = page.examples.iter().map(example).collect();
            let told = json!({
                "code": code.id, "severity": code.severity.to_string(), "about": code.about, "says": page.says,
                "examples": examples,
            });
            return Ok(format!("{told}\n"));
        }
        let mut text =
            format!("{} ({}): {}\n\n{}\n", code.id, code.severity, code.about, textwrap(page.says));
        for Example { right, place, text: example } in &page.examples {
            let verdict = if *right { "right" } else { "wrong" };
            let of = match *place {
                "condition" => "as a condition",
                "steps" => "among the steps",
                "header" => "in a journey",
                "enter" => "in `enter`",
                file => file.strip_prefix("file ").unwrap_or(file),
            };
            text.push_str(&format!("\n{verdict}, {of}:\n"));
            example.lines().for_each(|line| text.push_str(&format!("    {line}\n")));
        }
        Ok(text)
    }
}

fn textwrap(text: &str) -> String {
    super::describe::folded(text).trim_end().to_owned()
}

fn all() -> String {
    let mut text = String::new();
    for code in CODES {
        let warning = if code.severity == Severity::Warning { " (warning)" } else { "" };
        text.push_str(&format!("{}  {}{warning}\n", code.id, code.about));
    }
    text.push('\n');
    for reason in Refused::ALL {
        text.push_str(&format!("{:<16}  {}\n", reason.code(), super::cut(reason.meaning(), 80)));
    }
    text
}

fn all_as_json() -> Value {
    let codes = CODES
        .iter()
        .map(|code| json!({ "code": code.id, "severity": code.severity.to_string(), "about": code.about }));
    let reasons =
        Refused::ALL.iter().map(|reason| json!({ "code": reason.code(), "says": reason.meaning() }));
    json!({ "codes": codes.collect::<Vec<_>>(), "reasons": reasons.collect::<Vec<_>>() })
}
