//! What templates ask for.

use super::*;

/// `path!` has to be there; `list[field! field]`.
fn asked(text: &str) -> String {
    let policies = policies(&["en"]);
    let templates = compiled(&files(&[("t/sms.hbs", text)]), &policies);
    let mark = |required: bool| if required { "!" } else { "" };
    let variables = templates.signature("t").unwrap().variables.iter().map(|variable| {
        let mut said = format!("{}{}", variable.path.join("."), mark(variable.required));
        if variable.list {
            let fields = variable
                .fields
                .iter()
                .map(|field| format!("{}{}", field.path.join("."), mark(field.required)));
            said.push_str(&format!("[{}]", fields.collect::<Vec<_>>().join(" ")));
        }
        said
    });
    variables.collect::<Vec<_>>().join(", ")
}

#[test]
fn bare_is_required_and_asked_is_not() {
    let cases = [
        ("Hello", ""),
        ("{{profile.first_name}}", "profile.first_name!"),
        ("{{#if a}}{{a}}{{/if}}", "a"),
        ("{{#if a}}{{a}}{{else}}{{a}}{{/if}}", "a!"),
        ("{{#if a}}{{b}}{{/if}}", "a, b!"),
        ("{{#unless a}}x{{else}}{{a}}{{/unless}}", "a"),
        ("{{#unless a}}{{a}}{{/unless}}", "a!"),
        ("{{#if (and a b)}}{{a}}{{b}}{{/if}}", "a, b"),
        ("{{#if (or a b)}}{{a}}{{/if}}", "a!, b"),
        ("{{#if (not a)}}x{{else}}{{a}}{{/if}}", "a"),
        ("{{#if (gt n 3)}}{{n}}{{/if}}", "n"),
        ("{{#if (eq a 'x')}}{{a}}{{/if}}", "a"),
        ("{{#if (eq a null)}}{{a}}{{/if}}", "a!"),
        ("{{#if a}}1{{else if b}}{{b}}{{else}}{{c}}{{/if}}", "a, b, c!"),
        ("{{default a 'x'}}", "a"),
        ("{{default a b}}", "a, b"),
        ("{{or a b}}", "a, b"),
        ("{{upper (default a 'x')}}", "a"),
        ("{{money a}} {{date b 'long'}} {{plural c 'x' 'y'}}", "a!, b!, c!"),
        ("{{money a b}}", "a!, b"),
        ("{{link url 'x'}}", "url!"),
        ("{{link}}", "link!"),
        ("{{unsubscribe_url}} {{preferences_url}} {{locale}}", ""),
        ("{{a}} {{#if a}}{{/if}}", "a!"),
    ];
    for (text, expected) in cases {
        assert_eq!(asked(text), expected, "{text}");
    }
}

#[test]
fn lists_and_their_fields() {
    let cases = [
        ("{{#each items}}{{name}}{{/each}}", "items![name!]"),
        ("{{#each items}}{{this.name}} {{./price}}{{/each}}", "items![name! price!]"),
        ("{{#each items}}{{name}}{{else}}none{{/each}}", "items[name!]"),
        ("{{#if items}}{{#each items}}{{name}}{{/each}}{{/if}}", "items[name!]"),
        ("{{#each items}}{{#if name}}{{name}}{{/if}}{{/each}}", "items![name]"),
        ("{{#each items}}{{this}}{{/each}}", "items![]"),
        ("{{#each items}}{{this}}{{name}}{{/each}}", "items![]"),
        ("{{#each items}}{{product.name}}{{/each}}", "items![product.name!]"),
        ("{{#each items}}{{@index}}{{@first}}{{@last}}{{/each}}", "items![]"),
        ("{{#each items}}{{../cart.value}}{{@root.cart.id}}{{/each}}", "cart.value!, cart.id!, items![]"),
        ("{{#each items as |item nth|}}{{item.name}}{{nth}}{{cart}}{{/each}}", "items![name! cart!]"),
        ("{{#each items}}{{#each options}}{{label}}{{../name}}{{/each}}{{/each}}", "items![name! options!]"),
        ("{{#each items}}{{#each ../others}}{{label}}{{/each}}{{/each}}", "others![label!], items![]"),
        (
            "{{#with cart}}{{id}} {{#each items}}{{name}}{{../value}}{{/each}}{{/with}}",
            "cart.id!, cart.items![name!], cart.value!",
        ),
        ("{{#with cart as |c|}}{{c.id}}{{/with}}", "cart.id!"),
        ("{{items}}{{#each items}}{{name}}{{/each}}", "items![name!]"),
    ];
    for (text, expected) in cases {
        assert_eq!(asked(text), expected, "{text}");
    }
}

#[test]
fn all_files_together() {
    let policies = policies(&["en", "de"]);
    let given = files(&[
        (
            "t/template.yaml",
            "from: shop\nsubject: { en: '{{a}}', de: '{{b}}' }\npreheader: { en: x, de: '{{c}}' }\n",
        ),
        ("t/email.hbs", "{{d}} {{unsubscribe_url}}"),
        ("t/email.de.hbs", "{{e}} {{unsubscribe_url}}"),
        ("t/email.txt.hbs", "{{f}}"),
        ("t/sms.hbs", "{{g}}"),
        (
            "t/push.yaml",
            "title: { en: x, de: '{{h}}' }\nbody: { en: x, de: y }\nurl: 'https://s.example/{{i}}'\n",
        ),
    ]);
    let templates = compiled(&given, &policies);
    let signature = templates.signature("t").unwrap();
    let mut paths: Vec<String> = signature.variables.iter().map(|variable| variable.path.join(".")).collect();
    paths.sort();
    assert_eq!(paths.concat(), "abcdefghi");
    assert_eq!(signature.channels, [Channel::Email, Channel::Sms, Channel::Push]);
    assert_eq!(signature.sender.as_deref(), Some("shop"));
    assert_eq!(templates.names().collect::<Vec<_>>(), ["t"]);
    assert_eq!(templates.signatures().count(), 1);
    assert!(templates.unsubscribes("t"));
    let a = signature.variables.iter().find(|variable| &*variable.path[0] == "a").unwrap();
    let place = &a.place;
    assert_eq!(&given[0].text[place.start..place.end], "{{a}}");
}
