//! Names: which value a path means, and what is asked for by it.

use std::sync::Arc;

use journeyman_domain::template::Place;

use crate::expression::{Ast, Spoken};
use crate::program::{Expr, Local, Own};

use super::Lowering;

pub(super) type Names = Vec<Arc<str>>;

/// Scopes that hold everywhere (LANGUAGE, rule 7), and so are asked for by their names alone outside of lists.
const SCOPES: [&str; 5] = ["profile", "entry", "run", "cart", "turn"];

/// What names mean in a block.
pub(super) enum Scope {
    /// The message's variables.
    Root,
    /// `{{#each}}`
    Element {
        /// Which frame it has when it runs.
        frame: usize,
        /// The variable that is gone through; `None` of a list within an element, which is given whole.
        list: Option<Names>,
        alias: Option<String>,
        index: Option<String>,
    },
    /// `{{#with}}`
    With { frame: usize, names: Names, alias: Option<String> },
    /// A block whose list was not understood: nothing more is said of names in it.
    Lost,
}

impl Scope {
    pub(super) fn lost() -> Self {
        Self::Lost
    }

    pub(super) fn is_loop(&self) -> bool {
        matches!(self, Self::Element { .. } | Self::Lost)
    }
}

/// Whether a path in a list, whose first name is a scope, was meant to leave the list.
fn escapes(path: &Spoken) -> bool {
    let alone = path.names.len() == 1 && path.names.first().is_some_and(|name| name != "turn");
    path.up == 0 && !path.this && !alone
}

impl Lowering<'_, '_> {
    /// The scope of the elements of a list.
    pub(super) fn element(&self, frame: usize, names: &Names, aliases: &[String]) -> Scope {
        let loops = self.scopes.iter().filter(|scope| scope.is_loop()).count();
        Scope::Element {
            frame: loops + 1,
            list: (frame == 0).then(|| names.clone()),
            alias: aliases.first().cloned(),
            index: aliases.get(1).cloned(),
        }
    }

    /// Which value a path means; `None` where that was said to be wrong, or can't be known.
    pub(super) fn resolve(&mut self, path: &Spoken, place: &Place) -> Option<(usize, Names)> {
        let names: Names = path.names.iter().map(|name| Arc::from(name.as_str())).collect();
        let base = if path.root {
            (0, Vec::new())
        } else if let Some((alias, base)) = self.alias(path) {
            return self.check(path, base, names.get(alias..).unwrap_or_default(), place);
        } else {
            let at = self.scopes.len().checked_sub(path.up + 1);
            match at.and_then(|at| self.scopes.get(at)) {
                None => {
                    let message = format!("`{}` leads out of everything", path.written);
                    self.report.error(place, message, "take a `../` away");
                    return None;
                }
                Some(Scope::Lost) => return None,
                Some(Scope::Root) => (0, Vec::new()),
                Some(Scope::Element { frame, .. }) => {
                    let frame = *frame;
                    let first = path.names.first().map_or("", String::as_str);
                    if let Some(scope) = SCOPES.iter().find(|scope| **scope == first && escapes(path)) {
                        let message =
                            format!("in `{{{{#each}}}}` names are of the element, and `{scope}` is not one");
                        let up = "../".repeat(self.scopes.len() - 1);
                        self.report.error(place, message, format!("write `{up}{}`", path.written));
                        return None;
                    }
                    (frame, Vec::new())
                }
                Some(Scope::With { frame, names, .. }) => (*frame, names.clone()),
            }
        };
        self.check(path, base, &names, place)
    }

    fn check(
        &mut self,
        path: &Spoken,
        (frame, mut base): (usize, Names),
        names: &[Arc<str>],
        place: &Place,
    ) -> Option<(usize, Names)> {
        base.extend_from_slice(names);
        if frame == 0 && base.is_empty() {
            let message = format!("`{}` is everything there is", path.written);
            self.report.error(place, message, "name a variable: `{{profile.first_name}}`");
            return None;
        }
        Some((frame, base))
    }

    /// What a block's `as |name|` stands for: how many names it takes, and what of.
    fn alias(&self, path: &Spoken) -> Option<(usize, (usize, Names))> {
        let first = path.names.first()?;
        if path.this || path.up > 0 {
            return None;
        }
        self.scopes.iter().rev().find_map(|scope| match scope {
            Scope::Element { frame, alias, .. } if alias.as_ref() == Some(first) => {
                Some((1, (*frame, Vec::new())))
            }
            Scope::With { frame, names, alias } if alias.as_ref() == Some(first) => {
                Some((1, (*frame, names.clone())))
            }
            _ => None,
        })
    }

