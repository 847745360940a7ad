//! What stands inside a tag, as Handlebars reads it.

use handlebars::template::{HelperTemplate, Parameter, Subexpression, TemplateElement};
use handlebars::{Path, Template};
use serde_json::Value;

/// How deep expressions may stand in expressions.
pub(crate) const EXPRESSION_DEPTH: usize = 8;

/// An expression.
#[derive(Clone, Debug)]
pub(crate) enum Ast {
    /// `cart.value`, `../name`, `@first`.
    Path(Spoken),
    /// `'text'`, `12`, `true`, `null`.
    Literal(Value),
    /// `money cart.value`
    Call(Call),
}

/// A helper with what it is given.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) params: Vec<Ast>,
    /// By name, in the order of the alphabet.
    pub(crate) hash: Vec<(String, Ast)>,
}

/// A path as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// As written.
    pub(crate) written: String,
    /// How many `../` stand before it.
    pub(crate) up: usize,
    /// `@root.`
    pub(crate) root: bool,
    /// `this.` or `./`: of what is at hand, whatever its name.
    pub(crate) this: bool,
    /// `@index`, without the `@`.
    pub(crate) local: Option<String>,
    /// Its names.
    pub(crate) names: Vec<String>,
}

/// Reads what stands between `{{` and `}}`; else says what is wrong with it.
pub(crate) fn parse(inside: &str) -> Result<Ast, String> {
    let text = format!("{{{{{inside}}}}}");
    let template = Template::compile(&text).map_err(|error| {
        let what = error.reason().to_string();
        let what = what.trim_start_matches("invalid handlebars syntax: ").trim();
        if what.contains("expected") { "this is not an expression".to_owned() } else { what.to_owned() }
    })?;
    match template.elements.as_slice() {
        // A name alone is a variable, whatever helpers there are.
        [TemplateElement::Expression(helper)] => helper_ast(helper, 0),
        _ => Err("this is not an expression".to_owned()),
    }
}

fn helper_ast(helper: &HelperTemplate, depth: usize) -> Result<Ast, String> {
    if helper.params.is_empty() && helper.hash.is_empty() {
        return match &helper.name {
            Parameter::Name(name) => Ok(Ast::Path(spoken(name)?)),
            other => parameter(other, depth),
        };
    }
    let Some(name) = helper.name.as_name() else { return Err("a helper's name is one word".to_owned()) };
    let params = helper.params.iter().map(|param| parameter(param, depth + 1)).collect::<Result<_, _>>()?;
    let mut hash: Vec<(String, Ast)> = helper
        .hash
        .iter()
        .map(|(name, param)| Ok((name.clone(), parameter(param, depth + 1)?)))
        .collect::<Result<_, String>>()?;
    hash.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Ast::Call(Call { name: name.to_owned(), params, hash }))
}

fn parameter(parameter: &Parameter, depth: usize) -> Result<Ast, String> {
    if depth > EXPRESSION_DEPTH {
        return Err(format!("expressions stand more than {EXPRESSION_DEPTH} deep in each other"));
    }
    match parameter {
        Parameter::Name(name) => Ok(Ast::Path(spoken(name)?)),
        Parameter::Path(Path::Relative((_, raw)) | Path::Local((_, _, raw))) => Ok(Ast::Path(spoken(raw)?)),
        Parameter::Literal(value) => Ok(Ast::Literal(value.clone())),
        Parameter::Subexpression(inner) => subexpression(inner, depth),
        _ => Err("this is not an expression".to_owned()),
    }
}

fn subexpression(inner: &Subexpression, depth: usize) -> Result<Ast, String> {
    match inner.as_element() {
        TemplateElement::Expression(helper) => helper_ast(helper, depth),
        _ => Err("this is not an expression".to_owned()),
    }
}

/// Reads a path.
fn spoken(written: &str) -> Result<Spoken, String> {
    let mut path = Spoken {
        written: written.to_owned(),
        up: 0,
        root: false,
        this: false,
        local: None,
        names: Vec::new(),
    };
    let mut rest = written;
    if let Some(after) = rest.strip_prefix("@root").filter(|after| after.is_empty() || after.starts_with('.'))
    {
        path.root = true;
        rest = after.trim_start_matches('.');
    } else if let Some(after) = rest.strip_prefix('@') {
        rest = after;
        while let Some(after) = rest.strip_prefix("../") {
            path.up += 1;
            rest = after;
        }
        path.local = Some(rest.to_owned());
        return Ok(path);
    } else {
        while let Some(after) = rest.strip_prefix("../").or(if rest == ".." { Some("") } else { None }) {
            path.up += 1;
            rest = after;
        }
        if let Some(after) = rest.strip_prefix("./").or_else(|| rest.strip_prefix("this.")) {
            path.this = true;
            rest = after;
        } else if let Some(after) = rest.strip_prefix("this/") {
            path.this = true;
            rest = after;
        } else if rest == "this" || rest == "." {
            path.this = true;
            rest = "";
        }
    }
    for name in rest.split(['.', '/']).filter(|name| !name.is_empty()) {
        let name = name.trim_start_matches('[').trim_end_matches(']');
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(
                "an element can't be asked for by its number; go through the list with `{{#each}}`".into()
            );
        }
        path.names.push(name.to_owned());
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_handlebars_does() {
        let cases = [
            ("name", "name"),
            ("cart.value", "cart.value"),
            ("this", "this"),
            ("this.name", "this.name"),
            ("../name", "../name"),
            ("@index", "@index"),
            ("@root.cart.value", "@root.cart.value"),
            ("money cart.value", "(money cart.value)"),
            ("default x.y 'there'", "(default x.y \"there\")"),
            ("plural n 'one' 'other' few='f'", "(plural n \"one\" \"other\" few=\"f\")"),
            ("if (and a (not b))", "(if (and a (not b)))"),
            ("link", "link"),
            ("eq n 3", "(eq n 3)"),
            (
                "cart.items.[0].name",
                "! an element can't be asked for by its number; go through the list with `{{#each}}`",
            ),
            ("a b.", "! this is not an expression"),
            ("", "! this is not an expression"),
            ("'x", "! this is not an expression"),
        ];
        for (text, expected) in cases {
            let shown = parse(text).map_or_else(|error| format!("! {error}"), |ast| shown(&ast));
            assert_eq!(shown, expected, "{text}");
        }
    }

    fn shown(ast: &Ast) -> String {
        match ast {
            Ast::Path(path) => path.written.clone(),
            Ast::Literal(value) => value.to_string(),
            Ast::Call(call) => {
                let params = call.params.iter().map(shown);
                let hash = call.hash.iter().map(|(name, value)| format!("{name}={}", shown(value)));
                let all: Vec<String> = std::iter::once(call.name.clone()).chain(params).chain(hash).collect();
                format!("({})", all.join(" "))
            }
        }
    }
}
