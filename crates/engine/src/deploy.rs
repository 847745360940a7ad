//! From files to what is deployed: checked together, stored, and compiled again from what is stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use journeyman_domain::person::WATCHED;
use journeyman_domain::plan::{Deployment, Plan, PlanHash, Policies, Status};
use journeyman_domain::template::{Fault, Signature};
use journeyman_journey::{Checked, Kind, Severity, Source, check as check_journeys, pinned, template_faults};
use journeyman_render::{TemplateFile, Templates};
use journeyman_store::deployments::StoredSource;

use crate::outlet::Wordings;

/// The kind of a journey among stored sources.
const JOURNEY: i16 = 1;
/// The kind of journeyman.yaml.
pub(crate) const POLICIES: i16 = 3;
/// The kind of a file of `templates/`; its name is its path there.
pub const TEMPLATE: i16 = 5;
/// Where templates stand.
const FOLDER: &str = "templates/";

/// Checks everything together: journeys with what stands around them, templates, and each against the other.
///
/// Outside production a folder without templates is one in which journeys are tried before their words are written:
/// names of templates are taken as they stand, and messages arrive in the inbox without words.
pub fn check(sources: &[Source], production: bool) -> Checked {
    let mut checked =
        check_all(sources, production, |templates| check_journeys(sources, templates, production));
    checked.diagnostics.extend(journeyman_journey::lints(sources, &checked));
    checked
}

fn check_all(
    sources: &[Source],
    production: bool,
    check: impl FnOnce(Option<journeyman_journey::Templates<'_>>) -> Checked,
) -> Checked {
    let (files, rest): (Vec<Source>, Vec<Source>) =
        sources.iter().cloned().partition(|source| source.path.starts_with(FOLDER));
    let policies = policies_of(&rest);
    let Some(policies) = policies.filter(|_| production || !files.is_empty()) else {
        return check(None);
    };
    let (templates, faults) = templates(&files, &policies);
    let signatures = signatures(&templates);
    // Of templates that can't be read nothing is known; what is wrong with them is said, not what would follow.
    let failed = faults.iter().any(|fault| fault.error);
    let known = journeyman_journey::Templates { signatures: &signatures, files: &files };
    let mut checked = check((!failed).then_some(known));
    checked.diagnostics.extend(template_faults(&faults, &files));
    if failed {
        checked.deployment = None;
    }
    checked
}

fn policies_of(sources: &[Source]) -> Option<Policies> {
    journeyman_journey::policies(sources)
}

fn templates(files: &[Source], policies: &Policies) -> (Templates, Vec<Fault>) {
    let files: Vec<TemplateFile> =
        files.iter().map(|file| TemplateFile { path: file.path.clone(), text: file.text.clone() }).collect();
    Templates::compile(&files, policies)
}

fn signatures(templates: &Templates) -> Vec<Signature> {
    templates.signatures().cloned().collect()
}

/// What a deployment of checked sources stores.
pub fn sources(checked: &Checked, sources: &[Source]) -> Vec<StoredSource> {
    let stored = checked.versions.iter().filter_map(|version| {
        let source = sources.get(version.source_index)?;
        Some(StoredSource {
            hash: version.hash,
            kind: match version.kind {
                Kind::Journey => JOURNEY,
                Kind::Segment => 2,
                Kind::Policies => POLICIES,
                Kind::Tracking => 4,
                // Each journey that uses one carries it.
                Kind::Snippet => return None,
            },
            name: version.name.to_string(),
            path: source.path.clone(),
            text: version.text.clone().unwrap_or_else(|| source.text.clone()),
            pinned: false,
        })
    });
    let templates = sources.iter().filter_map(|source| {
        let name = source.path.strip_prefix(FOLDER)?;
        Some(StoredSource {
            hash: PlanHash::of_text(&source.text),
            kind: TEMPLATE,
            name: name.to_owned(),
            path: source.path.clone(),
            text: source.text.clone(),
            pinned: false,
        })
    });
    stored.chain(templates).collect()
}

/// The names of the journeys that are deployed, and of those whose older versions runs go on in.
pub fn journeys(stored: &[StoredSource]) -> BTreeSet<&str> {
    stored.iter().filter(|stored| stored.kind == JOURNEY).map(|stored| stored.name.as_str()).collect()
}

fn source(stored: &StoredSource) -> Source {
    Source { path: stored.path.clone(), text: stored.text.clone() }
}

fn told(found: &[journeyman_journey::Diagnostic]) -> String {
    let errors = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors.map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Compiles what is stored. It was checked before it was stored, so that what fails here was stored by a version of
/// this program that knew more.
///
/// # Errors
/// What can't be compiled, for people.
pub fn compile(number: i64, stored: &[StoredSource]) -> Result<Deployment, String> {
    let deployed: Vec<Source> = stored.iter().filter(|stored| !stored.pinned).map(source).collect();
    let checked = check_all(&deployed, false, |templates| journeyman_journey::stored(&deployed, templates));
    let Some(mut deployment) = checked.deployment else { return Err(told(&checked.diagnostics)) };
    deployment.number = number;
    let live = |plan: &&Arc<Plan>| plan.status == Status::Live && plan.enter.watch.is_some();
    let watched = deployment.plans.iter().filter(live).count();
    if watched > WATCHED {
        return Err(format!(
            "{watched} live journeys begin on a segment, a date or the calendar, and {WATCHED} are the most: each \
             watches everybody; archive some"
        ));
    }
    // Of what stands around it a journey needs policies, segments, tracking and templates; other journeys are nothing to
    // it.
    let around = stored.iter().filter(|stored| !stored.pinned && ![JOURNEY, TEMPLATE].contains(&stored.kind));
    let around: Vec<Source> = around.map(source).collect();
    let mut known = None;
    for stored in stored.iter().filter(|stored| stored.pinned) {
        let signatures = known.get_or_insert_with(|| {
            let files: Vec<Source> =
                deployed.iter().filter(|source| source.path.starts_with(FOLDER)).cloned().collect();
            (!files.is_empty()).then(|| signatures(&templates(&files, &deployment.policies).0))
        });
        let plan = pinned(&source(stored), &around, signatures.as_deref()).map_err(|found| told(&found))?;
        deployment.pinned.push(Arc::new(plan));
    }
    Ok(deployment)
}

/// The words of what is stored, for who sends.
///
/// # Errors
/// As [`compile`].
pub fn wordings(stored: &[StoredSource]) -> Result<Wordings, String> {
    let rest: Vec<Source> =
        stored.iter().filter(|stored| !stored.pinned && stored.kind == POLICIES).map(source).collect();
    let policies = match rest.as_slice() {
        [] => Policies::default(),
        rest => policies_of(rest).ok_or("journeyman.yaml can't be read by this version")?,
    };
    let files: Vec<Source> = stored.iter().filter(|stored| stored.kind == TEMPLATE).map(source).collect();
    if files.is_empty() {
        return Ok(Wordings { templates: None, policies: Arc::new(policies) });
    }
    let (templates, faults) = templates(&files, &policies);
    if faults.iter().any(|fault| fault.error) {
        return Err(told(&template_faults(&faults, &files)));
    }
    Ok(Wordings { templates: Some(Arc::new(templates)), policies: Arc::new(policies) })
}
