//! What becomes of values: escaped, missing, compared; and that the same gives the same.

use serde_json::json;

use super::*;
use crate::Reason;

fn body(text: &str, vars: Value) -> Result<String, Error> {
    let policies = policies(&["en"]);
    let templates = compiled(&html(text), &policies);
    Ok(preview(&templates, &policies, "en", vars)?.html)
}

#[test]
fn blocks_and_values() {
    let cases = [
        ("{{a}}", json!({ "a": 3.0 }), "3"),
        ("{{a}}", json!({ "a": true }), "true"),
        ("{{a}}", json!({ "a": "" }), ""),
        ("{{default a 'x'}}", json!({ "a": " " }), "x"),
        ("{{default a 'x'}}", json!({}), "x"),
        ("{{default a b}}", json!({}), ""),
        ("{{or a b}}", json!({ "b": 2 }), "2"),
        ("{{#if a}}1{{else if b}}2{{else}}3{{/if}}", json!({ "b": 1 }), "2"),
        ("{{#if a}}1{{else if b}}2{{else}}3{{/if}}", json!({}), "3"),
        ("{{#unless a}}1{{else}}2{{/unless}}", json!({}), "1"),
        (
            "{{#each a}}{{@index}}{{this}}{{#unless @last}},{{/unless}}{{else}}none{{/each}}",
            json!({ "a": ["x", "y"] }),
            "0x,1y",
        ),
        ("{{#each a}}{{this}}{{else}}none{{/each}}", json!({ "a": [] }), "none"),
        ("{{#each a}}{{this}}{{else}}none{{/each}}", json!({}), "none"),
        (
            "{{#each a as |b c|}}{{c}}{{b.d}}{{../e}}{{/each}}",
            json!({ "a": [{ "d": 1 }, { "d": 2 }], "e": "!" }),
            "01!12!",
        ),
        (
            "{{#each a}}{{#each b}}{{this}}{{../c}}{{/each}}{{/each}}",
            json!({ "a": [{ "b": [1, 2], "c": "x" }] }),
            "1x2x",
        ),
        ("{{#with a}}{{b}}{{/with}}", json!({ "a": { "b": 1 } }), "1"),
        ("{{#if (gt a 1)}}y{{else}}n{{/if}}", json!({ "a": 2 }), "y"),
        ("{{#if (gt a 1)}}y{{else}}n{{/if}}", json!({}), "n"),
        ("{{#if (lte a 1)}}y{{else}}n{{/if}}", json!({}), "n"),
        ("{{#if (eq a b)}}y{{else}}n{{/if}}", json!({ "a": "x", "b": "x" }), "y"),
        ("{{#if (ne a 'x')}}y{{else}}n{{/if}}", json!({}), "y"),
        ("{{#if (gte a 50)}}y{{else}}n{{/if}}", json!({ "a": { "amount": "50.0", "currency": "EUR" } }), "y"),
        ("{{#if (and a (not b))}}y{{/if}}", json!({ "a": 1 }), "y"),
        ("\\{{a}}", json!({}), "{{a}}"),
        ("a {{! no }} b{{!-- {{c}} --}}", json!({}), "a  b"),
        ("a  {{~ b ~}}  c", json!({ "b": "x" }), "axc"),
        ("{{locale}}", json!({}), "en"),
    ];
    for (text, vars, expected) in cases {
        assert_eq!(body(text, vars).unwrap(), expected, "{text}");
    }
}

#[test]
fn what_is_missing_makes_no_message() {
    let missing = |text: &str, vars: Value| body(text, vars).unwrap_err().reason;
    let cases = [
        ("{{profile.first_name}}", json!({}), "profile.first_name"),
        ("{{profile.first_name}}", json!({ "profile": { "first_name": null } }), "profile.first_name"),
        ("{{money cart.value}}", json!({ "cart": null }), "cart.value"),
        ("{{#each a}}{{b}}{{/each}}", json!({}), "a"),
        ("{{#each a}}{{b.c}}{{/each}}", json!({ "a": [{ "b": { "c": 1 } }, { "b": 1 }] }), "a[].b.c"),
        ("<a href=\"{{url}}\">x</a>", json!({}), "url"),
    ];
    for (text, vars, path) in cases {
        assert_eq!(missing(text, vars), Reason::Missing(path.into()), "{text}");
    }
    // Where it is not spoken of, it is not missed.
    assert_eq!(body("{{#if a}}{{b}}{{/if}}", json!({})).unwrap(), "");
    assert_eq!(
        missing("{{#each a}}{{/each}}", json!({ "a": 3 })),
        Reason::Unfit { helper: "each", wanted: "list" }
    );
    assert_eq!(missing("{{a}}", json!({ "a": { "b": 1 } })), Reason::NoText);
    let error = body("{{a}}", json!({ "a": null })).unwrap_err();
    assert_eq!(error.to_string(), "template `t` in en: `a` is missing");
}

#[test]
fn nothing_that_data_holds_becomes_html() {
    let evil = "<script>alert('1')</script>\"' onload=x &amp;\u{0}\u{7}";
    let vars = json!({ "a": evil, "items": [{ "name": evil, "url": "javascript:alert(1)" }] });
    let text = "<p title=\"{{a}}\">{{a}}</p>{{#each items}}<a href=\"{{url}}\">{{upper name}}</a>{{/each}}";
    let escaped = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&#39; onload=x &amp;amp;";
    let upper = "&lt;SCRIPT&gt;ALERT(&#39;1&#39;)&lt;/SCRIPT&gt;&quot;&#39; ONLOAD=X &amp;AMP;";
    let expected = format!("<p title=\"{escaped}\">{escaped}</p><a href=\"#\">{upper}</a>");
    assert_eq!(body(text, vars).unwrap(), expected);
}

