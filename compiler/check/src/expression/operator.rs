//! Operators, `if` and `otherwise`.

use std::sync::Arc;

use migr_diagnostics::{Applicability, Code, Diagnostic, Edit, Fix};
use migr_plan::{Expr, Operator, Recovery};
use migr_source::{Span, Spanned};
use migr_syntax::ast::{self, BinaryOperator, Expression};

use super::{Inference, Typed};
use crate::errors;
use crate::types::Type;

/// The type that holds values of both.
pub(super) fn unify(left: &Type, right: &Type) -> Option<Type> {
    match (left, right) {
        (one, other) if one == other => Some(one.clone()),
        (Type::Unknown, _) | (_, Type::Unknown) => Some(Type::Unknown),
        (Type::None, other) | (other, Type::None) => Some(other.clone()),
        (one, other) if one.is_text_like() && other.is_text_like() => Some(Type::Text),
        (Type::Select(_), other) | (other, Type::Select(_))
            if other.is_text_like() || matches!(other, Type::Select(_)) =>
        {
            Some(Type::Text)
        }
        (one, other) if one.is_numeric() && other.is_numeric() => {
            Some(if matches!((one, other), (Type::Number, _) | (_, Type::Number)) {
                Type::Number
            } else {
                Type::Decimal
            })
        }
        (Type::List(one), Type::List(other)) => unify(one, other).map(Type::list),
        _ => None,
    }
}

fn plan_operator(operator: BinaryOperator) -> Operator {
    match operator {
        BinaryOperator::Multiply => Operator::Multiply,
        BinaryOperator::Divide => Operator::Divide,
        BinaryOperator::Add => Operator::Add,
        BinaryOperator::Subtract => Operator::Subtract,
        BinaryOperator::Coalesce => Operator::Coalesce,
        BinaryOperator::Equal => Operator::Equal,
        BinaryOperator::NotEqual => Operator::NotEqual,
        BinaryOperator::Less => Operator::Less,
        BinaryOperator::LessOrEqual => Operator::LessOrEqual,
        BinaryOperator::Greater => Operator::Greater,
        BinaryOperator::GreaterOrEqual => Operator::GreaterOrEqual,
        BinaryOperator::In => Operator::In,
        BinaryOperator::NotIn => Operator::NotIn,
        BinaryOperator::And => Operator::And,
        BinaryOperator::Or => Operator::Or,
    }
}

pub(super) fn binary(operator: BinaryOperator, left: Typed, right: Typed, ty: Type) -> Typed {
    let can_fail = left.can_fail || right.can_fail;
    let expr =
        Expr::Binary { operator: plan_operator(operator), left: Box::new(left.expr), right: Box::new(right.expr) };
    Typed::new(expr, ty).or_fails(can_fail)
}

impl Inference<'_, '_> {
    pub(super) fn binary(&mut self, operator: &Spanned<BinaryOperator>, left: &ast::Expr, right: &ast::Expr) -> Typed {
        match operator.node {
            BinaryOperator::And | BinaryOperator::Or => {
                let left = self.against(left, &Type::Boolean);
                let right = self.against(right, &Type::Boolean);
                binary(operator.node, left, right, Type::Boolean)
            }
            BinaryOperator::Coalesce => {
                let (left, right) = (self.infer(left), self.infer(right));
                let ty = self.unified(operator, &left.ty, &right.ty);
                binary(operator.node, left, right, ty)
            }
            BinaryOperator::Equal
            | BinaryOperator::NotEqual
            | BinaryOperator::Less
            | BinaryOperator::LessOrEqual
            | BinaryOperator::Greater
            | BinaryOperator::GreaterOrEqual => self.comparison(operator, left, right),
            BinaryOperator::In | BinaryOperator::NotIn => self.membership(operator, left, right),
            BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Add | BinaryOperator::Subtract => {
                self.arithmetic(operator, left, right)
            }
        }
    }

    fn unified(&mut self, operator: &Spanned<BinaryOperator>, left: &Type, right: &Type) -> Type {
        if let Some(ty) = unify(left, right) {
            return ty;
        }
        self.diagnostics.push(
            Diagnostic::new(
                Code::E0301,
                format!("`{}` takes two values of one type, found {left} and {right}", operator.node.as_str()),
                operator.span,
                format!("{left} and {right}"),
            )
            .with_help("convert one of them"),
        );
        Type::Unknown
    }

