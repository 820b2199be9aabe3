//! The only code that touches pest's pairs.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use migr_diagnostics::Diagnostic;
use migr_source::{FileId, Span, Spanned};
use pest::iterators::{Pair, Pairs};

use crate::ast::{Comment, Name, Text};
use crate::errors;
use crate::grammar::Rule;

/// Where the reading of one section stands: what was found besides the tree.
pub(crate) struct Walk {
    pub(crate) file: FileId,
    /// Offset of the section in the file.
    pub(crate) base: usize,
    pub(crate) comments: RefCell<Vec<Comment>>,
    pub(crate) findings: RefCell<Vec<Diagnostic>>,
    /// Expressions that the one being read stands in.
    pub(crate) depth: Cell<usize>,
    /// End of the last change that a finding of the grammar proposes.
    pub(crate) mended: Cell<usize>,
    /// True where an expression too deep was reported.
    pub(crate) too_deep: Cell<bool>,
}

impl Walk {
    pub(crate) fn new(file: FileId, base: usize) -> Self {
        Self {
            file,
            base,
            comments: RefCell::default(),
            findings: RefCell::default(),
            depth: Cell::new(0),
            mended: Cell::new(0),
            too_deep: Cell::new(false),
        }
    }

    pub(crate) fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, self.base + start, self.base + end)
    }

    pub(crate) fn report(&self, finding: Diagnostic) {
        self.findings.borrow_mut().push(finding);
    }

    fn comment(&self, pair: &Pair<'_, Rule>) {
        let node = Node { pair: pair.clone(), walk: self };
        let text = node.str().strip_prefix("//").unwrap_or_default();
        self.comments.borrow_mut().push(Comment { text: Spanned::new(Arc::from(text), node.span()) });
    }
}

/// One thing read, with its place.
#[derive(Clone)]
pub(crate) struct Node<'w, 'i> {
    pair: Pair<'i, Rule>,
    pub(crate) walk: &'w Walk,
}

impl<'w, 'i> Node<'w, 'i> {
    pub(crate) fn rule(&self) -> Rule {
        self.pair.as_rule()
    }

    /// Text of the node, without the blanks that stand before what ends it.
    pub(crate) fn str(&self) -> &'i str {
        let text = self.pair.as_str();
        match self.rule() {
            Rule::comment | Rule::doc => text.trim_end_matches('\r'),
            Rule::bad_entry | Rule::bad_item => text.trim_end_matches([' ', '\t', '\r', '\n']),
            Rule::junk => text.trim_end_matches([' ', '\t']),
            _ => text.trim_ascii_end(),
        }
    }

    /// Where it begins, in bytes of the section.
    pub(crate) fn start(&self) -> usize {
        self.pair.as_span().start()
    }

    /// The whole section.
    pub(crate) fn input(&self) -> &'i str {
        self.pair.get_input()
    }

    pub(crate) fn span(&self) -> Span {
        let start = self.start();
        self.walk.span(start, start + self.str().len())
    }

    /// Text of the node with all blanks: of a piece of a template.
    pub(crate) fn untrimmed(&self) -> &'i str {
        self.pair.as_str()
    }

    /// The place of [`Node::untrimmed`].
    pub(crate) fn untrimmed_span(&self) -> Span {
        let span = self.pair.as_span();
        self.walk.span(span.start(), span.end())
    }

    /// A name, out of its backquotes.
    pub(crate) fn name(&self) -> Name {
        Spanned::new(Arc::from(unquoted(self.str())), self.span())
    }

    /// The first thing in it.
    pub(crate) fn first(self) -> Option<Node<'w, 'i>> {
        let mut children = self.children();
        children.next()
    }

    /// Children of the node, comments put aside.
    pub(crate) fn children(self) -> Children<'w, 'i> {
        Children { parent: self.span(), pairs: self.pair.into_inner(), walk: self.walk, docs: None, peeked: None }
    }

    /// Children of a block: documentation is kept for the entry below it.
    pub(crate) fn block(self) -> Children<'w, 'i> {
        let mut children = self.children();
        children.docs = Some(Vec::new());
        children
    }
}

