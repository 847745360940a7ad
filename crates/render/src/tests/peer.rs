//! What Handlebars itself makes of the same: blocks, values, and the lines around them.

use handlebars::Handlebars;
use serde_json::json;

use super::*;

#[test]
fn says_the_same_as_handlebars() {
    let vars = json!({
        "a": "x", "n": 3, "zero": 0, "no": false, "yes": true, "empty": "", "nothing": null,
        "list": [{ "name": "A", "tags": ["p", "q"] }, { "name": "B", "tags": [] }],
        "none": [], "cart": { "id": "c", "items": [{ "name": "L" }] },
    });
    let texts = [
        "{{a}} {{n}} {{yes}} {{empty}}|",
        "{{cart.id}} {{this.cart.id}} {{./a}} {{cart/id}}",
        "{{#if a}}1{{/if}}{{#if zero}}2{{/if}}{{#if no}}3{{/if}}{{#if empty}}4{{/if}}{{#if none}}5{{/if}}{{#if list}}6{{/if}}",
        "{{#if nothing}}1{{else if no}}2{{else if yes}}3{{else}}4{{/if}}",
        "{{#unless no}}1{{else}}2{{/unless}}{{#unless yes}}1{{else}}2{{/unless}}",
        "{{#each list}}{{@index}}{{name}}{{#if @first}}f{{/if}}{{#if @last}}l{{/if}}{{../a}};{{/each}}",
        "{{#each list}}{{#each tags}}{{this}}{{@index}}{{@../index}}{{../name}}{{../../a}};{{else}}none;{{/each}}{{/each}}",
        "{{#each none}}x{{else}}empty{{/each}}",
        "{{#each list as |row nth|}}{{nth}}{{row.name}}{{/each}}",
        "{{#with cart}}{{id}}{{#each items}}{{name}}{{../id}}{{../../a}}{{/each}}{{/with}}",
        "{{#with cart as |c|}}{{c.id}}{{/with}}",
        "{{#each list}}{{@root.a}}{{/each}}",
        "one\n{{#if a}}\ntwo\n{{else}}\nthree\n{{/if}}\nfour\n",
        "one\n  {{#each list}}\n  {{name}}\n  {{/each}}\nfour",
        "one {{#if a}} two {{/if}} three\n",
        "one  {{~#if a~}}  two  {{~/if~}}  three",
        "a {{~ a }} b {{ a ~}} c",
        "{{! comment }}\n{{!-- {{a}} --}}\nx{{! y }}z",
        "\\{{a}} {{a}}",
        "{{#if (eq a 'x')}}1{{/if}}{{#if (and a yes)}}2{{/if}}{{#if (or no zero)}}3{{/if}}{{#if (not no)}}4{{/if}}",
        "{{#if (gt n 2)}}1{{/if}}{{#if (lt n 2)}}2{{/if}}{{#if (gte n 3)}}3{{/if}}{{#if (lte n 3)}}4{{/if}}{{#if (ne n 3)}}5{{/if}}",
        "{{\"text\"}}",
    ];
    let peer = Handlebars::new();
    let policies = policies(&["en"]);
    for text in texts.iter().filter(|text| !text.contains("{{\"")) {
        let templates = compiled(&files(&[("t/sms.hbs", &format!("|{text}|"))]), &policies);
        let ours = plain(&templates, &policies, Channel::Sms, vars.clone()).unwrap().text;
        let theirs = peer.render_template(&format!("|{text}|"), &vars).unwrap();
        assert_eq!(ours, theirs, "{text}");
    }
}
