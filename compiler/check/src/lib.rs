#![doc = include_str!("../README.md")]

mod accept;
mod automations;
mod catalog;
mod coverage;
mod decides;
mod errors;
mod expression;
mod formats;
mod hosts;
mod in_order;
mod iso_codes;
mod labels;
mod lock;
mod losses;
mod made;
mod maps;
mod merge;
mod objects;
mod owners;
mod picklists;
mod program;
mod quantity;
mod reachable;
mod schema;
mod settings;
mod several;
mod spec;
mod tests;
mod types;
mod uses;
mod values;

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_plan::lock::LockedDestination;
use migr_source::Span;
use migr_syntax::ast::{Ast, DropItem};

pub use automations::check_automations;
pub use lock::check_lock;
pub use spec::*;
pub use uses::Use;

use crate::catalog::{Catalog, Object};
use crate::expression::{Inference, Scope, Typed, Usage, World, mark};
use crate::in_order::IndexMap;
use crate::objects::Fate;
use crate::program::{Program, documentation};
use crate::reachable::{Conditions, Reach};
use crate::schema::Schema;
use crate::settings::{Chosen, Settings};
use crate::types::Type;

/// Options of a check.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckOptions<'a> {
    /// The destination's name; the first one where absent.
    pub destination: Option<&'a str>,
    /// The trees are a whole project, so that maps without a migration are a mistake.
    pub is_whole_project: bool,
    /// Which file uses which.
    pub uses: &'a [Use],
    /// Names of the systems that are shipped, which a program has where it uses their file.
    pub shipped: &'a [&'a str],
    /// Options that the server has beside those of the catalog.
    pub served: ServedOptions<'a>,
}

/// Options that the destination's server has, as far as they are known.
#[derive(Clone, Copy, Debug, Default)]
pub enum ServedOptions<'a> {
    /// No audit has asked for them.
    #[default]
    Unasked,
    /// Those of the destination, as it was read.
    Known(&'a LockedDestination),
    /// Every option that is written counts as one, for a plan that only serves to ask the destination.
    Any,
}

/// Checks the trees of one compilation. The spec is proof that no error was found; a program without a `migration` is checked as far as it goes and has none.
pub fn check(asts: &[Ast], options: CheckOptions<'_>, diagnostics: &mut Diagnostics) -> Option<Spec> {
    let mut found = Diagnostics::default();
    let program = Program::gather(asts.iter(), &mut found);
    let spec = check_program(asts, &program, options, &mut found);
    let spec = spec.filter(|_| !found.has_errors());
    diagnostics.extend(found.items().iter().cloned());
    spec
}