#[test]
fn a_subject_is_one_line() {
    let policies = policies(&["en"]);
    let yaml = "from: billing\nsubject: \"{{a}}\"\n";
    let templates = compiled(&files(&[("t/email.hbs", "x"), ("t/template.yaml", yaml)]), &policies);
    let subject = |a: &str| preview(&templates, &policies, "en", json!({ "a": a })).map(|mail| mail.subject);
    let cases = [
        ("🛒 Dein Warenkorb ❤️", "🛒 Dein Warenkorb ❤️"),
        ("a\r\nBcc: evil@example.com", "a  Bcc: evil@example.com"),
        ("a\u{2028}b\u{85}c\td", "a b c d"),
        ("\n a \n", "a"),
        ("<b> & \"c\"", "<b> & \"c\""),
    ];
    for (given, expected) in cases {
        assert_eq!(subject(given).unwrap(), expected);
    }
    assert_eq!(subject(&"x".repeat(998)).unwrap().len(), 998);
    assert_eq!(subject(&"x".repeat(999)).unwrap_err().reason, Reason::Subject);
}

#[test]
fn a_variant_says_what_it_says_in_the_place_of_the_template() {
    let policies = policies(&["en"]);
    let yaml = "from: billing\nsubject: Left behind\npreheader: Until Friday\nvariants:\n  question:\n    subject: \"Still thinking, {{a}}?\"\n  short:\n    preheader: Soon gone\n";
    let templates = compiled(&files(&[("t/email.hbs", "<p>Hi</p>"), ("t/template.yaml", yaml)]), &policies);
    let signature = templates.signature("t").unwrap();
    assert_eq!(signature.variants, ["question", "short"].map(std::sync::Arc::from));
    assert_eq!(signature.variables.len(), 1);
    for (variant, subject, preheader) in [
        (None, "Left behind", "Until Friday"),
        (Some("question"), "Still thinking, Ada?", "Until Friday"),
        (Some("short"), "Left behind", "Soon gone"),
        // Gone by now.
        (Some("other"), "Left behind", "Until Friday"),
    ] {
        let data = Data { variant: variant.map(Into::into), ..data("en", json!({ "a": "Ada" })) };
        let context = context();
        let tracking = Tracking { keys: None, base: BASE };
        let mail = templates.email(&policies, &wording(&data, &context), &tracking).unwrap();
        assert_eq!(mail.subject, subject);
        assert!(mail.html.contains(preheader), "{variant:?}: {}", mail.html);
    }
}

#[test]
fn senders_and_languages() {
    let mut policies = policies(&["en", "de", "he"]);
    let yaml = "subject: { en: Hi, de: Hallo, he: שלום }\n";
    let templates = compiled(
        &files(&[("t/email.hbs", "<html><body>{{locale}}</body></html>"), ("t/template.yaml", yaml)]),
        &policies,
    );
    let mail = |policies: &Policies, locale: &str, sender| {
        let (data, context) = (data(locale, json!({})), context());
        let wording = Wording { sender, ..wording(&data, &context) };
        templates.email(policies, &wording, &Tracking { keys: None, base: BASE })
    };
    let german = mail(&policies, "de-AT", Some("shop")).unwrap();
    assert_eq!((german.subject.as_str(), german.from_name.as_str()), ("Hallo", "Der Laden"));
    assert_eq!(
        (german.locale.as_ref(), german.html.as_str()),
        ("de", "<html lang=\"de\" dir=\"ltr\"><body>de</body></html>")
    );
    assert_eq!(german.reply_to.as_deref(), Some("care@shop.example"));
    let hebrew = mail(&policies, "he", None).unwrap();
    assert_eq!(hebrew.subject, "שלום");
    assert_eq!(hebrew.html, "<html lang=\"he\" dir=\"rtl\"><body>he</body></html>");
    // Nobody named: the only one of its stream.
    assert_eq!(&*mail(&policies, "en", None).unwrap().from_name, "Shop Billing");
    assert_eq!(mail(&policies, "en", Some("x")).unwrap_err().reason, Reason::Sender("x".into()));
    policies.senders.remove("billing");
    assert_eq!(mail(&policies, "en", None).unwrap_err().reason, Reason::NoSender);
}

#[test]
fn the_same_gives_the_same() {
    let policies = policies(&["en"]);
    let text = "<a href=\"https://s.example/{{a}}\">{{money b}}</a>{{unsubscribe_url}}";
    let vars = json!({ "a": "x", "b": 3 });
    let (data, context, keys) = (data("en", vars), context(), ring());
    let tracking = Tracking { keys: Some(&keys), base: BASE };
    let mail = || {
        let templates = compiled(&html(text), &policies);
        let wording = Wording { marketing: true, ..wording(&data, &context) };
        templates.email(&policies, &wording, &tracking).unwrap()
    };
    assert_eq!(mail(), mail());
    // Which key is the context's, whatever the ring has come to.
    let later = Context { key: 2, ..context.clone() };
    let templates = compiled(&html(text), &policies);
    let other = templates
        .email(&policies, &Wording { marketing: true, ..wording(&data, &later) }, &tracking)
        .unwrap();
    assert_ne!(mail().html, other.html);
}
