//! Nothing grows without end, and nothing panics.

use serde_json::json;

use super::*;
use crate::{OUTPUT_BYTES, Reason, SOURCE_BYTES};

#[test]
fn output_stops_at_its_limit() {
    let policies = policies(&["en"]);
    let templates = compiled(&html("{{#each a}}{{this}}{{/each}}"), &policies);
    let mail = |bytes: usize, times: usize| {
        let vars = json!({ "a": vec!["x".repeat(bytes); times] });
        preview(&templates, &policies, "en", vars).map(|mail| mail.html.len())
    };
    assert_eq!(mail(OUTPUT_BYTES, 1), Ok(OUTPUT_BYTES));
    assert_eq!(mail(OUTPUT_BYTES + 1, 1).unwrap_err().reason, Reason::TooLong);
    // Ten megabytes.
    assert_eq!(mail(10_240, 1_024).unwrap_err().reason, Reason::TooLong);
}

#[test]
fn steps_stop_at_theirs() {
    let policies = policies(&["en"]);
    let text =
        "{{#each a}}{{#each ../a}}{{#each ../../a}}{{#if (eq this 'y')}}x{{/if}}{{/each}}{{/each}}{{/each}}";
    let templates = compiled(&html(text), &policies);
    let mail = |times: usize| preview(&templates, &policies, "en", json!({ "a": vec!["x"; times] }));
    assert_eq!(mail(50).unwrap().html, "");
    assert_eq!(mail(200).unwrap_err().reason, Reason::TooMuch);
}

#[test]
fn sources_are_bounded() {
    let policies = policies(&["en"]);
    let faults = |bytes: usize| Templates::compile(&html(&"x".repeat(bytes)), &policies).1;
    assert_eq!(faults(SOURCE_BYTES), []);
    let told = faults(SOURCE_BYTES + 1);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].message.contains("at most"));
    for deep in ["{{#if a}}".repeat(20_000), "<b>".repeat(20_000), "(".repeat(50_000)] {
        let mjml = format!(
            "<mjml><mj-body><mj-section><mj-column><mj-text>{deep}</mj-text></mj-column></mj-section></mj-body></mjml>"
        );
        let given = files(&[("t/email.mjml", &mjml), ("t/template.yaml", "subject: x\n")]);
        Templates::compile(&given, &policies);
    }
}

#[test]
fn nothing_panics_whatever_is_written() {
    let policies = policies(&["en", "de"]);
    let shipped = shipped::folder();
    let mut seed = 7_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below.max(1) as u64).unwrap_or(0)
    };
    const SPLINTERS: [&str; 16] = [
        "{{",
        "}}",
        "{{/if}}",
        "{{#each a}}",
        "{{else}}",
        "<mj-section>",
        "</mj-text>",
        "\"",
        "'",
        "<",
        "&#x0;",
        "ä",
        "\u{0}",
        "{{> shop}}",
        ": ",
        "hbs0x0z",
    ];
    for _ in 0..150 {
        let mut files = shipped.clone();
        for _ in 0..=random(3) {
            let nth = random(files.len());
            let text = &mut files[nth].text;
            let mut at = random(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            match random(3) {
                0 => text.truncate(at),
                1 => text.insert_str(at, SPLINTERS[random(SPLINTERS.len())]),
                _ => {
                    let mut end = (at + random(40)).min(text.len());
                    while !text.is_char_boundary(end) {
                        end -= 1;
                    }
                    text.replace_range(at..end.max(at), "");
                }
            }
        }
        let (templates, faults) = Templates::compile(&files, &policies);
        for fault in &faults {
            let text =
                files.iter().find(|file| *file.path == *fault.place.file).map_or("", |file| &file.text);
            assert!(text.get(fault.place.start..fault.place.end).is_some(), "{fault:?}");
        }
        for name in templates.names() {
            let (data, context) = (templates.sample(name, "de").unwrap(), context());
            let wording = Wording { template: name, marketing: true, ..wording(&data, &context) };
            let _ = templates.email(&policies, &wording, &Tracking { keys: Some(&ring()), base: BASE });
        }
    }
}
