//! The order of steps: each after those it needs, else as in the file.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use lao_event::NamedStep;

use super::read::RawStep;

/// Positions in order, or the cycles that there are, each from its first step in the file.
pub(crate) fn order(raw: &[RawStep<'_>]) -> Result<Vec<usize>, Vec<Vec<usize>>> {
    let mut waiting: Vec<usize> = raw.iter().map(|step| step.needed.len()).collect();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); raw.len()];
    for (at, step) in raw.iter().enumerate() {
        for needed in &step.needed {
            needed_by[*needed].push(at);
        }
    }
    let free = waiting.iter().enumerate().filter(|(_, count)| **count == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = free.map(|(at, _)| Reverse(at)).collect();
    let mut order = Vec::with_capacity(raw.len());
    while let Some(Reverse(at)) = ready.pop() {
        order.push(at);
        for next in &needed_by[at] {
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                ready.push(Reverse(*next));
            }
        }
    }
    if order.len() == raw.len() { Ok(order) } else { Err(cycles(raw, &waiting)) }
}

/// Walks from each step that is left along its needs until a step comes again.
fn cycles(raw: &[RawStep<'_>], waiting: &[usize]) -> Vec<Vec<usize>> {
    let mut walk_of: Vec<Option<usize>> = vec![None; raw.len()];
    let mut cycles = Vec::new();
    for begin in 0..raw.len() {
        let mut path = Vec::new();
        let mut at = Some(begin).filter(|begin| waiting[*begin] > 0);
        while let Some(step) = at.filter(|step| walk_of[*step].is_none()) {
            walk_of[step] = Some(begin);
            path.push(step);
            at = raw[step].needed.iter().copied().find(|needed| waiting[*needed] > 0);
        }
        let Some(again) = at.filter(|step| walk_of[*step] == Some(begin)) else { continue };
        let Some(first) = path.iter().position(|step| *step == again) else { continue };
        let mut cycle = path.split_off(first);
        let least = cycle.iter().enumerate().min_by_key(|(_, step)| **step);
        let turn = least.map_or(0, |(at, _)| at);
        cycle.rotate_left(turn);
        cycles.push(cycle);
    }
    cycles
}

/// The steps in their order.
pub(crate) fn sorted(raw: Vec<RawStep<'_>>, order: &[usize]) -> Vec<NamedStep> {
    let ids: Vec<String> = raw.iter().map(|step| step.id.clone()).collect();
    let mut named: Vec<Option<NamedStep>> = Vec::with_capacity(raw.len());
    for RawStep { id, title, needed, step, .. } in raw {
        let needs = needed.into_iter().map(|at| ids[at].clone()).collect();
        named.push(Some(NamedStep { id, title, needs, step }));
    }
    order.iter().filter_map(|at| named[*at].take()).collect()
}
