//! Steps that work on this machine: commands and files.

use lao_event::{
    FlowAction, FlowFormat, FlowRead, FlowRun, FlowWrite, ReadWhat, Template, WriteMode,
};

use crate::flow::reader::{Field, Fields, Reader};
use crate::flow::table::{READ, RUN, WRITE};
use crate::flow::yaml::Node;

pub(super) fn run<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<FlowAction> {
    let mut fields = reader.fields(node, &RUN)?;
    let argv = argv(&mut fields)?;
    Some(FlowAction::Run(FlowRun {
        argv,
        folder: fields.template("folder"),
        env: fields.pairs("env").into_iter().map(|(name, value, _)| (name, value)).collect(),
        secrets: match fields.take("secrets") {
            Some(Field::Renames(renames)) => renames,
            Some(_) | None => Vec::new(),
        },
        input: fields.template("input"),
        format: match fields.choice("format") {
            Some("json") => FlowFormat::Json { schema: None },
            Some(_) | None => FlowFormat::Text,
        },
        exit_codes: match fields.take("exit_codes") {
            Some(Field::Codes(codes)) => codes,
            Some(_) | None => vec![0],
        },
        repeatable: fields.flag("repeatable"),
    }))
}

fn argv(fields: &mut Fields<'_>) -> Option<Vec<Template>> {
    if let Some(Field::Templates(argv)) = fields.take("command") {
        return Some(argv);
    }
    let line = fields.template("shell")?;
    Some(vec![Template::from("sh"), Template::from("-c"), line])
}

pub(super) fn read<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<FlowAction> {
    let mut fields = reader.fields(node, &READ)?;
    let mut what = fields.template("file").map(ReadWhat::Text);
    what = what.or_else(|| fields.template("json").map(ReadWhat::Json));
    what = what.or_else(|| fields.template("lines").map(ReadWhat::Lines));
    what = what.or_else(|| fields.template("files").map(ReadWhat::Files));
    Some(FlowAction::Read(FlowRead { what: what? }))
}

pub(super) fn write<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<FlowAction> {
    let mut fields = reader.fields(node, &WRITE)?;
    let (path, text) = (fields.template("path"), fields.template("text"));
    let mode = match fields.choice("mode") {
        Some("append") => WriteMode::Append,
        Some("create") => WriteMode::Create,
        Some(_) | None => WriteMode::Replace,
    };
    Some(FlowAction::Write(FlowWrite { path: path?, text: text?, mode }))
}
