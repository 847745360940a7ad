//! What a template is given for somebody of the database, as the engine would give it.

use std::sync::Arc;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use journeyman_domain::ShopTime;
use journeyman_domain::batch;
use journeyman_domain::catalog::{Item, Products};
use journeyman_domain::expr::{Root, Scope, Segments};
use journeyman_domain::person::{Person, Run, decode_run};
use journeyman_domain::plan::Setting;
use journeyman_domain::template::{Data, LIST_ITEMS, Variable};
use journeyman_domain::value::Value;
use journeyman_engine::past::{Deployments, Past};
use journeyman_store::{catalog, history};
use serde_json::{Map, Value as Json};
use sqlx::{Connection as _, PgConnection};

use crate::people;
use crate::shop::{Sending, Shop};

/// Somebody, with the runs they are in and those that are over.
pub(super) struct Somebody {
    person: Person,
    runs: Vec<Run>,
    /// What there is of the products that any of it speaks of, as the catalog has it now.
    products: Vec<(Arc<str>, Item)>,
}

impl Somebody {
    /// By any of their names.
    ///
    /// # Errors
    /// Where there is nobody of that name, or the database fails.
    pub(super) async fn find(connection: &mut PgConnection, name: &str) -> anyhow::Result<Self> {
        let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let id = people::find(&mut tx, name).await?;
        let past = Past::read(&mut tx, id, &mut Deployments::default()).await?;
        let person =
            past.with_context(|| format!("{name} is known, and nothing was applied to them yet"))?.stored;
        let mut runs = person.runs.clone();
        let ended = history::ended(&mut tx, id).await?;
        // Of a run whose state this version can't read nothing is shown.
        runs.extend(ended.iter().filter_map(|row| decode_run(&row.state).ok()));
        let spoken: Vec<Arc<str>> = batch::products_of(&person, &runs).into_iter().collect();
        let (_, products) = catalog::now(&mut tx, &spoken).await?;
        tx.rollback().await?;
        Ok(Self { person, runs, products })
    }

    pub(super) fn id(&self) -> journeyman_domain::PersonId {
        self.person.id
    }

    /// Where a channel reaches them.
    pub(super) fn address(&self, channel: journeyman_domain::plan::Channel) -> Option<Arc<str>> {
        self.person.traits.get(channel.address_trait()?).key()
    }

    /// What a template is given for them; what there is not is the sample's, and named.
    pub(super) fn fill(
        &self,
        shop: &Shop,
        template: &str,
        sample: &Data,
        now: ShopTime,
    ) -> (Data, Vec<String>) {
        let (sending, run) = self.latest(&shop.sendings(template));
        let zone = self.zone(shop);
        let products =
            Products::new(self.products.iter().map(|(id, item)| (id, item)), shop.policies.rates.base);
        let segments = shop.deployment.as_ref().map(|deployment| Segments::new(deployment.segments.clone()));
        let scope = Scope {
            person: &self.person,
            now,
            zone: &zone,
            segments: &segments.unwrap_or_default(),
            policies: &shop.policies,
            catalog: &products,
            event: None,
            run,
            element: None,
            item: None,
            depth: 0,
        };
        let with = sending.map_or(Value::Missing, |sending| with(&scope, sending));
        let scope = Scope { element: Some(&with), ..scope };
        let (mut vars, mut from_sample) = (Json::Object(Map::new()), Vec::new());
        let signature = shop.templates.signature(template);
        for variable in signature.into_iter().flat_map(|signature| &signature.variables) {
            let value = value(&scope, sending, variable);
            let known = if is_blank(&value) { Json::Null } else { cut(value.to_json(), variable) };
            let json = if known.is_null() {
                from_sample.push(variable.path.join("."));
                at(&sample.vars, &variable.path)
            } else {
                known
            };
            put(&mut vars, &variable.path, json);
        }
        let said = self.person.traits.get("locale").as_text().map(Arc::from);
        let locale = said.or_else(|| self.person.hot.locale.clone());
        let zone = zone.iana_name().unwrap_or("UTC").into();
        (Data { locale, zone, session_until: None, variant: None, vars }, from_sample)
    }

    /// The step that speaks to them: of their latest run that could, else any.
    fn latest<'s>(&'s self, sendings: &[Sending<'s>]) -> (Option<Sending<'s>>, Option<&'s Run>) {
        let of = |run: &Run| sendings.iter().find(|sending| sending.plan.name == run.journey).copied();
        let runs = self.runs.iter().filter_map(|run| Some((of(run)?, run)));
        match runs.max_by_key(|(_, run)| (run.started_at, run.number)) {
            Some((sending, run)) => (Some(sending), Some(run)),
            None => (sendings.first().copied(), None),
        }
    }

    fn zone(&self, shop: &Shop) -> TimeZone {
        let known = self.person.hot.zone.as_ref().and_then(|(zone, _)| TimeZone::get(zone).ok());
        known.unwrap_or_else(|| shop.policies.zone.clone())
    }
}

/// The values of a step's `with`; each sees those before it.
fn with(scope: &Scope<'_>, sending: Sending<'_>) -> Value {
    let mut record: Vec<(Arc<str>, Value)> = Vec::new();
    for (name, setting) in &sending.send.with {
        let value = match setting {
            Setting::Text(text) => Value::Text(text.clone()),
            Setting::Computed(condition) => {
                let known = Value::Record(record.as_slice().into());
                condition.compiled.value(&Scope { element: Some(&known), ..*scope })
            }
        };
        record.push((name.clone(), value));
    }
    Value::Record(record.into())
}

/// A variable as the step fills it; without a step, what its path leads to.
fn value(scope: &Scope<'_>, sending: Option<Sending<'_>>, variable: &Variable) -> Value {
    if let Some(sending) = sending {
        let filled = sending.send.filled.iter().find(|filled| filled.path == variable.path);
        return filled
            .and_then(|filled| filled.value.as_ref())
            .map_or(Value::Missing, |value| value.compiled.value(scope));
    }
    let Some((root, path)) = variable.path.split_first() else { return Value::Missing };
    match root.as_ref() {
        "profile" => scope.get(&Root::Profile, path),
        "cart" if !path.is_empty() => scope.get(&Root::Cart, path),
        "now" => Value::Time(scope.now),
        _ => Value::Missing,
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Missing => true,
        Value::Text(text) => text.trim().is_empty(),
        Value::List(items) => items.is_empty(),
        _ => false,
    }
}

/// A list as long as a template gets it.
fn cut(mut value: Json, variable: &Variable) -> Json {
    if let (true, Json::Array(items)) = (variable.list, &mut value) {
        items.truncate(LIST_ITEMS);
    }
    value
}

/// What stands at a path.
fn at(vars: &Json, path: &[Arc<str>]) -> Json {
    let found = path.iter().try_fold(vars, |at, name| at.get(name.as_ref()));
    found.cloned().unwrap_or(Json::Null)
}

/// Puts a value at a path of objects.
fn put(into: &mut Json, path: &[Arc<str>], value: Json) {
    let Some((last, above)) = path.split_last() else { return };
    let mut at = into;
    for name in above {
        let Json::Object(fields) = at else { return };
        at = fields.entry(name.as_ref()).or_insert_with(|| Json::Object(Map::new()));
    }
    if let Json::Object(fields) = at {
        fields.entry(last.as_ref()).or_insert(value);
    }
}
