//! Calls of functions, transforms and picklists.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic};
use migr_plan::Expr;
use migr_plan::functions::{FUNCTIONS, Function};
use migr_source::Span;
use migr_syntax::ast::{Argument, Name};

use super::{DEEPEST, Inference, Scope, Typed};
use crate::errors::Missing;
use crate::types::{Options, Type};

impl Inference<'_, '_> {
    /// `function(a, b)`, `companies("K3")` in a test, `ClientCompany(company)`.
    pub(super) fn call(&mut self, function: &Name, arguments: &[Argument], span: Span) -> Typed {
        if self.scope.is_test && self.world.schema.objects.contains_key(&function.node) {
            return self.test_record(function, arguments);
        }
        if self.world.makers.distinct.contains_key(&function.node) {
            return self.distinct_key(function, arguments, span);
        }
        let Some((first, rest)) = arguments.split_first() else {
            if self.is_known(&function.node) {
                let signature =
                    Function::find(&function.node).map_or_else(|| function.node.to_string(), Function::signature);
                self.diagnostics.push(
                    Diagnostic::new(Code::E0303, format!("`{}` is given nothing", function.node), span, "no arguments")
                        .with_help(format!("a value flows in, as in `value | {}`; it is `{signature}`", function.node)),
                );
            } else {
                self.unknown_function(function);
            }
            return Typed::unknown();
        };
        let input = self.infer(&first.value);
        self.apply(function, input, first.value.span, rest, span)
    }

    fn is_known(&self, name: &str) -> bool {
        Function::find(name).is_some()
            || self.world.transforms.contains_key(name)
            || self.world.tables.contains_key(name)
    }

    fn unknown_function(&mut self, function: &Name) {
        let valid = FUNCTIONS
            .iter()
            .filter(|one| !one.only_in_settings)
            .map(|one| one.name)
            .chain(self.world.transforms.keys().map(|name| &**name))
            .chain(self.world.tables.keys().map(|name| &**name));
        let missing = Missing {
            code: Code::E0302,
            message: format!("there is no function, transform or picklist `{}`", function.node),
            written: &function.node,
            span: function.span,
            what: "functions".to_owned(),
        };
        let diagnostic = missing.among(valid);
        self.diagnostics.push(diagnostic);
    }

    /// Applies a function, transform or picklist to the value that flows in.
    pub(super) fn apply(
        &mut self,
        function: &Name,
        input: Typed,
        input_span: Span,
        arguments: &[Argument],
        span: Span,
    ) -> Typed {
        if let Some(known) = Function::find(&function.node) {
            return self.builtin(known, function, input, input_span, arguments);
        }
        if self.world.transforms.contains_key(&function.node) {
            return self.transform(function, input, arguments, span);
        }
        if self.world.tables.contains_key(&function.node) {
            return self.look_up(function, input, input_span, arguments);
        }
        self.unknown_function(function);
        for argument in arguments {
            self.infer(&argument.value);
        }
        Typed::unknown()
    }

