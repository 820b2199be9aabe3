//! Reading of `migration`, `owners` and `test`.

use migr_source::Spanned;

use super::allow::{allow, findings};
use super::entries::{entries, open};
use super::expression::{expect_expression, record};
use super::text::{expect_path, expect_text, path, text, texts};
use crate::ast::{Entry, Migration, MigrationEntry, OwnersEntry, Setting, Test, TestEntry};
use crate::grammar::Rule;
use crate::walk::{Children, Node};

use super::mapping::on;

/// `migration name { … }`
pub(super) fn migration(mut children: Children<'_, '_>) -> Option<Migration> {
    let name = children.name()?;
    let open = open(&mut children)?;
    Some(Migration { name, entries: entries(&mut children, open, Rule::strict_migration_entry, entry) })
}

fn entry(node: Node<'_, '_>) -> Option<MigrationEntry> {
    let rule = node.rule();
    match rule {
        Rule::setting => return setting(node).map(MigrationEntry::Setting),
        Rule::on => return on(node).map(MigrationEntry::On),
        _ => {}
    }
    let mut children = node.children();
    Some(match rule {
        Rule::source => {
            MigrationEntry::Source { system: children.name()?, settings: settings(children.expect(Rule::settings)?)? }
        }
        Rule::destination => MigrationEntry::Destination {
            system: children.name()?,
            alias: children.optional(Rule::alias).and_then(Node::first).map(|node| node.name()),
            settings: settings(children.expect(Rule::settings)?)?,
        },
        Rule::require => {
            MigrationEntry::Require { what: children.name()?, at_least: expect_expression(&mut children)? }
        }
        Rule::permit => MigrationEntry::Permit { object: children.name()?, reason: expect_text(&mut children)? },
        Rule::permit_workflow => MigrationEntry::PermitWorkflow {
            workflow: expect_text(&mut children)?,
            reason: expect_text(&mut children)?,
        },
        Rule::permit_webhook => {
            MigrationEntry::PermitWebhook { host: expect_text(&mut children)?, reason: expect_text(&mut children)? }
        }
        Rule::permit_irreversible => MigrationEntry::PermitIrreversible { reason: expect_text(&mut children)? },
        Rule::allow => MigrationEntry::Allow(allow(&mut children)?),
        Rule::deny => MigrationEntry::Deny(findings(&mut children)),
        _ => {
            children.bug(Rule::migration_entry);
            return None;
        }
    })
}

fn settings(node: Node<'_, '_>) -> Option<Vec<Entry<Setting>>> {
    let mut children = node.children();
    let open = open(&mut children)?;
    Some(entries(&mut children, open, Rule::strict_setting, setting))
}

fn setting(node: Node<'_, '_>) -> Option<Setting> {
    let mut children = node.children();
    Some(Setting { name: children.name()?, value: expect_expression(&mut children)? })
}

/// The entries of `owners { … }`
pub(super) fn owners(mut children: Children<'_, '_>) -> Option<Vec<Entry<OwnersEntry>>> {
    let open = open(&mut children)?;
    Some(entries(&mut children, open, Rule::strict_owners_entry, owners_entry))
}

fn owners_entry(node: Node<'_, '_>) -> Option<OwnersEntry> {
    let rule = node.rule();
    let mut children = node.children();
    Some(match rule {
        Rule::owner_match => {
            OwnersEntry::Match { source: expect_path(&mut children)?, destination: expect_path(&mut children)? }
        }
        Rule::owner_override => {
            OwnersEntry::Override { source: expect_text(&mut children)?, destination: expect_text(&mut children)? }
        }
        Rule::owner_fallback => {
            let node = children.any(Rule::text)?;
            let address = (node.rule() == Rule::text).then(|| text(&node));
            OwnersEntry::Fallback(Spanned::new(address, node.span()))
        }
        Rule::allow => OwnersEntry::Allow(allow(&mut children)?),
        _ => {
            children.bug(Rule::owners_entry);
            return None;
        }
    })
}

/// `test "name" { … }`
pub(super) fn test(mut children: Children<'_, '_>) -> Option<Test> {
    let name = expect_text(&mut children)?;
    let open = open(&mut children)?;
    Some(Test { name, entries: entries(&mut children, open, Rule::strict_test_entry, test_entry) })
}

fn test_entry(node: Node<'_, '_>) -> Option<TestEntry> {
    let rule = node.rule();
    let mut children = node.children();
    Some(match rule {
        Rule::given => TestEntry::Given { object: children.name()?, fields: record(children.expect(Rule::record)?)? },
        Rule::expect => TestEntry::Expect { object: children.name()?, fields: record(children.expect(Rule::record)?)? },
        Rule::set_aside => TestEntry::ExpectSetAside {
            outcome: children.expect(Rule::outcome)?.name(),
            object: children.name()?,
            key: texts(&mut children.expect(Rule::text_tuple)?.children()),
            on: children.optional(Rule::path).map(|node| path(&node)),
        },
        _ => {
            children.bug(Rule::test_entry);
            return None;
        }
    })
}