fn check_program(
    asts: &[Ast],
    program: &Program<'_>,
    options: CheckOptions<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Spec> {
    let catalogs: IndexMap<Arc<str>, Catalog<'_>> =
        program.systems.iter().map(|(name, system)| (Arc::clone(name), catalog::build(system, diagnostics))).collect();
    let Some((item, migration)) = program.migration else {
        for catalog in catalogs.values() {
            lone_checks(catalog, program, diagnostics);
        }
        if let Some(span) = program.needs_migration.filter(|_| options.is_whole_project && !program.is_broken) {
            diagnostics.push(
                Diagnostic::new(
                    Code::E0205,
                    "no file has a `migration`, so nothing says where from and where to",
                    span,
                    "belongs to a migration",
                )
                .with_help("add `migration name { source …; destination … }`"),
            );
        }
        return None;
    };
    let settings = settings::check(migration, &catalogs, options, diagnostics);
    let Settings { source: Some((source, source_span)), destination: Some(chosen), .. } = &settings else {
        return None;
    };
    let mut schema = Schema::declare(chosen.catalog, program, diagnostics);
    schema.serve(options.served, &chosen.name);
    let (tables, new_options) = picklists::check(program, &mut schema, diagnostics);
    let owners = program.owners.as_ref().map(|item| owners::check(item, source, &schema, diagnostics));
    let owners_broken = matches!(owners, Some(None));
    let (owners_link, owners) = owners.flatten().unzip();
    let world = World {
        source,
        schema: &schema,
        tables: &tables,
        transforms: &program.transforms,
        makers: maps::makers(program),
        owners: owners_link,
        permits: settings.permits.clone(),
        version: match chosen.settings.get("version") {
            Some(migr_plan::SettingValue::Text { value }) => values::version(value),
            _ => None,
        },
        has_zone: settings.options.timezone.is_some(),
        is_broken: program.is_broken || owners_broken,
    };
    let mut usage = Usage::default();
    let mut body = Body::check(program, &world, &mut usage, diagnostics);
    let mut fates = std::mem::take(&mut body.fates);
    for name in &usage.objects {
        fates.entry(Arc::clone(name)).or_default().is_read = true;
    }
    if let Some(owners) = &owners {
        fates.entry(Arc::from(owners.source_object.as_str())).or_default().is_read = true;
    }
    coverage::columns(&body.maps, &world, &usage, diagnostics);
    coverage::overlaps(&body.maps, diagnostics);
    coverage::skipped(&body.maps, &body.skipped, diagnostics);
    coverage::inherited(&body.maps, &world, &usage, diagnostics);
    coverage::unused(program, &tables, &usage, diagnostics);
    picklists::check_declared(program, &tables, &usage, diagnostics);
    several::check(program, &world, &usage, diagnostics);
    if !program.is_broken {
        uses::check(asts, program, &usage, options.uses, diagnostics);
    }
    // A column whose type was not understood may be the one that reads the object.
    let is_understood =
        source.objects.values().flat_map(|object| object.fields.values()).all(|field| !field.ty.is_unknown());
    if !program.is_broken && !owners_broken && is_understood {
        coverage::objects(source, &fates, *source_span, diagnostics);
    }
    check_connector(chosen, diagnostics);
    let objects = objects::objects(source, fates, settings.options.timezone.as_deref());
    losses::check(&mut body.maps, &objects, diagnostics);
    decides::check(&mut body.maps, &objects, &world, diagnostics);
    let accepted = accept::gather(program, diagnostics);
    Some(Spec {
        name: migration.name.node.to_string(),
        description: documentation(&item.docs),
        span: item.span,
        options: settings.options.clone(),
        source: Source {
            system: source.name.node.to_string(),
            files: settings.files.clone(),
            fetch: settings.fetch.clone(),
            blank: source.blank.clone(),
            objects,
            dropped_files: body.dropped_files,
            span: *source_span,
        },
        destination: Destination {
            system: chosen.catalog.name.node.to_string(),
            connector: chosen.catalog.connector.as_ref().map_or_else(String::new, |name| name.node.to_string()),
            name: chosen.name.clone(),
            settings: chosen.settings.clone().into_iter().collect(),
            limits: chosen.limits(),
            losses: chosen.catalog.losses.clone(),
            undocumented: chosen.undocumented.clone(),
            versions: chosen.catalog.versions.clone(),
            rollback: chosen
                .catalog
                .objects
                .iter()
                .filter_map(|(name, object)| Some((name.to_string(), object.rollback.clone()?)))
                .collect(),
            rollback_of: chosen.catalog.rollback_of.clone(),
            schema: chosen.catalog.objects.get(catalog::CUSTOM).and_then(|object| object.schema.clone()),
        },
        new_objects: schema.new_objects.clone(),
        new_fields: made::fields(&schema, body.maps.iter().map(|(_, map)| &map.spec)),
        new_options,
        owners,
        picklists: tables.values().map(|table| table.spec.clone()).collect(),
        maps: body.maps.into_iter().map(|(_, map)| map.spec).collect(),
        tests: body.tests,
        accepted: accepted.accepted,
        denied: accepted.denied,
        permits: accepted.permits,
    })
}

fn check_connector(chosen: &Chosen<'_>, diagnostics: &mut Diagnostics) {
    if chosen.catalog.connector.is_none() {
        let name = &chosen.catalog.name;
        diagnostics.push(
            Diagnostic::new(
                Code::E0309,
                format!("system `{}` names no connector, so nothing can be written to it", name.node),
                chosen.span,
                "no connector",
            )
            .with_label(name.span, "declared here")
            .with_help("add `connector twenty` or `connector highlevel` to the catalog"),
        );
    }
}

/// Everything but catalogs, settings, owners and picklists.
struct Body {
    maps: Vec<(Span, maps::Checked)>,
    fates: IndexMap<Arc<str>, Fate>,
    dropped_files: Vec<DroppedFile>,
    /// Which records of which object are skipped, and where that is said.
    skipped: Vec<(Arc<str>, Span, Reach)>,
    tests: Vec<Test>,
}

impl Body {
    fn check<'a>(program: &Program<'a>, world: &World<'a>, usage: &mut Usage, diagnostics: &mut Diagnostics) -> Self {
        let mut body = Self {
            maps: Vec::new(),
            fates: IndexMap::default(),
            dropped_files: Vec::new(),
            skipped: Vec::new(),
            tests: Vec::new(),
        };
        for map in program.maps.values() {
            let checked = maps::check(map, world, usage, diagnostics);
            body.claim(&checked.spec.source_object, world).is_read = true;
            body.maps.push((map.name.span, checked));
        }
        for (item, link) in &program.links {
            body.claim(&link.source.node, world).is_read = true;
            if let Some(spec) = maps::check_link(item, link, world, usage, diagnostics) {
                let reach = Reach::always();
                let checked = maps::Checked { spec, reach, when: None, drops: IndexMap::default(), is_broken: false };
                body.maps.push((link.source.span, checked));
            }
        }
        body.rules(program, world, usage, diagnostics);
        body.drops(program, world, diagnostics);
        for test in program.tests.values() {
            body.tests.push(tests::check(test, test.name.span, world, usage, diagnostics));
        }
        body
    }

    /// Fate of an object; of the one that was probably meant, where the name is wrong.
    fn claim(&mut self, name: &str, world: &World<'_>) -> &mut Fate {
        let names = world.source.objects.keys().map(|name| &**name);
        let name = if world.source.objects.contains_key(name) {
            name
        } else {
            migr_diagnostics::nearest(name, names).unwrap_or(name)
        };
        self.fates.entry(Arc::from(name)).or_default()
    }

    /// `check` of the catalog and `skip` of the program.
    fn rules<'a>(
        &mut self,
        program: &Program<'a>,
        world: &World<'a>,
        usage: &mut Usage,
        diagnostics: &mut Diagnostics,
    ) {
        for (name, object) in &world.source.objects {
            for check in &object.checks {
                let typed = condition(check.condition, Some(object), world, usage, diagnostics);
                self.fates.entry(Arc::clone(name)).or_default().checks.push(Rule {
                    condition: typed.expr,
                    reason: check.reason.node.to_string(),
                    span: check.span,
                });
            }
        }
        for (item, skip) in &program.skips {
            let object = world.source.objects.get(&skip.object.node);
            if object.is_none() {
                diagnostics.push(unknown_object(&skip.object, world));
            }
            let before = diagnostics.items().len();
            let typed = condition(&skip.condition, object, world, usage, diagnostics);
            let is_understood = object.is_some() && diagnostics.items().len() == before;
            let conditions = Conditions::of(&skip.object.node, world);
            let reach = conditions.reach(&skip.condition);
            if reach.is_never() && is_understood {
                let message = "no record fulfils this condition, so nothing is skipped";
                diagnostics.push(reachable::never(skip.condition.span, message));
            }
            conditions.check(&skip.condition, diagnostics);
            self.skipped.push((Arc::clone(&skip.object.node), item.span, reach));
            self.claim(&skip.object.node, world).skips.push(Rule {
                condition: typed.expr,
                reason: skip.reason.node.to_string(),
                span: item.span,
            });
        }
    }

    fn drops(&mut self, program: &Program<'_>, world: &World<'_>, diagnostics: &mut Diagnostics) {
        let mapped: IndexMap<String, Span> =
            self.maps.iter().map(|(span, map)| (map.spec.source_object.clone(), *span)).collect();
        for (item, drop) in &program.drops {
            match drop {
                DropItem::File { pattern, reason } => self.dropped_files.push(DroppedFile {
                    pattern: pattern.node.to_string(),
                    reason: reason.node.to_string(),
                    span: item.span,
                }),
                DropItem::Object { object, reason } => {
                    if !world.source.objects.contains_key(&object.node) {
                        let is_free = |name: &str| {
                            let is_dropped = self.fates.get(name).is_some_and(|fate| fate.dropped.is_some());
                            !is_dropped && !world.makers.by_source.contains_key(name)
                        };
                        let missing = errors::missing_name("object", &object.node, object.span);
                        let objects = world.source.objects.keys().map(|name| &**name);
                        diagnostics.push(missing.among_fitting(objects, is_free));
                    }
                    if let Some((_, first)) = &self.claim(&object.node, world).dropped {
                        let what = format!("`drop object {}`", object.node);
                        diagnostics.push(
                            errors::duplicate(Code::E0202, &what, object.span, *first).with_help("keep one of them"),
                        );
                        continue;
                    }
                    if let Some(span) = mapped.get(&*object.node) {
                        diagnostics.push(
                            Diagnostic::new(
                                Code::E0307,
                                format!("`{}` is dropped and mapped", object.node),
                                object.span,
                                "dropped here",
                            )
                            .with_label(*span, "mapped here")
                            .with_help("remove one of them"),
                        );
                        continue;
                    }
                    self.claim(&object.node, world).dropped = Some((reason.node.to_string(), item.span));
                }
            }
        }
        for (item, reference) in &program.references {
            if !world.source.objects.contains_key(&reference.object.node) {
                diagnostics.push(unknown_object(&reference.object, world));
            }
            let file = reference.file.as_ref().map(|file| file.node.to_string());
            self.claim(&reference.object.node, world).reference_only = Some((file, item.span));
        }
    }
}

