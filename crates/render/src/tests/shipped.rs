//! The templates that are shipped, with their samples, in each of their languages.

use std::path::Path;

use journeyman_domain::template::Signature;
use serde_json::json;

use super::*;

/// The files of the folder `templates/`.
pub(super) fn folder() -> Vec<TemplateFile> {
    fn walk(folder: &Path, root: &Path, files: &mut Vec<TemplateFile>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, files);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.push(TemplateFile { path, text });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    walk(&root.join("templates"), &root, &mut files);
    files
}

/// The shipped templates, compiled, of which nothing is wrong.
fn shipped(policies: &Policies) -> Templates {
    let (templates, faults) = Templates::compile(&folder(), policies);
    assert_eq!(faults, []);
    let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates")).unwrap();
    let mut folders: Vec<String> = folders
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !["layouts", "partials"].contains(&name.as_str()))
        .collect();
    folders.sort();
    assert_eq!(templates.names().collect::<Vec<_>>(), folders);
    templates
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("shipped");
    settings
}

#[test]
fn every_template_in_every_language() {
    let policies = policies(&["en", "de"]);
    let (templates, settings) = (shipped(&policies), settings());
    for name in templates.names() {
        let channels = &templates.signature(name).unwrap().channels;
        for locale in ["en", "de"] {
            let (data, context) = (templates.sample(name, locale).unwrap(), context());
            let wording = Wording { template: name, marketing: true, ..wording(&data, &context) };
            let tracking = Tracking { keys: None, base: BASE };
            let mail = templates.email(&policies, &wording, &tracking).unwrap();
            // One tag a line, so that a change can be read.
            let html = mail.html.replace("><", ">\n<");
            let seen =
                format!("From: {}\nSubject: {}\n\n{}\n---\n{html}", mail.from_name, mail.subject, mail.text);
            settings.bind(|| insta::assert_snapshot!(format!("{name}.{locale}"), seen));
            if channels.contains(&Channel::Push) {
                let wording = Wording { channel: Channel::Push, ..wording };
                let push = templates.plain(&policies, &wording, &tracking).unwrap();
                let seen = format!("{}\n{}\n{}", push.title.unwrap(), push.text, push.url.unwrap());
                settings.bind(|| insta::assert_snapshot!(format!("{name}.push.{locale}"), seen));
            }
        }
    }
}

/// The sample with nothing in it but what there is no message without.
fn bare(signature: &Signature, sample: &Value) -> Value {
    fn put(into: &mut Value, path: &[&str], value: Value) {
        let (last, above) = path.split_last().unwrap();
        let mut at = into;
        for name in above {
            at = at.as_object_mut().unwrap().entry(*name).or_insert_with(|| json!({}));
        }
        at.as_object_mut().unwrap().insert((*last).to_owned(), value);
    }
    let names = |path: &Arc<[Arc<str>]>| path.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut vars = json!({});
    for variable in signature.variables.iter().filter(|variable| variable.required) {
        let path = names(&variable.path);
        let mut value = sample.pointer(&format!("/{}", path.join("/"))).unwrap().clone();
        for element in value.as_array_mut().filter(|_| variable.list).into_iter().flatten() {
            let given = element.take();
            *element = json!({});
            for field in variable.fields.iter().filter(|field| field.required) {
                let path = names(&field.path);
                let value = given.pointer(&format!("/{}", path.join("/"))).unwrap().clone();
                put(element, &path.iter().map(String::as_str).collect::<Vec<_>>(), value);
            }
        }
        put(&mut vars, &path.iter().map(String::as_str).collect::<Vec<_>>(), value);
    }
    vars
}

/// Of a person and a product nothing is known: sentences still begin with a capital and end.
#[test]
fn every_template_with_the_least_it_can_be_given() {
    let policies = policies(&["en", "de"]);
    let (templates, settings) = (shipped(&policies), settings());
    for name in templates.names() {
        for locale in ["en", "de"] {
            let sample = templates.sample(name, locale).unwrap();
            let vars = bare(templates.signature(name).unwrap(), &sample.vars);
            let (data, context) = (data(locale, vars), context());
            let wording = Wording { template: name, marketing: true, ..wording(&data, &context) };
            let mail = templates.email(&policies, &wording, &Tracking { keys: None, base: BASE }).unwrap();
            let seen = format!("Subject: {}\n\n{}", mail.subject, mail.text);
            settings.bind(|| insta::assert_snapshot!(format!("{name}.bare.{locale}"), seen));
        }
    }
}