/// A name without its backquotes.
pub(crate) fn unquoted(written: &str) -> &str {
    written.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).unwrap_or(written)
}

/// The things in a node, one after the other.
pub(crate) struct Children<'w, 'i> {
    parent: Span,
    pairs: Pairs<'i, Rule>,
    pub(crate) walk: &'w Walk,
    docs: Option<Vec<Pair<'i, Rule>>>,
    peeked: Option<Node<'w, 'i>>,
}

impl<'w, 'i> Children<'w, 'i> {
    /// The top level of a section.
    pub(crate) fn of(pairs: Pairs<'i, Rule>, walk: &'w Walk) -> Self {
        Self { parent: walk.span(0, 0), pairs, walk, docs: Some(Vec::new()), peeked: None }
    }

    pub(crate) fn peek(&mut self) -> Option<Rule> {
        if self.peeked.is_none() {
            self.peeked = self.next();
        }
        self.peeked.as_ref().map(Node::rule)
    }

    /// The one that [`Children::peek`] looked at.
    pub(crate) fn peeked(&self) -> Option<&Node<'w, 'i>> {
        self.peeked.as_ref()
    }

    /// The next one if it is of this rule.
    pub(crate) fn optional(&mut self, rule: Rule) -> Option<Node<'w, 'i>> {
        if self.peek() == Some(rule) { self.next() } else { None }
    }

    /// The next one, which the grammar says is of this rule.
    pub(crate) fn expect(&mut self, rule: Rule) -> Option<Node<'w, 'i>> {
        let found = self.optional(rule);
        if found.is_none() {
            self.bug(rule);
        }
        found
    }

    /// The next one, of whatever rule.
    pub(crate) fn any(&mut self, wanted: Rule) -> Option<Node<'w, 'i>> {
        let found = self.next();
        if found.is_none() {
            self.bug(wanted);
        }
        found
    }

    /// Reports a shape that the grammar cannot make.
    pub(crate) fn bug(&self, wanted: Rule) {
        self.walk.report(errors::unexpected_shape(self.parent, wanted));
    }

    /// The next one's name.
    pub(crate) fn name(&mut self) -> Option<Name> {
        self.expect(Rule::name).map(|node| node.name())
    }

    /// Names that follow, every one.
    pub(crate) fn names(&mut self) -> Vec<Name> {
        let mut names = Vec::new();
        while let Some(node) = self.optional(Rule::name) {
            names.push(node.name());
        }
        names
    }

    /// Documentation read since the last entry.
    pub(crate) fn take_docs(&mut self) -> Vec<Text> {
        let Some(docs) = self.docs.as_mut().filter(|docs| !docs.is_empty()) else { return Vec::new() };
        let walk = self.walk;
        let text = |pair: Pair<'i, Rule>| {
            let node = Node { pair, walk };
            let written = node.str().strip_prefix("///").unwrap_or_default();
            Spanned::new(Arc::from(written.strip_prefix(' ').unwrap_or(written).trim_ascii_end()), node.span())
        };
        docs.drain(..).map(text).collect()
    }
}

impl<'w, 'i> Iterator for Children<'w, 'i> {
    type Item = Node<'w, 'i>;

    fn next(&mut self) -> Option<Node<'w, 'i>> {
        if let Some(node) = self.peeked.take() {
            return Some(node);
        }
        loop {
            let pair = self.pairs.next()?;
            match pair.as_rule() {
                Rule::comment => self.walk.comment(&pair),
                Rule::doc => match &mut self.docs {
                    Some(docs) => docs.push(pair),
                    None => self.walk.comment(&pair),
                },
                _ => return Some(Node { pair, walk: self.walk }),
            }
        }
    }
}

impl Drop for Children<'_, '_> {
    /// Comments at the end, and documentation of nothing, are kept.
    fn drop(&mut self) {
        self.peeked = None;
        while self.next().is_some() {}
        for pair in self.docs.take().unwrap_or_default() {
            self.walk.comment(&pair);
        }
    }
}
