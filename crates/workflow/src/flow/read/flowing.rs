//! Steps that steer: maps, questions, pauses, demands.

use lao_event::{FlowAction, FlowApprove, FlowAssert, FlowMap, FlowWait, MapOver};

use crate::flow::reader::Reader;
use crate::flow::table::{APPROVE, ASSERT, MAP, WAIT};
use crate::flow::yaml::Node;

/// The deepest nesting of maps.
const MAPS_MAX: usize = 4;

pub(super) fn map<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<FlowAction> {
    if reader.maps >= MAPS_MAX {
        let hint = "put the inner ones into a workflow of their own".to_owned();
        let message = format!("more than {MAPS_MAX} maps inside each other");
        reader.problem(node.at, message, Some(hint));
        return None;
    }
    let mut fields = reader.fields(node, &MAP)?;
    let list = fields.template("over").map(MapOver::List);
    let over = list.or_else(|| fields.template("files").map(MapOver::Files));
    let concurrency = fields.small("concurrency").unwrap_or(1);
    let step = super::inner(fields.node("do")?, reader)?;
    Some(FlowAction::Map(Box::new(FlowMap { over: over?, concurrency, step })))
}

pub(super) fn approve<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<FlowAction> {
    let mut fields = reader.fields(node, &APPROVE)?;
    Some(FlowAction::Approve(FlowApprove { message: fields.template("message")? }))
}

pub(super) fn waited(ms: u64) -> FlowAction {
    FlowAction::Wait(FlowWait::Ms(ms))
}

pub(super) fn wait<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<FlowAction> {
    let mut fields = reader.fields(node, &WAIT)?;
    let so_long = fields.count("for").map(FlowWait::Ms);
    so_long.or_else(|| fields.template("until").map(FlowWait::Until)).map(FlowAction::Wait)
}

pub(super) fn assert<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<FlowAction> {
    let mut fields = reader.fields(node, &ASSERT)?;
    let message = fields.template("message");
    Some(FlowAction::Assert(FlowAssert { that: fields.template("that")?, message }))
}
