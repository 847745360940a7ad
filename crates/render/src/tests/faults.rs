//! What is wrong with templates, and where.

use super::*;

/// Files, and what is wrong with them.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);

const SETTINGS: &str = "from: billing\nsubject: Hello\n";

/// Every fault as `E file "what stands there" message`.
fn told(files: &[TemplateFile], locales: &[&str]) -> Vec<String> {
    let (_, faults) = Templates::compile(files, &policies(locales));
    let line = |fault: &Fault| {
        let text = files.iter().find(|file| *file.path == *fault.place.file).map_or("", |file| &file.text);
        let there = text.get(fault.place.start..fault.place.end).expect("a place on characters");
        assert!(!fault.help.is_empty(), "{fault:?}");
        let file = fault.place.file.trim_start_matches("templates/");
        format!("{} {file} [{there}] {}", if fault.error { "E" } else { "W" }, fault.message)
    };
    faults.iter().map(line).collect()
}

fn check(given: &[(&str, &str)], locales: &[&str], expected: &[&str]) {
    assert_eq!(told(&files(given), locales), expected, "{given:#?}");
}

/// A mail of HTML alone.
fn check_html(body: &str, expected: &[&str]) {
    check(&[("t/email.hbs", body), ("t/template.yaml", SETTINGS)], &["en"], expected);
}

#[test]
fn expressions_and_blocks() {
    let cases: &[(&str, &[&str])] = &[
        ("{{ mony cart.value }}", &["E t/email.hbs [{{ mony cart.value }}] there is no helper `mony`"]),
        ("{{#wiht x}}{{/wiht}}", &["E t/email.hbs [{{#wiht x}}] there is no block `{{#wiht}}`"]),
        ("<p>{{#if x}}</p>", &["E t/email.hbs [{{#if x}}] `{{#if}}` begins here and never ends"]),
        ("ä{{/if}}", &["E t/email.hbs [{{/if}}] `{{/if}}` ends nothing"]),
        (
            "{{#if x}}{{#each y}}{{/if}}{{/each}}",
            &[
                "E t/email.hbs [{{/if}}] `{{/if}}` stands where `{{#each}}` has to end",
                "E t/email.hbs [{{/each}}] `{{/each}}` ends nothing",
            ],
        ),
        ("{{else}}", &["E t/email.hbs [{{else}}] this `{{else}}` belongs to nothing"]),
        ("a {{ b", &["E t/email.hbs [{{ b] `{{` is opened here and never closed"]),
        ("{{}}", &["E t/email.hbs [{{}}] there is nothing in these braces"]),
        ("{{a b.}}", &["E t/email.hbs [{{a b.}}] this is not an expression"]),
        ("{{{{raw}}}}", &["E t/email.hbs [{{{{] raw blocks `{{{{…}}}}` are not read"]),
        ("{{> nobody}}", &["E t/email.hbs [{{> nobody}}] there is no partial `nobody`"]),
        ("{{> body}}", &["E t/email.hbs [{{> body}}] there is nothing to put in here"]),
        ("{{> a b=c}}", &["E t/email.hbs [{{> a b=c}}] partials take nothing along"]),
        (
            "{{#> a}}{{/a}}",
            &[
                "E t/email.hbs [{{#> a}}] partials with a body are not read",
                "E t/email.hbs [{{/a}}] `{{/a}}` ends nothing",
            ],
        ),
        (
            "{{text 'nothing'}}",
            &["E t/email.hbs [{{text 'nothing'}}] the template `t` has no words `nothing`"],
        ),
        (
            "{{{x}}}",
            &[
                "W t/email.hbs [{{{x}}}] this is written unescaped: who can set its value can write HTML into the mail",
            ],
        ),
        ("{{date at 'lng'}}", &["E t/email.hbs [{{date at 'lng'}}] there is no date style `lng`"]),
        ("{{plural n 'a'}}", &["E t/email.hbs [{{plural n 'a'}}] `plural` takes a number and two words"]),
        (
            "{{plural n 'a' 'b' fw='c'}}",
            &["E t/email.hbs [{{plural n 'a' 'b' fw='c'}}] `plural` knows no `fw=`"],
        ),
        ("{{money a b c}}", &["E t/email.hbs [{{money a b c}}] `money` takes 1 to 2 things, and is given 3"]),
        ("{{#if a b}}{{/if}}", &["E t/email.hbs [{{#if a b}}] `if` takes one condition"]),
        ("{{upper (link x)}}", &["E t/email.hbs [{{upper (link x)}}] `link` stands alone in its braces"]),
        ("{{@index}}", &["E t/email.hbs [{{@index}}] `@index` stands in no list"]),
        ("{{#each a}}{{@key}}{{/each}}", &["E t/email.hbs [{{@key}}] there is no `@key`"]),
        ("{{../a}}", &["E t/email.hbs [{{../a}}] `../a` leads out of everything"]),
        ("{{this}}", &["E t/email.hbs [{{this}}] `this` is everything there is"]),
        (
            "{{#each cart.items}}{{name}}{{profile.first_name}}{{/each}}",
            &[
                "E t/email.hbs [{{profile.first_name}}] in `{{#each}}` names are of the element, and `profile` is not one",
            ],
        ),
        (
            "{{#if offer}}{{offer.code}}{{/if}}",
            &[
                "E t/email.hbs [{{#if offer}}] `offer` is asked for as a whole here, and `offer.code` elsewhere",
            ],
        ),
        (
            "{{#with a}}{{b}}{{else}}{{/with}}",
            &["E t/email.hbs [{{#with a}}] `with` only shortens names; it has no `else`"],
        ),
        (
            "{{#each a}}{{#each b}}{{#each c}}{{#each d}}{{/each}}{{/each}}{{/each}}{{/each}}",
            &["E t/email.hbs [{{#each d}}] lists are gone through more than 3 deep in each other"],
        ),
        // Two at once, and neither hides the other.
        ("{{a b.}}{{mony c}}", &["E t/email.hbs [{{a b.}}] this is not an expression"]),
        (
            "{{mony c}}{{dat e}}",
            &[
                "E t/email.hbs [{{mony c}}] there is no helper `mony`",
                "E t/email.hbs [{{dat e}}] there is no helper `dat`",
            ],
        ),
    ];
    for (body, expected) in cases {
        let sample = |line: &&&str| !line.starts_with("W t/template.yaml");
        let expected: Vec<&str> = expected.iter().filter(sample).copied().collect();
        let told: Vec<String> =
            told(&files(&[("t/email.hbs", body), ("t/template.yaml", SETTINGS)]), &["en"])
                .into_iter()
                .filter(|line| !line.contains("has no sample"))
                .collect();
        assert_eq!(told, expected, "{body}");
    }
}