    fn comparison(&mut self, operator: &Spanned<BinaryOperator>, left: &ast::Expr, right: &ast::Expr) -> Typed {
        let left = self.infer(left);
        let right = if let Type::Select(_) = &left.ty { self.against(right, &left.ty) } else { self.infer(right) };
        let ty = self.unified(operator, &left.ty, &right.ty);
        let ordered = !matches!(operator.node, BinaryOperator::Equal | BinaryOperator::NotEqual);
        let has_order = ty.is_silent() || ty.is_numeric() || matches!(ty, Type::Date | Type::Datetime);
        if ordered && !has_order {
            // Sign by sign `10` stands before `9`, and `2/1/2024` before `9/1/2023`.
            let help = match ty {
                Type::Text => {
                    "read it as what it is: declare the column `date`, `datetime` or `number`, or write `| number`"
                }
                _ => "compare with `==` or `!=`",
            };
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0301,
                    format!("values of type {ty} have no order"),
                    operator.span,
                    "has no order",
                )
                .with_help(help),
            );
        }
        binary(operator.node, left, right, Type::Boolean)
    }

    fn membership(&mut self, operator: &Spanned<BinaryOperator>, left: &ast::Expr, list: &ast::Expr) -> Typed {
        let left = self.infer(left);
        let right = if let Type::Select(_) = &left.ty {
            self.against(list, &Type::list(left.ty.clone()))
        } else {
            self.infer(list)
        };
        match &right.ty {
            Type::List(of) => {
                self.unified(operator, &left.ty, of);
            }
            ty if ty.is_silent() => {}
            ty => self.diagnostics.push(
                errors::type_mismatch("a list", &ty.to_string(), list.span).with_help("write a list: `[\"a\", \"b\"]`"),
            ),
        }
        binary(operator.node, left, right, Type::Boolean)
    }

    fn arithmetic(&mut self, operator: &Spanned<BinaryOperator>, left: &ast::Expr, right: &ast::Expr) -> Typed {
        if let (Expression::Quantity(_), BinaryOperator::Add | BinaryOperator::Subtract) = (&right.node, operator.node)
        {
            let help =
                "add the day to the export as a column of its own; in a condition compare with a day that is written";
            self.infer(left);
            self.diagnostics.push(errors::not_built("a span of time in a value", right.span, help));
            return Typed::unknown();
        }
        let named = [left, right].map(|side| match &side.node {
            Expression::Name(name) => Some(Arc::clone(name)),
            _ => None,
        });
        let (left, right) = (self.infer(left), self.infer(right));
        if operator.node == BinaryOperator::Subtract && matches!((&left.ty, &right.ty), (Type::List(_), Type::List(_)))
        {
            let help = "leave the members out in the export, or take the list as it is";
            self.diagnostics.push(errors::not_built("a list without the members of another", operator.span, help));
            return Typed::unknown();
        }
        let adds = operator.node == BinaryOperator::Add;
        if adds && let Some((one, other)) = of_two_objects(&left.ty, &right.ty) {
            self.reads.refers = true;
            let listed = match (&named[0], &named[1]) {
                (Some(left), Some(right)) => format!("[{left}, {right}]"),
                _ => "[one, other]".to_owned(),
            };
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0301,
                    format!("`+` joins lists of one kind; these refer to {one} and {other}"),
                    operator.span,
                    "two kinds",
                )
                .with_help(format!("where links are wanted, write them side by side: `{listed}`")),
            );
            return Typed::unknown();
        }
        let ty = self.unified(operator, &left.ty, &right.ty);
        let fits = ty.is_silent() || ty.is_numeric() || (adds && matches!(ty, Type::Text | Type::List(_)));
        if !fits {
            let what = if adds { "numbers, texts or lists" } else { "numbers" };
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0301,
                    format!("`{}` takes {what}, found {ty}", operator.node.as_str()),
                    operator.span,
                    format!("these are {ty}"),
                )
                .with_help(if adds {
                    "convert both sides, or write a text with holes: `\"{a} {b}\"`"
                } else {
                    "convert both sides with `number`"
                }),
            );
            return Typed::unknown();
        }
        let divides = operator.node == BinaryOperator::Divide;
        let ty = if divides && ty == Type::Integer { Type::Decimal } else { ty };
        // With nothing on one side the value of the other would go: it fails.
        let fails = divides || !matches!(ty, Type::List(_));
        binary(operator.node, left, right, ty).or_fails(fails)
    }

    pub(super) fn infer_if(&mut self, condition: &ast::Expr, then: &ast::Expr, otherwise: &ast::Expr) -> Typed {
        let condition = self.against(condition, &Type::Boolean);
        let (then_typed, otherwise_typed) = (self.infer(then), self.infer(otherwise));
        let ty = if let Some(ty) = unify(&then_typed.ty, &otherwise_typed.ty) {
            ty
        } else {
            let (wanted, found) = (then_typed.ty.to_string(), otherwise_typed.ty.to_string());
            self.diagnostics.push(
                errors::type_mismatch(&wanted, &found, otherwise.span)
                    .with_label(then.span, format!("this is {wanted}"))
                    .with_help("both branches give one type"),
            );
            Type::Unknown
        };
        choose(condition, then_typed, otherwise_typed, ty)
    }

    pub(super) fn infer_otherwise(&mut self, value: &ast::Expr, recovery: &Spanned<ast::Recovery>) -> Typed {
        let typed = self.ruled(|inference| inference.infer(value));
        let mut ty = typed.ty.clone();
        let mut may_fail = false;
        let recovered = match &recovery.node {
            ast::Recovery::Quarantine => Recovery::Quarantine,
            ast::Recovery::Skip => Recovery::Skip,
            ast::Recovery::Value(with) => {
                let with_typed = self.infer(with);
                if let Some(unified) = unify(&ty, &with_typed.ty) {
                    ty = unified;
                } else {
                    let (wanted, found) = (ty.to_string(), with_typed.ty.to_string());
                    self.diagnostics.push(errors::type_mismatch(&wanted, &found, with.span));
                }
                may_fail = with_typed.can_fail;
                Recovery::Use { value: Box::new(with_typed.expr) }
            }
        };
        self.recovered(typed, recovered, (value.span, recovery), ty).or_fails(may_fail)
    }

    /// `value otherwise recovery`; says so where the value cannot fail.
    pub(super) fn recovered(
        &mut self,
        value: Typed,
        recovery: Recovery,
        (behind, written): (Span, &Spanned<ast::Recovery>),
        ty: Type,
    ) -> Typed {
        let can_fail = value.can_fail || reads_another_record(&value.expr);
        if !can_fail && !ty.is_silent() && !value.ty.is_silent() && !self.scope.is_unknown {
            let diagnostic = Diagnostic::new(
                Code::W0320,
                "this cannot fail, so `otherwise` never happens",
                written.span,
                "never happens",
            )
            .with_help("remove `otherwise`; for an empty value write `??`");
            // In a transform, another use of it may fail.
            self.diagnostics.push(if self.expanding.is_empty() {
                diagnostic.with_fix(Fix {
                    title: "remove `otherwise`".to_owned(),
                    edits: vec![Edit { span: behind.at_end().to(written.span), text: String::new() }],
                    applicability: Applicability::Safe,
                })
            } else {
                diagnostic
            });
        }
        // Quarantine is what a failure does anyway; the failure is still there to be met further out.
        let can_fail = !matches!(recovery, Recovery::Use { .. });
        Typed::new(Expr::Otherwise { value: Box::new(value.expr), recovery }, ty).or_fails(can_fail)
    }
}

/// Objects of two lists of references that are not of one kind.
fn of_two_objects(one: &Type, other: &Type) -> Option<(String, String)> {
    let object = |ty: &Type| match ty {
        Type::List(of) => match &**of {
            Type::Key(key) => {
                Some(key.targets.iter().map(|target| target.object.as_ref()).collect::<Vec<_>>().join(" | "))
            }
            _ => None,
        },
        _ => None,
    };
    object(one).zip(object(other)).filter(|(one, other)| one != other)
}

/// True where a referred record is read, which the export may lack.
fn reads_another_record(expr: &Expr) -> bool {
    let mut reads = false;
    expr.walk(&mut |inner| reads |= matches!(inner, Expr::Through { .. }));
    reads
}

pub(super) fn choose(condition: Typed, then: Typed, otherwise: Typed, ty: Type) -> Typed {
    let can_fail = condition.can_fail || then.can_fail || otherwise.can_fail;
    let expr = Expr::If {
        condition: Box::new(condition.expr),
        then: Box::new(then.expr),
        otherwise: Box::new(otherwise.expr),
    };
    Typed::new(expr, ty).or_fails(can_fail)
}
