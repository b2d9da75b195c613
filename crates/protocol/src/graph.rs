//! A graph of steps, as `lao graph` and `lao run --dry-run` show it.

use serde::{Deserialize, Serialize};

use crate::StepStatus;

/// The steps of a workflow or a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphView {
    /// What people call it.
    pub title: String,
    /// The file it came from.
    pub source: String,
    /// The run's id; none for a workflow that has not begun.
    pub run: Option<String>,
    /// Inputs of a workflow: names and values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<(String, String)>,
    /// Models that would be asked: role, model, endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<(String, String, String)>,
    /// The steps, needed ones first.
    pub steps: Vec<GraphStep>,
}

/// A step of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphStep {
    /// Short name.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// What it does: `prompt`, `task`.
    pub kind: String,
    /// Keys of the steps it needs.
    pub needs: Vec<String>,
    /// Its condition, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// How it stands, in a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StepStatus>,
}