    /// A transform, written out with its arguments.
    fn transform(&mut self, function: &Name, input: Typed, arguments: &[Argument], span: Span) -> Typed {
        let world = self.world;
        let Some(transform) = world.transforms.get(&function.node) else { return Typed::unknown() };
        self.usage.transforms.insert(Arc::clone(&function.node));
        if self.expanding.contains(&function.node) {
            let mut circle: Vec<String> = self
                .expanding
                .iter()
                .skip_while(|name| **name != function.node)
                .map(|name| format!("`{name}`"))
                .collect();
            circle.push(format!("`{}`", function.node));
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0313,
                    format!("transform `{}` uses itself: {}", function.node, circle.join(" → ")),
                    function.span,
                    "uses itself",
                )
                .with_help("a transform ends after its last pipe; write the step out"),
            );
            return Typed::unknown();
        }
        if self.expanding.len() >= DEEPEST {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0109,
                    format!("transforms use each other more than {DEEPEST} deep"),
                    span,
                    "too deep",
                )
                .with_help("write some of their steps out"),
            );
            return Typed::unknown();
        }
        let wanted = transform.parameters.len();
        if arguments.len() + 1 != wanted {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0303,
                    format!("transform `{}` takes {}, found {}", function.node, values(wanted), arguments.len() + 1),
                    function.span,
                    "other arguments",
                )
                .with_label(transform.name.span, "defined here")
                .with_help("the first value comes through `|`, the others in brackets"),
            );
            return Typed::unknown();
        }
        let mut values = vec![input];
        values.extend(arguments.iter().map(|argument| self.infer(&argument.value)).collect::<Vec<_>>());
        let parameters = transform.parameters.iter().map(|name| Arc::clone(&name.node)).zip(values).collect();
        // A transform reads its parameters alone.
        let inner = Scope { parameters, is_unknown: false, ..Scope::default() };
        let outer = std::mem::replace(&mut self.scope, inner);
        self.expanding.push(Arc::clone(&function.node));
        let typed = self.infer(&transform.body);
        self.expanding.pop();
        self.scope = outer;
        typed
    }

    /// The values of a column that is declared as a select.
    fn declared_options(&self, column: &str) -> Option<Arc<Options>> {
        match &self.scope.object?.fields.get(column)?.ty {
            Type::Select(options) | Type::Multiselect(options) if !options.open => Some(Arc::clone(options)),
            _ => None,
        }
    }

    /// `value | Picklist`, `(a, b) | Picklist`.
    fn look_up(&mut self, name: &Name, input: Typed, input_span: Span, arguments: &[Argument]) -> Typed {
        let world = self.world;
        let Some(table) = world.tables.get(&name.node) else { return Typed::unknown() };
        self.usage.tables.insert(Arc::clone(&name.node));
        for argument in arguments {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0303,
                    format!("picklist `{}` takes no further arguments", name.node),
                    argument.value.span,
                    "not taken",
                )
                .with_help(format!("a value flows in, as in `value | {}`", name.node)),
            );
        }
        let wanted = table.spec.inputs.len().max(1);
        let can_fail = true;
        let (inputs, is_list) = match (input.expr, input.ty) {
            (Expr::Tuple { items }, Type::Tuple(types)) => {
                (items.into_iter().zip(types).map(|(expr, ty)| Typed::new(expr, ty)).collect::<Vec<_>>(), false)
            }
            (expr, Type::List(of)) => (vec![Typed::new(expr, (*of).clone())], true),
            (expr, ty) => (vec![Typed::new(expr, ty)], false),
        };
        if inputs.len() != wanted {
            let help = if wanted == 1 {
                "one value flows in".to_owned()
            } else {
                format!("as many flow in as in `({}) | {}`", table.spec.inputs.join(", "), name.node)
            };
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0303,
                    format!("picklist `{}` takes {}, found {}", name.node, values(wanted), inputs.len()),
                    input_span,
                    "other values",
                )
                .with_label(table.spec.name_span, "defined here")
                .with_help(help),
            );
            return Typed::unknown();
        }
        let options = match inputs.as_slice() {
            [Typed { expr: Expr::Column { name }, .. }] => self.declared_options(name),
            _ => None,
        };
        self.usage.fed.entry(Arc::clone(&name.node)).or_default().push(options);
        let inputs = inputs.into_iter().map(|one| self.convert(one, &Type::Text, input_span).expr).collect();
        let expr = Expr::Picklist { table: name.node.to_string(), inputs, output: 0 };
        // A list of values becomes several options, each once.
        if let ([many @ Type::Multiselect(_)], true) = (table.types.as_slice(), is_list) {
            let expr = Expr::Call { function: "unique".to_owned(), arguments: vec![expr] };
            return Typed::new(expr, many.clone()).or_fails(can_fail);
        }
        let ty = match table.types.as_slice() {
            [one] if is_list => Type::list(one.clone()),
            [one] => one.clone(),
            many => Type::Tuple(many.to_vec()),
        };
        Typed::new(expr, ty).or_fails(can_fail)
    }
}

fn values(count: usize) -> String {
    if count == 1 { "1 value".to_owned() } else { format!("{count} values") }
}
