//! `test` of a send: one of a template's variants, for the same person always the same one.

use std::sync::Arc;

use super::Actor;
use crate::MessageId;
use crate::decision::{Choice, Rule};
use crate::draw::draw;
use crate::plan::{Node, Plan, Send};
use crate::row::DecisionRow;
use crate::template::variant_of;
use crate::value::Value;

impl Actor<'_> {
    /// The variant that the person gets, where the send compares some.
    pub(super) fn variant<'s>(&self, plan: &Plan, node: &Node, send: &'s Send) -> Option<&'s Arc<str>> {
        let drawn = draw(self.person.assignment_key, &[&plan.seed, "test", &node.id]);
        let nth = (drawn * send.test.len() as f64) as usize;
        send.test.get(nth.min(send.test.len().saturating_sub(1)))
    }

    /// A message goes, or would: its variant is logged, with how likely it was, and is the step's from now on.
    pub(super) fn tested(&mut self, nth: usize, plan: &Plan, node: &Node, send: &Send, visit: u32) {
        let Some(variant) = self.variant(plan, node, send).cloned() else { return };
        let withheld = self.is_withheld(nth, plan, node);
        let run = &mut self.person.runs[nth];
        // Without room for it nothing asks for it.
        run.set(&variant_of(&node.id), Value::Text(variant.clone()));
        let message = MessageId::new(self.person.id, run.number, run.started_at, &node.id, visit, 1);
        self.outcome.decisions.push(DecisionRow {
            person: self.person.id,
            run: run.number,
            journey: plan.name.clone(),
            step: node.id.clone(),
            visit,
            at: self.now,
            options: send.test.clone(),
            choice: variant,
            propensities: vec![1.0 / send.test.len() as f64; send.test.len()],
            what: Choice::Option,
            rule: Rule::Fixed,
            snapshot: 0,
            message: (!withheld).then_some(message),
            features: "{}".into(),
        });
    }
}
