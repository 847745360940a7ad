//! Fields of a header's form: a mail's own, those of a returned mail, and those that reports are made of.

/// Fields in their order, names in lower case, values on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String)>);

/// The most fields that are read of one group; a mail has a few dozen.
const FIELDS: usize = 500;

impl Fields {
    /// The fields up to the first empty line, and what follows it.
    pub(super) fn read(text: &str) -> (Self, &str) {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            rest = after;
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.trim().is_empty() {
                break;
            }
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':')
                && fields.len() < FIELDS
            {
                fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        (Self(fields), rest)
    }

    /// Groups of fields with empty lines between them.
    pub(super) fn groups(text: &str) -> Vec<Self> {
        let mut groups = Vec::new();
        let mut rest = text;
        while !rest.is_empty() && groups.len() < FIELDS {
            let (fields, after) = Self::read(rest);
            if !fields.0.is_empty() {
                groups.push(fields);
            }
            rest = after;
        }
        groups
    }

    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a name.
    pub(super) fn all<'x>(&'x self, name: &'x str) -> impl Iterator<Item = &'x str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A value behind the type it begins with: `rfc822; ada@x.example`, `smtp; 550 no`.
    pub(super) fn typed(&self, name: &str) -> Option<(&str, &str)> {
        let (kind, value) = self.get(name)?.split_once(';')?;
        Some((kind.trim(), value.trim()))
    }
}