    /// A path's value, asked for; `bare` where it has to be there.
    pub(super) fn path(&mut self, path: &Spoken, bare: bool, place: &Place) -> Option<Expr> {
        if let Some(local) = &path.local {
            return self.local(local, path.up, place);
        }
        if let Some(index) = self.index(path) {
            return Some(index);
        }
        let own = Own::ALL.iter().find(|(name, _)| path.names.len() == 1 && path.names[0] == *name);
        if let Some((_, own)) = own.filter(|_| !path.this) {
            return Some(Expr::Own(*own));
        }
        let (frame, names) = self.resolve(path, place)?;
        let required = bare && !self.present.contains(&(frame, names.clone()));
        if frame == 0 {
            self.asked.variable(&names, required, place);
        } else if let Some(list) = self.list_of(frame) {
            self.asked.field(&list, &names, required, place);
        }
        Some(Expr::Path {
            frame,
            names: names.iter().map(|name| Box::from(name.as_ref())).collect(),
            bare: bare.then(|| self.called(frame, &names)),
        })
    }

    /// How a value is called in an error.
    fn called(&self, frame: usize, names: &Names) -> Arc<str> {
        let own = names.iter().map(AsRef::as_ref);
        match self.list_of(frame).filter(|_| frame > 0) {
            Some(list) => {
                let list = format!("{}[]", list.join("."));
                std::iter::once(list.as_str()).chain(own).collect::<Vec<_>>().join(".").into()
            }
            None => own.collect::<Vec<_>>().join(".").into(),
        }
    }

    pub(super) fn ask_list(&mut self, frame: usize, names: &Names, required: bool, place: &Place) {
        if frame == 0 {
            self.asked.list(names, required, place);
        } else if let Some(list) = self.list_of(frame) {
            self.asked.field(&list, names, required, place);
        }
    }

    fn list_of(&self, wanted: usize) -> Option<Names> {
        self.scopes.iter().find_map(|scope| match scope {
            Scope::Element { frame, list, .. } if *frame == wanted => list.clone(),
            _ => None,
        })
    }

    fn local(&mut self, name: &str, up: usize, place: &Place) -> Option<Expr> {
        let known = [("index", Local::Index), ("first", Local::First), ("last", Local::Last)];
        let Some((_, local)) = known.iter().find(|(known, _)| *known == name) else {
            self.report.error(
                place,
                format!("there is no `@{name}`"),
                "there is `@index`, `@first`, `@last`",
            );
            return None;
        };
        let mut loops = self.scopes.iter().rev().filter(|scope| scope.is_loop()).skip(up);
        match loops.next() {
            Some(Scope::Element { frame, .. }) => Some(Expr::Local { frame: *frame, local: *local }),
            Some(_) => None,
            None => {
                let help = "it is known in `{{#each}}` alone";
                self.report.error(place, format!("`@{name}` stands in no list"), help);
                None
            }
        }
    }

    /// `as |item index|`
    fn index(&self, path: &Spoken) -> Option<Expr> {
        let [name] = path.names.as_slice() else { return None };
        self.scopes.iter().rev().find_map(|scope| match scope {
            Scope::Element { frame, index, .. } if index.as_ref() == Some(name) && path.up == 0 => {
                Some(Expr::Local { frame: *frame, local: Local::Index })
            }
            _ => None,
        })
    }

    /// What is known to be there where a condition holds, or does not.
    pub(super) fn there(&mut self, condition: &Ast, holds: bool) -> Vec<(usize, Names)> {
        match condition {
            Ast::Path(path) if holds && path.local.is_none() => {
                // Said already where it is asked.
                let quiet = std::mem::take(self.report);
                let found = self.resolve(path, &Place::default());
                *self.report = quiet;
                found.into_iter().collect()
            }
            Ast::Call(call) => match (call.name.as_str(), holds) {
                ("and", true) | ("or", false) => {
                    call.params.iter().flat_map(|param| self.there(param, holds)).collect()
                }
                ("not", _) => call.params.iter().flat_map(|param| self.there(param, !holds)).collect(),
                ("lt" | "gt" | "lte" | "gte", true) => {
                    call.params.iter().flat_map(|param| self.there(param, true)).collect()
                }
                // What equals something is there, unless that was nothing too.
                ("eq", true)
                    if call
                        .params
                        .iter()
                        .any(|param| matches!(param, Ast::Literal(said) if !said.is_null())) =>
                {
                    call.params.iter().flat_map(|param| self.there(param, true)).collect()
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}
