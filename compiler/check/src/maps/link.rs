//! Links, checked as maps that make associations.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_plan::{EmptyPolicy, OutsidePolicy, TakenPolicy};
use migr_source::Spanned;
use migr_syntax::ast::{Expression, Item, Link, Name};

use crate::errors;
use crate::expression::{Inference, Scope, Usage, World};
use crate::program::documentation;
use crate::spec;
use crate::types::{Key, KeyTarget, Type};

/// The object that a destination's catalog declares where it has associations.
const ASSOCIATIONS: &str = "associations";

/// `link Enrolment -> contacts(client_id) to programs(program_id) "Enrolled in"`, as a map that makes associations.
pub(crate) fn check_link<'a>(
    item: &'a Item,
    link: &'a Link,
    world: &World<'a>,
    usage: &mut Usage,
    diagnostics: &mut Diagnostics,
) -> Option<spec::Map> {
    let system = &world.schema.catalog.name.node;
    if !world.schema.objects.contains_key(ASSOCIATIONS) {
        diagnostics.push(
            Diagnostic::new(
                Code::E0328,
                format!("`{system}` has no associations"),
                link.source.span,
                "cannot be linked",
            )
            .with_help(format!(
                "make a junction object: `map {} -> new name \"Label\" one name \"Label\" {{ … }}`",
                link.source.node
            )),
        );
        return None;
    }
    let Some(object) = world.source.objects.get(&link.source.node) else {
        let valid = world.source.objects.keys().map(|name| &**name);
        diagnostics.push(errors::unknown_name("object", &link.source.node, link.source.span, valid));
        return None;
    };
    let scope = Scope { object: Some(object), ..Scope::default() };
    let mut end = |which: &str, (target, column): &(Name, Name)| -> Option<spec::Field> {
        if !world.schema.objects.contains_key(&target.node) {
            let valid = world.schema.objects.keys().map(|name| &**name);
            diagnostics.push(errors::unknown_name("object", &target.node, target.span, valid));
            return None;
        }
        let key = KeyTarget { object: Arc::clone(&target.node), column: None, ignore_case: false, ignore_space: false };
        let ty = Type::Key(Arc::new(Key { targets: vec![key], by: None }));
        let mut inference = Inference::new(world, scope.clone(), usage, diagnostics);
        let written = Spanned::new(Expression::Name(Arc::clone(&column.node)), column.span);
        let value = inference.against(&written, &ty);
        let reads = inference.take_reads();
        Some(spec::Field {
            name: which.to_owned(),
            ty: ty.to_field_type(),
            value: value.expr,
            file_name: None,
            missing_file: migr_plan::OnMissing::default(),
            on_empty: EmptyPolicy::default(),
            on_taken: TakenPolicy::default(),
            on_outside: OutsidePolicy::default(),
            parts: Vec::new(),
            default: None,
            max: None,
            safe: None,
            part_max: Vec::new(),
            loses: None,
            is_new: false,
            unique: None,
            create_only: true,
            required: true,
            is_required: true,
            linked_by: None,
            since: None,
            is_sensitive: reads.is_sensitive,
            reads: reads.own.iter().map(ToString::to_string).collect(),
            description: None,
            span: target.span.to(column.span),
        })
    };
    let fields = [end("from", &link.from), end("to", &link.to)];
    Some(spec::Map {
        name: link.source.node.to_string(),
        formerly: None,
        description: documentation(&item.docs),
        source_object: link.source.node.to_string(),
        destination_object: ASSOCIATIONS.to_owned(),
        association: Some(link.label.node.to_string()),
        when: None,
        distinct: None,
        matching: None,
        policies: migr_plan::Policies::default(),
        fields: fields.into_iter().flatten().collect(),
        links: Vec::new(),
        dropped: Vec::new(),
        decides: Vec::new(),
        name_span: link.source.span,
        span: item.span,
    })
}