#[test]
fn html() {
    check_html(
        "<a href={{cart_url}}>x</a>",
        &["E t/email.hbs [{{cart_url}}] this stands in an attribute without quotes"],
    );
    check_html(
        "<td {{x}}>y</td>",
        &["E t/email.hbs [{{x}}] this stands between attributes, where its value could be one"],
    );
    check_html("<p>ß<a href=\"/cart\">x</a>", &["E t/email.hbs [/cart] a mail knows no address of its own"]);
    check_html("<script>x</script>", &["E t/email.hbs [<script>] mail runs no scripts"]);
    check_html(
        "<img src=\"https://a.example\">",
        &[
            "W t/email.hbs [<img src=\"https://a.example\">] this picture has no words for people who do not see it",
        ],
    );
}

#[test]
fn mjml() {
    let cases: &[(&str, &[&str])] = &[
        ("<mj-sektion></mj-sektion>", &["E t/email.mjml [<mj-sektion>] MJML has no element `<mj-sektion>`"]),
        (
            "<mj-section><mj-text>x</mj-text></mj-section>",
            &["E t/email.mjml [<mj-text>] `<mj-text>` can't stand in `<mj-section>`"],
        ),
        (
            "<mj-section><mj-column><mj-text>x <b>y</mj-text></mj-column></mj-section>",
            &["E t/email.mjml [<b>] `<b>` is opened here and not closed before `</mj-text>`"],
        ),
        (
            "<mj-section></mj-column></mj-section>",
            &["E t/email.mjml [</mj-column>] `</mj-column>` closes nothing"],
        ),
        (
            "<mj-section>{{#if a}}<mj-column>{{/if}}</mj-column></mj-section>",
            &[
                "E t/email.mjml [<mj-column>] `<mj-column>` is opened in a block that ends before `</mj-column>`",
                "E t/email.mjml [</mj-column>] `</mj-column>` closes nothing",
            ],
        ),
        (
            "<mj-section><mj-column>{{#if a}}</mj-column></mj-section>{{/if}}",
            &["E t/email.mjml [{{#if a}}] `{{#if}}` begins here and does not end before `</mj-column>`"],
        ),
        ("{{name}}", &["E t/email.mjml [{{name}}] this stands loose in `<mj-body>`"]),
        ("hello", &["E t/email.mjml [hello] this text stands loose: MJML shows nothing of it"]),
        (
            "<mj-include path=\"x\" />",
            &["E t/email.mjml [<mj-include path=\"x\" />] `<mj-include>` is not read"],
        ),
        (
            "<mj-section><mj-column><mj-button hrf=\"{{url}}\">x</mj-button></mj-column></mj-section>",
            &["E t/email.mjml [{{url}}] MJML leaves this out"],
        ),
        (
            "<mj-section><mj-column><mj-text>a < b</mj-text></mj-column></mj-section>",
            &[
                "E t/email.mjml [<] this is not well-formed: a `<` that begins no tag, or a quote that is not closed",
            ],
        ),
    ];
    let layout = "<mjml><mj-body>\n{{> body}}\n</mj-body></mjml>";
    let settings = "from: billing\nlayout: l\nsubject: Hello\n";
    for (body, expected) in cases {
        let given = [("layouts/l.mjml", layout), ("t/email.mjml", *body), ("t/template.yaml", settings)];
        check(&given, &["en"], expected);
    }
    check(
        &[
            ("t/email.mjml", "<mjml>{{x}}<mj-head>{{#if a}}{{/if}}</mj-head></mjml>"),
            ("t/template.yaml", SETTINGS),
        ],
        &["en"],
        &[
            "E t/email.mjml [{{x}}] MJML's head can't hold this",
            "E t/email.mjml [{{#if a}}] MJML's head can't hold this",
            "E t/email.mjml [{{/if}}] MJML's head can't hold this",
        ],
    );
}

