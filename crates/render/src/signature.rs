//! What a template asks for, gathered while its texts are compiled.

use std::sync::Arc;

use journeyman_domain::template::{Field, Place, Variable};

use crate::report::Report;

type Path = Vec<Arc<str>>;

/// The variables of a template as they are met.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    variables: Vec<Met>,
}

#[derive(Debug)]
struct Met {
    path: Path,
    list: bool,
    /// Its elements are asked for as they are.
    whole: bool,
    fields: Vec<(Path, bool)>,
    required: bool,
    place: Place,
}

impl Asked {
    fn met(&mut self, path: &[Arc<str>], place: &Place) -> &mut Met {
        let known = self.variables.iter().position(|met| met.path == path);
        let nth = known.unwrap_or_else(|| {
            self.variables.push(Met {
                path: path.to_vec(),
                list: false,
                whole: false,
                fields: Vec::new(),
                required: false,
                place: place.clone(),
            });
            self.variables.len() - 1
        });
        &mut self.variables[nth]
    }

    /// A variable is spoken of.
    pub(crate) fn variable(&mut self, path: &[Arc<str>], required: bool, place: &Place) {
        self.met(path, place).required |= required;
    }

    /// A variable's elements are gone through.
    pub(crate) fn list(&mut self, path: &[Arc<str>], required: bool, place: &Place) {
        let met = self.met(path, place);
        met.required |= required;
        met.list = true;
    }

    /// A field of its elements is spoken of; without names the element itself.
    pub(crate) fn field(&mut self, list: &[Arc<str>], field: &[Arc<str>], required: bool, place: &Place) {
        let met = self.met(list, place);
        if field.is_empty() {
            met.whole = true;
        } else if let Some(known) = met.fields.iter_mut().find(|(known, _)| known == field) {
            known.1 |= required;
        } else {
            met.fields.push((field.to_vec(), required));
        }
    }

    /// All of them; says where one stands in the way of another.
    pub(crate) fn variables(self, report: &mut Report) -> Vec<Variable> {
        for met in &self.variables {
            let within =
                |other: &&Met| other.path.len() > met.path.len() && other.path.starts_with(&met.path);
            if let Some(other) = self.variables.iter().find(within) {
                let (whole, part) = (met.path.join("."), other.path.join("."));
                let message = format!("`{whole}` is asked for as a whole here, and `{part}` elsewhere");
                report.error(&met.place, message, format!("ask for a field of it, such as `{part}`"));
            }
        }
        let variable = |met: Met| Variable {
            path: met.path.into(),
            list: met.list,
            fields: if met.whole {
                Vec::new()
            } else {
                let field = |(path, required): (Path, bool)| Field { path: path.into(), required };
                met.fields.into_iter().map(field).collect()
            },
            required: met.required,
            place: met.place,
        };
        self.variables.into_iter().map(variable).collect()
    }
}
