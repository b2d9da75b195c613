//! The planner's answer: tasks, validated against each other and against those there are.

use std::collections::{BTreeMap, BTreeSet};

use lao_event::{
    Content, StepId,
    latest::{FinishReason, NewStep, StepDefinition, TaskDefinition},
};
use serde::Deserialize;

use super::{check_length, json, short_problem};
use crate::state::State;

/// The schema of the planner's answer.
pub(crate) const TASKS_SCHEMA: &str = r#"{"type":"object","properties":{"tasks":{"type":"array","maxItems":200,"items":{"type":"object","properties":{"id":{"type":"string","maxLength":60},"title":{"type":"string","maxLength":120},"description":{"type":"string","maxLength":4000},"files":{"type":"array","maxItems":50,"items":{"type":"string","maxLength":200}},"deletes":{"type":"array","maxItems":50,"items":{"type":"string","maxLength":200}},"depends_on":{"type":"array","maxItems":50,"items":{"type":"string","maxLength":60}},"acceptance":{"type":"array","maxItems":20,"items":{"type":"string","maxLength":400}}},"required":["id","title","description","files","depends_on","acceptance"],"additionalProperties":false}}},"required":["tasks"],"additionalProperties":false}"#;

/// The most problems the planner is told at once.
const PROBLEMS_MAX: usize = 20;
/// The most tasks one answer may have.
const TASKS_MAX: usize = 2_000;

#[derive(Deserialize)]
#[serde(untagged)]
enum PlannerAnswer {
    Wrapped { tasks: Vec<PlannedTask> },
    Bare(Vec<PlannedTask>),
}

#[derive(Deserialize)]
struct PlannedTask {
    #[serde(default, alias = "key")]
    id: Option<Name>,
    #[serde(default, alias = "name")]
    title: String,
    #[serde(default, alias = "details")]
    description: String,
    #[serde(default, alias = "file_paths")]
    files: Vec<String>,
    #[serde(default, alias = "delete")]
    deletes: Vec<String>,
    #[serde(default, alias = "dependencies", alias = "needs")]
    depends_on: Vec<Name>,
    #[serde(default, alias = "acceptance_criteria")]
    acceptance: Lines,
}

/// A reference, which models write as text or as a number.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Number(i64),
}

impl Name {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.trim().to_owned(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// One text or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lines {
    One(String),
    Many(Vec<String>),
}

impl Default for Lines {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Lines {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

/// Reads the tasks of an answer, or says everything that is wrong with them.
pub(crate) fn read_tasks(
    state: &State,
    text: &str,
    finish: FinishReason,
) -> Result<Vec<NewStep>, Vec<String>> {
    check_length(text).map_err(|problem| vec![problem])?;
    let text = json::without_reasoning(text);
    let tasks = match json::read::<PlannerAnswer>(&text) {
        Ok(PlannerAnswer::Wrapped { tasks } | PlannerAnswer::Bare(tasks)) => tasks,
        Err(_) if finish == FinishReason::Length => {
            return Err(vec![
                "the answer was cut off at the token limit: write shorter descriptions".to_owned(),
            ]);
        }
        Err(problem) => return Err(vec![problem]),
    };
    if tasks.len() > TASKS_MAX {
        return Err(vec![format!("{} tasks are more than the {TASKS_MAX} allowed", tasks.len())]);
    }
    let names = Names::new(state, &tasks);
    let mut problems = names.problems.clone();
    let steps: Vec<NewStep> = tasks
        .into_iter()
        .enumerate()
        .map(|(index, task)| new_step(&names, index, task, &mut problems))
        .collect();
    problems.extend(cycle(&names, &steps));
    if problems.is_empty() {
        return Ok(steps);
    }
    problems.truncate(PROBLEMS_MAX);
    Err(problems.iter().map(|problem| short_problem(problem)).collect())
}

/// What a reference may mean, in this order: a task of this answer by its id or by its title, or
/// one there is already by its key or its title.
struct Names<'s> {
    first: u32,
    first_task: u32,
    planning: StepId,
    ids: BTreeMap<String, StepId>,
    titles: BTreeMap<String, StepId>,
    old: &'s BTreeMap<String, StepId>,
    problems: Vec<String>,
}

impl<'s> Names<'s> {
    fn new(state: &'s State, tasks: &[PlannedTask]) -> Self {
        let count = u32::try_from(state.steps().len()).expect("a run has fewer than 2^32 steps");
        let chunks = state.started().plan().map_or(0, |plan| plan.chunks.len());
        let last_chunk = u32::try_from(chunks - 1).expect("a plan has fewer than 2^32 chunks");
        let mut names = Self {
            first: count,
            first_task: state.index.tasks,
            planning: StepId(last_chunk),
            ids: BTreeMap::new(),
            titles: BTreeMap::new(),
            old: &state.index.names,
            problems: Vec::new(),
        };
        for (index, task) in tasks.iter().enumerate() {
            names.add(index, task);
        }
        names
    }

