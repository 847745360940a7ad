//! What expressions ask to be kept of each person.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Counted, Expr, Root, Type};
use crate::person::FeatureKey;
use crate::plan::{Condition, Enter, Node, Plan, Setting, Step, Watch, Watched};

/// The counters that deployed expressions ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// By the event they count.
    of_event: BTreeMap<Arc<str>, BTreeSet<FeatureKey>>,
    /// By their number, which costs a hash to find out.
    numbered: BTreeMap<i64, FeatureKey>,
    /// Whether products of the catalog are asked for.
    pub products: bool,
}

impl Counted {
    /// The counter that answers it.
    pub fn feature(&self) -> FeatureKey {
        FeatureKey {
            event: self.event.clone(),
            field: self.field.as_ref().map(|field| (field.clone(), self.money)),
            by: self.filter.as_ref().map(|filter| filter.property.clone()),
        }
    }
}

impl Demands {
    /// Adds what an expression asks for.
    pub fn of_expr(&mut self, expr: &Expr) {
        expr.walk(&mut |expr| match expr {
            Expr::Count(counted) | Expr::Sum(counted) => self.add(counted.feature()),
            Expr::Product(..) => self.products = true,
            Expr::LastAt(event) => self.add(FeatureKey { event: event.clone(), field: None, by: None }),
            _ => {}
        });
    }

    /// Adds what a journey asks for. What cancels an awaited start is remembered, since it may come through the door
    /// before what would have begun it.
    pub fn of_plan(&mut self, plan: &Plan) {
        for event in plan.enter.unless.iter().filter(|_| plan.enter.idle.is_some()) {
            self.add(plan.enter.cancels(event));
        }
        if plan.learned().any(|(_, send)| send.at_best) {
            self.add(FeatureKey::activity());
        }
        plan.conditions(&mut |condition| self.of_expr(&condition.expr));
        // A template's list asks of its elements' products without an expression.
        let sends = plan.nodes.iter().filter_map(|node| match &node.step {
            Step::Send(send) => Some(&send.filled),
            _ => None,
        });
        let fields = sends.flatten().flat_map(|filled| &filled.fields);
        self.products |= fields.into_iter().any(|field| field.path.iter().any(|name| &**name == "product"));
    }

    fn add(&mut self, key: FeatureKey) {
        self.numbered.insert(key.number(), key.clone());
        self.of_event.entry(key.event.clone()).or_default().insert(key);
    }

    /// The counters of an event.
    pub fn of_event(&self, event: &str) -> impl Iterator<Item = &FeatureKey> {
        self.of_event.get(event).into_iter().flatten()
    }

