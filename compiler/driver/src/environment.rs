//! Variables of the environment that a program reads.

use std::collections::BTreeSet;

use migr_syntax::ast::{Ast, Expression, ItemKind, MigrationEntry};

/// A variable that a destination's setting names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvironmentVariable {
    /// The variable.
    pub name: String,
    /// The setting that it fills: `token`.
    pub setting: String,
    /// True where it was written as `secret`.
    pub is_secret: bool,
}

/// Every variable of every destination, each once.
pub(crate) fn variables(asts: &[Ast]) -> Vec<EnvironmentVariable> {
    let mut found = BTreeSet::new();
    let migrations = asts.iter().flat_map(|ast| &ast.items).filter_map(|item| match &item.kind {
        ItemKind::Migration(migration) => Some(migration),
        _ => None,
    });
    for entry in migrations.flat_map(|migration| &migration.entries) {
        let Some(MigrationEntry::Destination { settings, .. }) = &entry.node else { continue };
        for setting in settings.iter().filter_map(|entry| entry.node.as_ref()) {
            let Expression::Call { function, arguments } = &setting.value.node else { continue };
            let name = arguments.first().and_then(|argument| match &argument.value.node {
                Expression::Text(text) => Some(text.to_string()),
                _ => None,
            });
            if let (Some(name), is_secret, true) =
                (name, &*function.node == "secret", matches!(&*function.node, "env" | "secret"))
            {
                found.insert(EnvironmentVariable { name, setting: setting.name.node.to_string(), is_secret });
            }
        }
    }
    found.into_iter().collect()
}
