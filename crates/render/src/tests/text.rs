//! The text part.

use serde_json::json;

use super::*;

fn text(html: &str, vars: Value) -> String {
    let policies = policies(&["en"]);
    let templates = compiled(&super::html(html), &policies);
    preview(&templates, &policies, "en", vars).unwrap().text
}

#[test]
fn is_made_of_the_html() {
    let cases = [
        ("<p>a</p><p>b  c\n d</p>", json!({}), "a\n\nb c d\n"),
        ("<head><title>x</title><style>y</style></head><body>z</body>", json!({}), "z\n"),
        ("a<!-- b --><!--[if mso]><b>c</b><![endif]-->d", json!({}), "ad\n"),
        ("<div style=\"DISPLAY:none\">x</div><div style=\"display: none\">a</div>b", json!({}), "b\n"),
        ("a<br>b<div>c</div>d", json!({}), "a\nb\nc\nd\n"),
        ("<ul><li>a</li><li>b</li></ul>", json!({}), "- a\n- b\n"),
        ("<a href=\"https://s.example\">x</a>", json!({}), "x: https://s.example\n"),
        ("<a href=\"https://s.example\">https://s.example</a>", json!({}), "https://s.example\n"),
        (
            "<a href=\"https://s.example\"><img src=\"https://i.example\" alt=\"The shop\"></a>",
            json!({}),
            "The shop: https://s.example\n",
        ),
        (
            "<a href=\"https://s.example\"><img src=\"https://i.example\" alt=\"\"></a>",
            json!({}),
            "https://s.example\n",
        ),
        (
            "<a href=\"https://s.example\">x</a><a href=\"tel:+49 30\">y</a>.",
            json!({}),
            "x: https://s.example y: +49 30 .\n",
        ),
        ("<a href=\"#top\">up</a>", json!({}), "up\n"),
        ("&lt;b&gt; &amp; &eacute;", json!({}), "<b> & é\n"),
        ("{{a}}", json!({ "a": "<b> & 'c'" }), "<b> & 'c'\n"),
        (
            "<table><tr><th>a</th><th>b</th></tr>{{#each x}}<tr><td>{{n}}</td> <td>{{m}}</td></tr>{{/each}}</table>",
            json!({ "x": [{ "n": 1, "m": 2 }, { "n": 3, "m": 4 }] }),
            "a  b\n1  2\n3  4\n",
        ),
        ("<ul>\n{{#each x}}\n<li>{{this}}</li>\n{{/each}}\n</ul>", json!({ "x": ["a", "b"] }), "- a\n- b\n"),
        ("<p>{{#if a}}b{{else}}c{{/if}} d</p>", json!({}), "c d\n"),
        ("<span aria-hidden=\"true\">x</span>y", json!({}), "y\n"),
    ];
    for (html, vars, expected) in cases {
        assert_eq!(text(html, vars), expected, "{html}");
    }
}

#[test]
fn or_its_own() {
    let policies = policies(&["en", "de"]);
    let yaml = "from: billing\nlayout: l\nsubject: { en: x, de: y }\ntexts: { bye: { en: 'Bye & <x>', de: Servus } }\n";
    let given = files(&[
        // The template's own go before what all share.
        ("texts.yaml", "bye: { en: Nobody, de: Niemand }\n"),
        ("layouts/l.hbs", "<body>{{> body}}</body>"),
        ("layouts/l.txt.hbs", "{{> body}}\n--\n{{> foot}}"),
        ("partials/foot.txt.hbs", "{{text 'bye'}}\n"),
        ("t/email.hbs", "<p>{{text 'bye'}}</p>"),
        (
            "t/email.txt.hbs",
            "A {{a}}\n{{#if b}}\nB\n{{/if}}\nSee https://s.example/{{a}}, or (https://s.example).\n",
        ),
        ("t/email.de.txt.hbs", "Ein {{a}}\n"),
        ("t/template.yaml", yaml),
    ]);
    let templates = compiled(&given, &policies);
    let mail = |locale| preview(&templates, &policies, locale, json!({ "a": "<x>" })).unwrap();
    let english = mail("en");
    assert_eq!(
        english.text,
        "A <x>\nSee https://s.example/%3Cx%3E, or (https://s.example).\n--\nBye & <x>\n"
    );
    assert_eq!(english.html, "<body><p>Bye &amp; &lt;x&gt;</p></body>");
    assert_eq!(mail("de").text, "Ein <x>\n--\nServus\n");
}