    /// The counter of that number.
    pub fn numbered(&self, number: i64) -> Option<&FeatureKey> {
        self.numbered.get(&number)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &FeatureKey> {
        self.of_event.values().flatten()
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.of_event.is_empty()
    }
}

impl FromIterator<FeatureKey> for Demands {
    fn from_iter<I: IntoIterator<Item = FeatureKey>>(keys: I) -> Self {
        let mut demands = Self::default();
        keys.into_iter().for_each(|key| demands.add(key));
        demands
    }
}

impl Enter {
    /// The counter that knows of an event of `unless` when it came, and with which key.
    pub fn cancels(&self, event: &Arc<str>) -> FeatureKey {
        let by = self.per.as_ref().map(|per| per.join(".").into());
        FeatureKey { event: event.clone(), field: None, by }
    }
}

impl Plan {
    /// Calls `visit` with every expression of the journey.
    pub fn conditions(&self, visit: &mut impl FnMut(&Condition)) {
        self.enter.condition.iter().for_each(&mut *visit);
        if let Some(Watch { what: Watched::Date(anniversary), .. }) = &self.enter.watch {
            visit(&anniversary.date);
        }
        for trigger in self.exits.iter().chain(self.goal.iter().map(|goal| &goal.trigger)) {
            trigger.condition.iter().for_each(&mut *visit);
        }
        self.goal.iter().filter_map(|goal| goal.value.as_ref()).for_each(&mut *visit);
        self.hold.iter().for_each(|hold| visit(&hold.condition));
        self.nodes.iter().for_each(|node| node.conditions(visit));
    }
}

impl Plan {
    /// The segments that it asks for.
    pub fn segments(&self) -> BTreeSet<Arc<str>> {
        let watched = self.enter.watch.iter().filter_map(|watch| watch.what.segment());
        let mut found: BTreeSet<Arc<str>> =
            self.enter.to.iter().chain(&self.enter.except).chain(watched).cloned().collect();
        self.conditions(&mut |condition| found.extend(condition.segments()));
        found
    }
}

impl Condition {
    /// The segments that it asks for.
    pub fn segments(&self) -> BTreeSet<Arc<str>> {
        let mut found = BTreeSet::new();
        self.expr.walk(&mut |expr| {
            if let Expr::InSegment(name) = expr {
                found.insert(name.clone());
            }
        });
        found
    }
}

impl Node {
    /// Calls `visit` with every expression of the step.
    pub fn conditions(&self, visit: &mut impl FnMut(&Condition)) {
        self.guard.iter().for_each(&mut *visit);
        match &self.step {
            Step::WaitFor { branches, .. } => {
                branches.iter().filter_map(|branch| branch.trigger.condition.as_ref()).for_each(&mut *visit);
            }
            Step::If(arms) => arms.iter().for_each(|arm| visit(&arm.condition)),
            Step::Set(settings)
            | Step::Update(settings)
            | Step::Track { with: settings, .. }
            | Step::Use { with: settings, .. }
            | Step::Start { with: settings, .. } => {
                settings.iter().filter_map(computed).for_each(&mut *visit);
            }
            Step::Send(send) => {
                send.with.iter().filter_map(computed).for_each(&mut *visit);
                send.filled.iter().filter_map(|filled| filled.value.as_ref()).for_each(&mut *visit);
            }
            Step::Call(call) => {
                let body = call.body.iter().flatten();
                body.chain(&call.headers).filter_map(computed).for_each(&mut *visit);
            }
            Step::WaitUntilComputed(moment) => visit(moment),
            Step::Repeat { condition, .. } => condition.iter().for_each(&mut *visit),
            Step::Wait(_) | Step::WaitUntil(_) | Step::Exit(_) | Step::Choose(_) => {}
        }
    }
}

impl Plan {
    /// Adds the events that its runs end or go on for, each with the properties that are asked of it.
    pub fn met(&self, met: &mut BTreeMap<Arc<str>, BTreeSet<Arc<str>>>) {
        let waits = self.nodes.iter().filter_map(|node| match &node.step {
            Step::WaitFor { branches, .. } => Some(branches),
            _ => None,
        });
        let waits = waits.flatten().map(|branch| &branch.trigger);
        let goal = self.goal.iter().map(|goal| (&goal.trigger, goal.value.as_ref()));
        let others = self.exits.iter().chain(waits).map(|trigger| (trigger, None));
        for (trigger, value) in goal.chain(others) {
            for event in &trigger.on {
                let names = met.entry(event.clone()).or_default();
                // Money is in the currency that stands beside it.
                names.insert("currency".into());
                names.extend(self.enter.per.iter().filter_map(|per| per.first()).cloned());
                for condition in trigger.condition.iter().chain(value) {
                    condition.expr.walk(&mut |expr| {
                        if let Expr::Path(Root::Event, path) = expr {
                            names.extend(path.first().cloned());
                        }
                    });
                }
            }
        }
    }
}

fn computed((_, setting): &(Arc<str>, Setting)) -> Option<&Condition> {
    if let Setting::Computed(condition) = setting { Some(condition) } else { None }
}

impl Expr {
    /// The top-level properties of an event that it asks for, with what stands beside them: `root` is that event's.
    pub fn properties_of(&self, root: Root) -> BTreeSet<Arc<str>> {
        let mut found = BTreeSet::new();
        self.walk(&mut |expr| match expr {
            Self::Path(of, path) if *of == root => found.extend(path.first().cloned()),
            // An amount's currency stands beside it.
            Self::As(Type::Money, inner) => match inner.as_ref() {
                Self::Path(of, path) if *of == root && path.len() == 1 => {
                    found.insert("currency".into());
                }
                _ => {}
            },
            // The run's own cart is found by the entry's.
            Self::Path(Root::Cart, _) => {
                found.insert("cart_id".into());
            }
            _ => {}
        });
        found
    }
}
