//! What an expression uses: the names of values, and only functions that there are.

use minijinja::machinery::ast::{CallArg, Expr};

use crate::functions::{self, FUNCTIONS, Form};
use crate::nearest::nearest;

/// A path that an expression uses, with its place in the engine's spelling.
pub(crate) struct Used {
    pub path: Vec<String>,
    pub start: usize,
    pub end: usize,
}

/// What is wrong with an expression, with its place in the engine's spelling.
pub(crate) struct Fault {
    pub start: usize,
    pub end: usize,
    pub message: String,
    pub hint: Option<String>,
}

/// Adds what an expression uses.
pub(crate) fn walk(expr: &Expr<'_>, used: &mut Vec<Used>) -> Result<(), Fault> {
    if let Some(path) = path(expr) {
        used.push(Used { path, start: start_of(expr), end: expr.span().end_offset as usize });
        return Ok(());
    }
    match expr {
        Expr::Var(_) | Expr::Const(_) => Ok(()),
        Expr::Slice(slice) => {
            walk(&slice.expr, used)?;
            let bounds = [&slice.start, &slice.stop, &slice.step];
            bounds.into_iter().flatten().try_for_each(|bound| walk(bound, used))
        }
        Expr::UnaryOp(unary) => walk(&unary.expr, used),
        Expr::BinOp(binary) => {
            walk(&binary.left, used)?;
            walk(&binary.right, used)
        }
        Expr::Compare(compare) => {
            walk(&compare.expr, used)?;
            compare.ops.iter().try_for_each(|op| walk(&op.expr, used))
        }
        Expr::IfExpr(choice) => {
            walk(&choice.test_expr, used)?;
            walk(&choice.true_expr, used)?;
            choice.false_expr.iter().try_for_each(|otherwise| walk(otherwise, used))
        }
        Expr::Filter(filter) => {
            known(filter.name, Form::Filter, filter.args.len(), expr)?;
            filter.expr.iter().try_for_each(|value| walk(value, used))?;
            arguments(&filter.args, expr, used)
        }
        Expr::Test(test) => {
            known(test.name, Form::Test, test.args.len(), expr)?;
            walk(&test.expr, used)?;
            arguments(&test.args, expr, used)
        }
        Expr::GetAttr(attribute) => walk(&attribute.expr, used),
        Expr::GetItem(item) => {
            walk(&item.expr, used)?;
            walk(&item.subscript_expr, used)
        }
        Expr::Call(call) => {
            let Expr::Var(name) = &call.expr else { return Err(no_method(expr)) };
            known(name.id, Form::Function, call.args.len(), expr)?;
            arguments(&call.args, expr, used)
        }
        Expr::List(list) => list.items.iter().try_for_each(|item| walk(item, used)),
        Expr::Tuple(tuple) => tuple.items.iter().try_for_each(|item| walk(item, used)),
        Expr::Map(map) => map.keys.iter().chain(&map.values).try_for_each(|item| walk(item, used)),
    }
}

/// The path of a chain of names: `a.b`, `a["b"]`, `a[0]`.
fn path(expr: &Expr<'_>) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut at = expr;
    loop {
        at = if let Expr::GetAttr(attribute) = at {
            names.push(attribute.name.to_owned());
            &attribute.expr
        } else if let Expr::GetItem(item) = at {
            let Expr::Const(name) = &item.subscript_expr else { return None };
            let position = || usize::try_from(name.value.clone()).ok();
            let text = name.value.as_str().map(str::to_owned);
            names.push(text.or_else(|| position().map(|position| position.to_string()))?);
            &item.expr
        } else if let Expr::Var(name) = at {
            names.push(name.id.to_owned());
            names.reverse();
            return Some(names);
        } else {
            return None;
        };
    }
}

/// Where the first name of a chain is; the engine's span of an attribute may begin later.
fn start_of(expr: &Expr<'_>) -> usize {
    let mut at = expr;
    loop {
        at = if let Expr::GetAttr(attribute) = at {
            &attribute.expr
        } else if let Expr::GetItem(item) = at {
            &item.expr
        } else {
            return at.span().start_offset as usize;
        };
    }
}

fn arguments(arguments: &[CallArg<'_>], of: &Expr<'_>, used: &mut Vec<Used>) -> Result<(), Fault> {
    arguments.iter().try_for_each(|argument| match argument {
        CallArg::Pos(value) => walk(value, used),
        CallArg::Kwarg(..) | CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {
            Err(fault(of, "arguments have no names here".to_owned(), None))
        }
    })
}

fn known(name: &str, form: Form, arguments: usize, at: &Expr<'_>) -> Result<(), Fault> {
    match functions::form(name) {
        Some((is, takes)) if is == form && takes.contains(&arguments) => Ok(()),
        Some((is, takes)) if is == form => {
            let takes = match (takes.start(), takes.end()) {
                (0, 0) => "no argument".to_owned(),
                (0, 1) => "at most one argument".to_owned(),
                (1, 1) => "one argument".to_owned(),
                (_, most) => format!("{most} arguments"),
            };
            let message = format!("`{name}` takes {takes}, here are {arguments}");
            Err(fault(at, message, written(name)))
        }
        Some((is, _)) => {
            let message = format!("`{name}` is a {}, not a {}", is.word(), form.word());
            Err(fault(at, message, written(name)))
        }
        None => {
            let of_form = || {
                let names = FUNCTIONS.iter().map(|(name, _)| *name);
                names.filter(|name| functions::form(name).is_some_and(|(is, _)| is == form))
            };
            let all = FUNCTIONS.iter().map(|(name, _)| *name);
            let hint = match nearest(name, of_form()).or_else(|| nearest(name, all)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", of_form().collect::<Vec<_>>().join(", ")),
            };
            Err(fault(at, format!("there is no {} `{name}`", form.word()), Some(hint)))
        }
    }
}

fn written(name: &str) -> Option<String> {
    let (_, meaning) = FUNCTIONS.iter().find(|(known, _)| *known == name)?;
    let (form, _) = meaning.split_once(": ")?;
    Some(format!("write {form}"))
}

fn no_method(at: &Expr<'_>) -> Fault {
    let hint = "write `VALUE | FILTER`, as in `trigger.path | lower`".to_owned();
    fault(at, "values have no methods".to_owned(), Some(hint))
}

fn fault(at: &Expr<'_>, message: String, hint: Option<String>) -> Fault {
    let span = at.span();
    Fault { start: span.start_offset as usize, end: span.end_offset as usize, message, hint }
}
