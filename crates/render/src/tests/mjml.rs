//! MJML and Handlebars in one file.

use serde_json::json;

use super::*;

fn laid_out(body: &str, vars: Value) -> String {
    let policies = policies(&["en"]);
    let mjml =
        format!("<mjml><mj-head><mj-title>A \"b\"</mj-title></mj-head><mj-body>{body}</mj-body></mjml>");
    let templates = compiled(
        &files(&[("t/email.mjml", &mjml), ("t/template.yaml", "from: billing\nsubject: x\n")]),
        &policies,
    );
    preview(&templates, &policies, "en", vars).unwrap().html
}

fn section(inside: &str) -> String {
    format!("<mj-section><mj-column>{inside}</mj-column></mj-section>")
}

#[test]
fn blocks_stand_between_sections_columns_and_words() {
    let body = "{{#each items}}<mj-section>{{#if @first}}<mj-column width=\"50%\"><mj-text>first</mj-text></mj-column>{{/if}}\
        <mj-column width=\"50%\">{{#if name}}<mj-text>{{name}}</mj-text>{{else}}<mj-text>nobody</mj-text>{{/if}}</mj-column></mj-section>{{/each}}";
    let html = laid_out(body, json!({ "items": [{ "name": "a" }, {}, { "name": "c" }] }));
    let words: Vec<&str> =
        html.split(['<', '>']).filter(|word| ["first", "a", "nobody", "c"].contains(word)).collect();
    assert_eq!(words, ["first", "a", "nobody", "c"]);
    for tag in ["table", "tr", "td", "div"] {
        let (open, close) =
            (html.matches(&format!("<{tag}")).count(), html.matches(&format!("</{tag}>")).count());
        assert_eq!(open, close, "{tag}");
    }
    assert_eq!(html.matches("[if").count(), html.matches("[endif]").count());
    // Two rules of two each, however many rows.
    assert_eq!(html.matches("width:50%").count(), 4);
    assert!(!html.contains("hbs0x") && !html.contains("mj-raw"));
}

#[test]
fn values_reach_attributes_as_they_are() {
    let body = section(
        "<mj-button href=\"{{url}}\" data-track=\"no\">Go</mj-button>\
         <mj-image src=\"{{image}}\" alt='\"{{name}}\" ❤️\u{301} \\' />\
         <mj-text><b style='font-family:\"A\",\n b' title=\"ä\\n\">x</b><br></mj-text>",
    );
    let vars =
        json!({ "url": "https://s.example/?a=1&b=2", "image": "https://i.example/x", "name": "\"q\"" });
    let html = laid_out(&body, vars);
    for expected in [
        "href=\"https://s.example/?a=1&amp;b=2\"",
        "src=\"https://i.example/x\"",
        "alt=\"&quot;&quot;q&quot;&quot; ❤️\u{301} \\\"",
        "style=\"font-family:&quot;A&quot;,  b\"",
        "title=\"ä\\n\"",
        "<title>A &quot;b&quot;</title>",
        "aria-label=\"A &quot;b&quot;\"",
        "lang=\"en\" dir=\"ltr\"",
    ] {
        assert!(html.contains(expected), "{expected}\n{html}");
    }
    assert!(!html.contains("data-track") && !html.contains("fonts.googleapis"));
}

#[test]
fn comments_and_a_preheader() {
    let policies = policies(&["en"]);
    let yaml = "from: billing\nsubject: x\npreheader: \"{{a}} & more\"\n";
    let mjml = format!(
        "<mjml><mj-body><!-- {{{{b}}}} -->{}</mj-body></mjml>",
        section("<mj-text>x<!-- y --></mj-text>")
    );
    let templates = compiled(&files(&[("t/email.mjml", &mjml), ("t/template.yaml", yaml)]), &policies);
    let mail = preview(&templates, &policies, "en", json!({ "a": "<i>" })).unwrap();
    let at = mail.html.find("<body").unwrap();
    let after = mail.html[at..].split_once('>').unwrap().1;
    assert!(after.starts_with("<div style=\"display:none;"), "{after}");
    assert!(after.contains(">&lt;i&gt; &amp; more&#847;"));
    assert_eq!(mail.text, "x\n");
    assert!(!mail.html.contains("<!-- "));
    assert_eq!(templates.signature("t").unwrap().variables.len(), 1);
}
