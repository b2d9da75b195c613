//! Ten thousand steps in one graph, and ten thousand items, are ordinary: the work of an event does
//! not grow with the graph. What is counted is events and commands, never time.

use lao_event::{
    Content, EffectId, FlowAction, FlowMap, MapOver, OnUnknown, Template,
    latest::{Action, ActionOutcome, FlowValue, RunOutcome, WorkspaceOutcome},
};
use lao_kernel::{Command, EffectKey, EffectWork, RunPhase, State, handle, outstanding};

use super::graphs::{assertion, command, named, new_steps, plain, settings, start};

const STEPS: usize = 10_000;

/// What is owed.
enum Kind {
    Workspace,
    List,
    Run,
}

/// Runs to the end in a friendly world; returns commands and events.
fn run(begin: Command) -> (usize, usize) {
    let mut state = State::new();
    let mut commands = 0;
    let mut events = handle(&mut state, begin).expect("it begins").events.len();
    loop {
        let owed: Vec<(EffectId, Kind)> = outstanding(&state)
            .filter_map(|effect| match (effect.key, effect.work) {
                (EffectKey::Started(id, _), EffectWork::Workspace) => Some((id, Kind::Workspace)),
                (EffectKey::Started(id, _), EffectWork::Action(Action::List { .. })) => {
                    Some((id, Kind::List))
                }
                (EffectKey::Started(id, _), _) => Some((id, Kind::Run)),
                (EffectKey::Prepare(_) | EffectKey::Look(..), _) => None,
            })
            .collect();
        if owed.is_empty() {
            break;
        }
        for (effect, kind) in owed {
            let done = |value| {
                let outcome = ActionOutcome::Done { value, exit_code: Some(0) };
                Command::ActionEnded { effect, outcome }
            };
            let command = match kind {
                Kind::Workspace => {
                    let outcome = WorkspaceOutcome::Ready { base: None, dirty: Vec::new() };
                    Command::WorkspaceEnded { effect, outcome }
                }
                Kind::List => {
                    let files: Vec<String> = (0..STEPS).map(|it| format!("{it}.txt")).collect();
                    let json = serde_json::to_string(&files).expect("plain JSON");
                    done(FlowValue::Json(Content::Inline(json)))
                }
                Kind::Run => done(FlowValue::Text(Content::from("x"))),
            };
            commands += 1;
            events += handle(&mut state, command).expect("it was owed").events.len();
        }
    }
    let phase = &state.run().expect("it began").phase;
    let failed = state.steps().iter().find(|step| step.has_failed());
    assert_eq!(
        phase,
        &RunPhase::Ended(RunOutcome::Succeeded),
        "{:?}",
        failed.map(|step| &step.status)
    );
    (commands, events)
}

#[test]
fn ten_thousand_commands_in_a_chain_take_one_decision_each() {
    let ids: Vec<String> = (0..STEPS).map(|index| format!("s{index}")).collect();
    let steps: Vec<_> = ids
        .iter()
        .enumerate()
        .map(|(index, id)| {
            let before = index.checked_sub(1).map(|before| ids[before].as_str());
            let text =
                before.map_or("start".to_owned(), |id| format!("${{{{ steps.{id}.output }}}}"));
            named(id, &before.into_iter().collect::<Vec<_>>(), plain(command(&["go", &text])))
        })
        .collect();
    // Places by index, or this test would be quadratic itself.
    let new = numbered(&steps);
    let (commands, events) = run(start(new, settings(OnUnknown::Rerun, 8)));
    // The workspace, and each command's end, which begins the next.
    assert_eq!(commands, STEPS + 1);
    assert!(events < STEPS * 4 + 100, "{events} events");
}

#[test]
fn ten_thousand_assertions_in_a_chain_take_one_decision_in_all() {
    let ids: Vec<String> = (0..STEPS).map(|index| format!("s{index}")).collect();
    let steps: Vec<_> = ids
        .iter()
        .enumerate()
        .map(|(index, id)| {
            let before = index.checked_sub(1).map(|before| ids[before].as_str());
            named(id, &before.into_iter().collect::<Vec<_>>(), plain(assertion("${{ true }}")))
        })
        .collect();
    let (commands, _) = run(start(numbered(&steps), settings(OnUnknown::Rerun, 8)));
    assert_eq!(commands, 1);
}

#[test]
fn ten_thousand_items_are_ordinary() {
    let over = MapOver::Files(Template::from("*.txt"));
    let step = plain(command(&["each", "${{ item }}"]));
    let map = FlowAction::Map(Box::new(FlowMap { over, concurrency: 50, step }));
    let sum = assertion("${{ steps.all.output | length == 10000 }}");
    let steps = [named("all", &[], plain(map)), named("sum", &["all"], plain(sum))];
    let (commands, _) = run(start(new_steps(&steps), settings(OnUnknown::Rerun, 8)));
    // The workspace, the list, and each item.
    assert_eq!(commands, STEPS + 2);
}

/// As [`new_steps`], for chains.
fn numbered(steps: &[lao_event::NamedStep]) -> Vec<lao_event::latest::NewStep> {
    let mut new = new_steps(&steps.iter().map(without_needs).collect::<Vec<_>>());
    for (index, step) in new.iter_mut().enumerate().skip(1) {
        step.needs = vec![lao_event::StepId(u32::try_from(index - 1).expect("few steps"))];
    }
    new
}

fn without_needs(step: &lao_event::NamedStep) -> lao_event::NamedStep {
    lao_event::NamedStep { needs: Vec::new(), ..step.clone() }
}