/// A place is that of the file a person wrote, through layout, partial and words.
#[test]
fn places_go_through_everything() {
    let yaml = "from: billing\nlayout: l\nsubject: Hello\ntexts:\n  bye: { en: \"Bye {{mony x}}\", de: 'Tschüß {{#if}}' }\n";
    check(
        &[
            (
                "layouts/l.mjml",
                "<mjml><mj-body>{{> body}}<mj-section><mj-column><mj-text>ä {{lowr y}}</mj-text></mj-column></mj-section></mj-body></mjml>",
            ),
            ("partials/p.mjml", "<mj-text>é{{uper z}}</mj-text>"),
            (
                "t/email.mjml",
                "<mj-section><mj-column>{{> p}}<mj-text>{{text 'bye'}}</mj-text></mj-column></mj-section>",
            ),
            ("t/template.yaml", yaml),
        ],
        &["en"],
        &[
            "E layouts/l.mjml [{{lowr y}}] there is no helper `lowr`",
            "E partials/p.mjml [{{uper z}}] there is no helper `uper`",
            "E t/template.yaml [{{mony x}}] there is no helper `mony`",
            "E t/template.yaml [de] the shop does not speak `de`",
        ],
    );
}

#[test]
fn settings() {
    let mail = ("t/email.hbs", "<p>Hello</p>");
    let cases: &[(&str, &[&str])] = &[
        (
            "subjet: x\n",
            &[
                "E t/template.yaml [] this mail has no subject",
                "E t/template.yaml [subjet] `subjet` is not a word of this file",
            ],
        ),
        (
            "subject: x\nsubject: y\n",
            &[
                "E t/template.yaml [subject] `subject` stands twice in this block",
                "E t/template.yaml [subject] `subject` has no words in de",
            ],
        ),
        ("subject: [x]\n", &["E t/template.yaml [x] `subject` is a list, and has to be words by locale"]),
        ("subject: { en: x }\n", &["E t/template.yaml [subject] `subject` has no words in de"]),
        ("subject: { en: x, de: y, dee: z }\n", &["E t/template.yaml [dee] the shop does not speak `dee`"]),
        ("subject: !x y\n", &["E t/template.yaml [!x] `!` at the beginning of a value is a tag in YAML"]),
        (
            "subject: {{x}}\n",
            &[
                "E t/template.yaml [x] a value that begins with `{{` needs quotes",
                "E t/template.yaml [subject] `subject` has no words in en, de",
            ],
        ),
        (
            "subject: { en: x, de: y }\nfrom: shpo\n",
            &["E t/template.yaml [shpo] journeyman.yaml has no sender `shpo`"],
        ),
        (
            "subject: { en: x, de: y }\nlayout: l\n",
            &["E t/template.yaml [l] there is no layout templates/layouts/l.hbs"],
        ),
        (
            "subject: { en: x, de: y }\nvariants: { a: { text: b }, plain: { subject: { en: x, de: y } } }\n",
            &[
                "E t/template.yaml [plain] no variant is called `plain`",
                "E t/template.yaml [text] `text` is not a word of this file",
            ],
        ),
        (
            "subject: { en: x, de: y }\ntexts: { a: { en: x, de: y } }\n",
            &["W t/template.yaml [a] nobody says `a`"],
        ),
        (
            "subject: { en: \"{{a b.}}\", de: y }\n",
            &["E t/template.yaml [{{a b.}}] this is not an expression"],
        ),
        (
            "subject: { en: x, de: y }\nfrom: shop\n",
            &["E t/template.yaml [] marketing mail has to say how to unsubscribe"],
        ),
    ];
    for (yaml, expected) in cases {
        let mut told = told(&files(&[mail, ("t/template.yaml", yaml)]), &["en", "de"]);
        told.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(told, expected, "{yaml}");
    }
}

