//! A folder of journeys read, and what is wrong with it drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use journeyman_journey::{Diagnostic, FILE_BYTES, Severity, Source};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceSpan};

/// What has been printed already: the exit code is all that is left to say.
#[derive(Debug, thiserror::Error)]
#[error("there are errors")]
pub(crate) struct Told;

/// As [`Told`], with an exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("not all is well")]
pub(crate) struct ToldAs(pub(crate) u8);

/// How deep folders of journeys may be nested.
const FOLDERS: usize = 8;
/// How many files are read.
const FILES: usize = 5_000;

/// Where templates stand.
const TEMPLATES: &str = "templates";
/// What of it is read: what a template is made of, and what somebody may have taken for it, to be told so.
const TEMPLATE_ENDINGS: [&str; 7] = [".yaml", ".mjml", ".hbs", ".yml", ".html", ".htm", ".txt"];

/// Everything of a folder that makes a deployment: `journeyman.yaml`, `tracking.yaml`, `journeys/**/*.yaml`,
/// `templates/**`.
///
/// # Errors
/// A folder without journeys, and a file that can't be read.
pub(crate) fn read_folder(dir: &Path) -> anyhow::Result<Vec<Source>> {
    let sources = read_shop(dir)?;
    if !sources.iter().any(is_journey) {
        let journeys = dir.join("journeys");
        bail!(
            "there are no journeys in {}; write one to {} (docs/journeys.md shows how)",
            journeys.display(),
            journeys.join("welcome.yaml").display()
        );
    }
    Ok(sources)
}

/// As [`read_folder`], of a folder in which no journeys need to stand.
///
/// # Errors
/// A file that can't be read.
pub(crate) fn read_shop(dir: &Path) -> anyhow::Result<Vec<Source>> {
    if !dir.is_dir() {
        bail!("{} is no folder; name the one that holds journeyman.yaml and journeys/", dir.display());
    }
    let mut sources = Vec::new();
    for name in [crate::config::FILE, "tracking.yaml"] {
        if dir.join(name).is_file() {
            sources.push(read(&dir.join(name), name.to_owned())?);
        }
    }
    for (folder, endings) in [("journeys", &[".yaml", ".yml"][..]), (TEMPLATES, &TEMPLATE_ENDINGS)] {
        let below = dir.join(folder);
        if below.is_dir() {
            walk(&below, (folder, endings), FOLDERS, &mut sources)?;
        }
    }
    Ok(sources)
}

/// The folder of a file of `templates/`: a template's name, or what several share.
pub(crate) fn template_folder(path: &str) -> Option<&str> {
    let (folder, _) = path.strip_prefix(TEMPLATES)?.strip_prefix('/')?.split_once('/')?;
    Some(folder)
}

fn is_journey(source: &Source) -> bool {
    source.path.starts_with("journeys/") && !is_segment(source)
}

fn is_segment(source: &Source) -> bool {
    source.path.starts_with("journeys/segments/")
}

/// The names of templates: folders that say what they are.
fn templates(sources: &[Source]) -> BTreeSet<&str> {
    let named = sources.iter().filter(|source| source.path.ends_with("/template.yaml"));
    named.filter_map(|source| template_folder(&source.path)).collect()
}

/// The files below a folder that end so, by name; links to folders are not followed.
fn walk(
    folder: &Path,
    (path, endings): (&str, &[&str]),
    deeper: usize,
    sources: &mut Vec<Source>,
) -> anyhow::Result<()> {
    let can_t = || format!("can't read the folder {}", folder.display());
    let mut entries =
        std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).with_context(can_t)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            bail!("{} has a name that is no text", entry.path().display())
        };
        let path = format!("{path}/{name}");
        if entry.file_type().with_context(can_t)?.is_dir() {
            let Some(deeper) = deeper.checked_sub(1) else {
                bail!("{} is nested more than {FOLDERS} folders deep", entry.path().display());
            };
            walk(&entry.path(), (&path, endings), deeper, sources)?;
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            if sources.len() >= FILES {
                bail!("there are more than {FILES} files in {}", folder.display());
            }
            sources.push(read(&entry.path(), path)?);
        }
    }
    Ok(())
}