/// The condition of a `check` or `skip`, of the columns of an object.
fn condition(
    written: &migr_syntax::ast::Expr,
    object: Option<&Object<'_>>,
    world: &World<'_>,
    usage: &mut Usage,
    diagnostics: &mut Diagnostics,
) -> Typed {
    let before = diagnostics.items().len();
    let scope = Scope { object, is_unknown: object.is_none(), ..Scope::default() };
    let typed = Inference::new(world, scope, usage, diagnostics).against(written, &Type::Boolean);
    if diagnostics.items().len() > before {
        mark(written, object, world, usage);
    }
    typed
}

/// The `check`s of a catalog that stands alone, without a migration.
fn lone_checks(catalog: &Catalog<'_>, program: &Program<'_>, diagnostics: &mut Diagnostics) {
    if catalog.objects.values().all(|object| object.checks.is_empty()) {
        return;
    }
    let schema = Schema::declare(catalog, &Program::default(), diagnostics);
    let world = World {
        source: catalog,
        schema: &schema,
        tables: &IndexMap::default(),
        transforms: &program.transforms,
        makers: expression::Makers::default(),
        owners: None,
        permits: catalog.objects.keys().cloned().collect(),
        version: None,
        has_zone: true,
        is_broken: program.is_broken,
    };
    for object in catalog.objects.values() {
        for check in &object.checks {
            condition(check.condition, Some(object), &world, &mut Usage::default(), diagnostics);
        }
    }
}

fn unknown_object(name: &migr_syntax::ast::Name, world: &World<'_>) -> Diagnostic {
    errors::unknown_name("object", &name.node, name.span, world.source.objects.keys().map(|name| &**name))
}