#[test]
fn files_and_locales() {
    let yaml = ("t/template.yaml", "from: billing\nsubject: { en: x, de: y }\n");
    let cases: &[Case<'_>] = &[
        (&[("t/email.de.hbs", "x"), yaml], &["E t/template.yaml [] this template has no email.mjml in en"]),
        (
            &[("t/email.hbs", "x"), ("t/email.fr.hbs", "x"), yaml],
            &["E t/email.fr.hbs [] the shop does not speak `fr`"],
        ),
        (
            &[("t/email.hbs", "x"), ("t/email.mjml", "x"), yaml],
            &["E t/email.hbs [] there is an email.mjml too"],
        ),
        (
            &[("t/emial.hbs", "x"), yaml],
            &[
                "E t/emial.hbs [] `emial.hbs` is no file of a template",
                "E t/template.yaml [] this template has no words for any channel",
            ],
        ),
        (
            &[("t/in_app.hbs", "x"), ("t/sms.hbs", "x")],
            &["E t/in_app.hbs [] `in_app.hbs` is not read by this version"],
        ),
        (
            &[("t/push.yaml", "title: { en: x, de: y }\n")],
            &["E t/push.yaml [title] a push notification needs a `body`"],
        ),
        (
            &[("t/push.yaml", "body: { en: x, de: y }\nbdy: x\n")],
            &["E t/push.yaml [bdy] `bdy` is not a word of this file"],
        ),
        (&[("T/sms.hbs", "x")], &["E T/sms.hbs [] `T` is no name of a template"]),
        (&[("sms.hbs", "x")], &["E sms.hbs [] this is no place for a template"]),
        (&[("layouts/a.yaml", "x")], &["E layouts/a.yaml [] `a.yaml` is no name of a layout or partial"]),
        (
            &[("layouts/a.hbs", "{{> body}}"), ("partials/b.hbs", "x")],
            &[
                "W layouts/a.hbs [] nobody uses the layout `a`",
                "W partials/b.hbs [] nobody uses the partial `b`",
            ],
        ),
        (
            &[("partials/b.hbs", "{{> b}}"), ("t/sms.hbs", "{{> b}}")],
            &[
                "W partials/b.hbs [] nobody uses the partial `b`",
                "E t/sms.hbs [{{> b}}] the partial `b` is not written for this kind of file",
            ],
        ),
        (
            &[("partials/b.txt.hbs", "{{> b}}"), ("t/sms.hbs", "{{> b}}")],
            &["E partials/b.txt.hbs [{{> b}}] the partial `b` would stand in itself, or more than 8 deep"],
        ),
        (
            &[
                ("texts.yaml", "a: { en: x, de: y }\nb: { en: x, de: y }\nc: { en: x }\n"),
                ("t/sms.hbs", "{{text 'a'}}{{text 'd'}}"),
            ],
            &[
                "E t/sms.hbs [{{text 'd'}}] the template `t` has no words `d`",
                "W texts.yaml [b] nobody says `b`",
                "E texts.yaml [c] `c` has no words in de",
            ],
        ),
        (&[("README.md", "x"), ("t/README.md", "{{x")], &[]),
    ];
    for (given, expected) in cases {
        check(given, &["en", "de"], expected);
    }
    let (_, faults) = Templates::compile(&[], &policies(&["en", "no locale"]));
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].message, "`no locale` is no locale");
}

#[test]
fn samples_hold_what_is_asked_for() {
    let yaml = |sample: &str| format!("from: billing\nsubject: x\nsample: {sample}\n");
    let body = "{{cart.id}}{{#if a}}{{a}}{{/if}}{{#each cart.items}}{{name}}{{/each}}";
    let cases: &[(&str, &[&str])] = &[
        ("{ cart: { id: c, items: [{ name: Lamp }] } }", &[]),
        (
            "{ cart: { items: [{ name: Lamp }, { nam: x }] } }",
            &[
                "E t/template.yaml [cart] the sample has no `cart.id`, which the template asks for",
                "E t/template.yaml [items] the sample has no `cart.items[].name`, which the template asks for",
            ],
        ),
        (
            "{ cart: { id: c, items: Lamp } }",
            &["E t/template.yaml [items] `cart.items` of the sample is no list"],
        ),
    ];
    for (sample, expected) in cases {
        check(&[("t/email.hbs", body), ("t/template.yaml", &yaml(sample))], &["en"], expected);
    }
}