    fn id(&self, index: usize) -> StepId {
        StepId(self.first + u32::try_from(index).expect("tasks are limited"))
    }

    fn key(&self, index: usize) -> String {
        format!("t{}", self.first_task as usize + index + 1)
    }

    fn add(&mut self, index: usize, task: &PlannedTask) {
        let step = self.id(index);
        let title = task_name(&task.title);
        let known = self.old.contains_key(&title) || self.titles.contains_key(&title);
        if known && !title.is_empty() {
            self.problems.push(format!("two tasks are called {:?}", task.title.trim()));
        }
        self.titles.insert(title, step);
        let id = task.id.as_ref().map(Name::text).filter(|id| !id.is_empty());
        if let Some(id) = id
            && self.ids.insert(task_name(&id), step).is_some()
        {
            self.problems.push(format!("two tasks have the id {id:?}"));
        }
    }

    fn resolve(&self, name: &str) -> Option<StepId> {
        let name = task_name(name);
        let new = self.ids.get(&name).or_else(|| self.titles.get(&name));
        new.or_else(|| self.old.get(&name)).copied().filter(|_| !name.is_empty())
    }
}

/// A name as it is looked for: capitals and spaces around it do not count.
pub(crate) fn task_name(name: &str) -> String {
    name.trim().to_lowercase()
}

fn new_step(
    names: &Names<'_>,
    index: usize,
    task: PlannedTask,
    problems: &mut Vec<String>,
) -> NewStep {
    let title = task.title.trim().to_owned();
    let shown = if title.is_empty() { format!("task {}", index + 1) } else { format!("{title:?}") };
    if title.is_empty() {
        problems.push(format!("task {} has no title", index + 1));
    }
    if task.description.trim().is_empty() {
        problems.push(format!("{shown} has no description"));
    }
    let mut needs = BTreeSet::from([names.planning]);
    for name in &task.depends_on {
        match names.resolve(&name.text()) {
            Some(id) if id == names.id(index) => {
                problems.push(format!("{shown} depends on itself"));
            }
            Some(id) => {
                needs.insert(id);
            }
            None => problems.push(format!("{shown} depends on unknown task {:?}", name.text())),
        }
    }
    let mut path = |path: String| match checked_path(&path) {
        Ok(path) => Some(path),
        Err(problem) => {
            problems.push(format!("{shown} names {path:?}, which {problem}"));
            None
        }
    };
    NewStep {
        key: names.key(index),
        title,
        needs: needs.into_iter().collect(),
        definition: StepDefinition::Task(TaskDefinition {
            files: task.files.into_iter().filter_map(&mut path).collect(),
            deletes: task.deletes.into_iter().filter_map(&mut path).collect(),
            description: Content::Inline(task.description),
            acceptance: task.acceptance.into_vec(),
        }),
    }
}

/// A path as the journal keeps it, or why it may not be used. The tools check paths again, as
/// resolved on the disk.
fn checked_path(path: &str) -> Result<String, &'static str> {
    let path = path.trim().replace('\\', "/");
    if path.starts_with('/') || path.as_bytes().get(1) == Some(&b':') {
        return Err("is absolute; paths are relative to the workspace");
    }
    let parts: Vec<&str> =
        path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err("leads out of the workspace");
    }
    let reserved =
        |part: &str| part.eq_ignore_ascii_case(".git") || part.eq_ignore_ascii_case(".lao");
    if parts.iter().any(|part| reserved(part)) {
        return Err("lies in .git or .lao, which are not for tasks");
    }
    if parts.is_empty() || path.contains('\0') {
        return Err("is not a path");
    }
    Ok(parts.join("/"))
}

/// A cycle among the new tasks, in words.
fn cycle(names: &Names<'_>, steps: &[NewStep]) -> Option<String> {
    let inner = |need: &StepId| need.0.checked_sub(names.first).map(|index| index as usize);
    let mut unmet: Vec<usize> =
        steps.iter().map(|step| step.needs.iter().filter_map(inner).count()).collect();
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (index, step) in steps.iter().enumerate() {
        for need in step.needs.iter().filter_map(inner) {
            dependents[need].push(index);
        }
    }
    let mut free: Vec<usize> = (0..steps.len()).filter(|index| unmet[*index] == 0).collect();
    let mut done = 0;
    while let Some(index) = free.pop() {
        done += 1;
        for dependent in &dependents[index] {
            unmet[*dependent] -= 1;
            if unmet[*dependent] == 0 {
                free.push(*dependent);
            }
        }
    }
    if done == steps.len() {
        return None;
    }
    let titles: Vec<String> = (0..steps.len())
        .filter(|index| unmet[*index] > 0)
        .map(|index| format!("{:?}", steps[index].title))
        .collect();
    Some(format!("these tasks depend on each other in a circle: {}", titles.join(", ")))
}
