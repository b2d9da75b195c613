//! A workflow as a run begins with it: its definition and its steps in the graph's own words.

use std::collections::BTreeMap;

use lao_event::{
    NamedStep, StepId,
    latest::{FlowDefinition, FlowInput, FlowValue, NewStep, StepDefinition},
};
use serde_json::Value as Json;

use super::Workflow;

impl Workflow {
    /// What a run of it is to do: `text` is the whole file, `trigger` what set it off.
    pub fn definition(
        &self,
        text: &str,
        inputs: impl IntoIterator<Item = (String, Json)>,
        trigger: &Json,
    ) -> FlowDefinition {
        let inputs = inputs.into_iter();
        let mut inputs: Vec<FlowInput> =
            inputs.map(|(name, value)| FlowInput { name, value: flow_value(value) }).collect();
        inputs.sort_by(|a, b| a.name.cmp(&b.name));
        FlowDefinition {
            title: self.name.clone(),
            path: self.path.clone(),
            text: text.into(),
            inputs,
            trigger: trigger.to_string(),
            output: Some(self.output.0.clone()),
        }
    }
}

/// The template that gives what a step gave.
pub fn output_of(step: &str) -> String {
    format!("${{{{ steps.{step}.output }}}}")
}

/// Steps as a graph takes them; those that a step needs must be among those before it.
pub fn new_steps(steps: &[NamedStep]) -> Vec<NewStep> {
    let places: BTreeMap<&str, usize> =
        steps.iter().enumerate().map(|(index, step)| (step.id.as_str(), index)).collect();
    let place = |name: &String| {
        let index = places.get(name.as_str())?;
        Some(StepId(u32::try_from(*index).ok()?))
    };
    steps
        .iter()
        .map(|named| NewStep {
            key: named.id.clone(),
            title: named.title.clone(),
            needs: named.needs.iter().filter_map(place).collect(),
            definition: StepDefinition::Flow {
                spec: serde_json::to_string(&named.step).expect("definitions are plain JSON"),
            },
        })
        .collect()
}

fn flow_value(value: Json) -> FlowValue {
    match value {
        Json::Null => FlowValue::Nothing,
        Json::String(text) => FlowValue::Text(text.into()),
        other @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => {
            FlowValue::Json(other.to_string().into())
        }
    }
}