/// One file. Of one that is too large just enough is read to say so.
fn read(file: &Path, path: String) -> anyhow::Result<Source> {
    use std::io::Read as _;
    let open = std::fs::File::open(file).with_context(|| format!("can't read {}", file.display()))?;
    let mut bytes = Vec::new();
    let most = FILE_BYTES as u64 + 1;
    open.take(most).read_to_end(&mut bytes).with_context(|| format!("can't read {}", file.display()))?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        // The cut may have gone through a character.
        Err(error) if error.as_bytes().len() as u64 == most => {
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        }
        Err(_) => bail!("{} is not UTF-8; save it as UTF-8", file.display()),
    };
    Ok(Source { path, text })
}

/// How many of each there are.
pub(crate) struct Summary {
    journeys: usize,
    segments: usize,
    templates: usize,
    errors: usize,
    warnings: usize,
}

impl Summary {
    pub(crate) fn new(sources: &[Source], diagnostics: &[Diagnostic]) -> Self {
        let errors = diagnostics.iter().filter(|said| said.severity == Severity::Error).count();
        Self {
            journeys: sources.iter().filter(|source| is_journey(source)).count(),
            segments: sources.iter().filter(|source| is_segment(source)).count(),
            templates: templates(sources).len(),
            errors,
            warnings: diagnostics.len() - errors,
        }
    }

    pub(crate) fn failed(&self) -> bool {
        self.errors > 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many =
            |count: usize, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
        write!(f, "{}, {}", many(self.journeys, "journey"), many(self.segments, "segment"))?;
        if self.templates > 0 {
            write!(f, ", {}", many(self.templates, "template"))?;
        }
        write!(f, ": {}, {}", many(self.errors, "error"), many(self.warnings, "warning"))
    }
}

/// As one JSON object.
pub(crate) fn json(summary: &Summary, diagnostics: &[Diagnostic]) -> serde_json::Value {
    let diagnostic = |said: &Diagnostic| {
        serde_json::json!({
            "code": said.code,
            "severity": said.severity.to_string(),
            "file": said.file,
            "line": said.span.line,
            "column": said.span.column,
            "length": said.span.length,
            "start": said.span.start,
            "end": said.span.end,
            "message": said.message,
            "help": said.help,
            "nearest": said.nearest,
        })
    };
    serde_json::json!({
        "journeys": summary.journeys,
        "segments": summary.segments,
        "templates": summary.templates,
        "errors": summary.errors,
        "warnings": summary.warnings,
        "diagnostics": diagnostics.iter().map(diagnostic).collect::<Vec<_>>(),
    })
}

/// All diagnostics, drawn; in colour only for a terminal.
pub(crate) fn draw(sources: &[Source], diagnostics: &[Diagnostic], colour: bool) -> String {
    let texts: BTreeMap<&str, Arc<String>> =
        sources.iter().map(|source| (source.path.as_str(), Arc::new(source.text.clone()))).collect();
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler =
        GraphicalReportHandler::new_themed(theme).with_width(110).with_context_lines(1).with_links(false);
    let mut drawn = String::new();
    for said in diagnostics {
        let text = texts.get(said.file.as_str()).cloned().unwrap_or_default();
        let drawing = Drawing { said, source: NamedSource::new(&said.file, text) };
        if handler.render_report(&mut drawn, &drawing).is_err() {
            drawn.push_str(&said.to_string());
        }
        drawn.push('\n');
    }
    drawn
}

/// Writes to standard output. A reader that has gone away has read enough.
pub(crate) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Whether what is printed is seen by somebody who has not asked for plain text.
pub(crate) fn in_colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
}

/// A diagnostic as miette draws it.
struct Drawing<'a> {
    said: &'a Diagnostic,
    source: NamedSource<Arc<String>>,
}

impl fmt::Debug for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.said, f)
    }
}

impl fmt::Display for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said.message)
    }
}

impl std::error::Error for Drawing<'_> {}

impl miette::Diagnostic for Drawing<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.said.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.said.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.said.help))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = SourceSpan::from((self.said.span.start, self.said.span.end - self.said.span.start));
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, span))))
    }
}

#[cfg(test)]
mod tests;
