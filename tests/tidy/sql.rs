//! How SQL is written: explicit columns, keywords in capitals, no file that nothing uses.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};

use datafusion::sql::sqlparser::ast::{Expr, Function, GroupByExpr, OrderByExpr, OrderByKind, Query, Select};
use datafusion::sql::sqlparser::ast::{SelectItem, Value, Visit, Visitor, WindowType};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::{assert_none, files};
use crate::plans::parse;

/// Keywords whose lower-case form is no column of ours.
const KEYWORDS: &str = "SELECT DISTINCT FROM WHERE GROUP ORDER BY HAVING JOIN INNER LEFT CROSS ON UNION \
    ALL WITH AS CASE WHEN THEN ELSE AND OR NOT NULL IS IN OVER PARTITION";

fn lower_keywords(sql: &str) -> Vec<String> {
    let is_keyword = |word: &str| KEYWORDS.split_whitespace().any(|keyword| word.eq_ignore_ascii_case(keyword));
    let mut found = Vec::new();
    for token in Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().unwrap() {
        if let Token::Word(word) = token.token
            && word.quote_style.is_none()
            && is_keyword(&word.value)
            && word.value != word.value.to_uppercase()
        {
            found.push(format!("line {}: {} in lower case", token.span.start.line, word.value));
        }
    }
    found
}

fn bad_start(sql: &str) -> Vec<String> {
    if ["-- ", "SELECT", "WITH"].iter().any(|start| sql.starts_with(start)) {
        Vec::new()
    } else {
        vec!["starts with neither a comment nor a query".to_owned()]
    }
}

/// Columns named by their place, or not at all.
#[derive(Default)]
struct Implicit {
    found: Vec<String>,
}

impl Implicit {
    fn of(sql: &str) -> Vec<String> {
        let mut implicit = Self::default();
        let _ = parse(sql).visit(&mut implicit);
        implicit.found
    }

    fn place(&mut self, clause: &str, expr: &Expr) {
        if matches!(expr, Expr::Value(value) if matches!(value.value, Value::Number(..))) {
            self.found.push(format!("{clause} {expr} is a place, not a column"));
        }
    }

    fn order(&mut self, order: &[OrderByExpr]) {
        for o in order {
            self.place("ORDER BY", &o.expr);
        }
    }
}

impl Visitor for Implicit {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        match query.order_by.as_ref().map(|order| &order.kind) {
            Some(OrderByKind::Expressions(order)) => self.order(order),
            Some(OrderByKind::All(_)) => self.found.push("ORDER BY ALL".to_owned()),
            None => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        match &select.group_by {
            GroupByExpr::Expressions(columns, _) => columns.iter().for_each(|c| self.place("GROUP BY", c)),
            GroupByExpr::All(_) => self.found.push("GROUP BY ALL".to_owned()),
        }
        let wild = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
        if select.projection.iter().any(wild) {
            self.found.push("SELECT *".to_owned());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(Function { over: Some(WindowType::WindowSpec(window)), .. }) = expr {
            self.order(&window.order_by);
        }
        ControlFlow::Continue(())
    }
}

#[test]
fn sql_names_its_columns_and_shouts_its_keywords() {
    assert_none("sql", |sql| [bad_start(sql), lower_keywords(sql), Implicit::of(sql)].concat());
}

/// `a/b/../c` as `a/c`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
        plain
    })
}

/// Paths that a Rust file compiles in.
fn included(path: &Path, text: &str) -> Vec<PathBuf> {
    let names = text.split("include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next());
    names.map(|name| plain(&path.with_file_name("").join(name))).collect()
}

#[test]
fn every_sql_file_is_used() {
    let files = files();
    let used: BTreeSet<_> =
        files.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "rs")).flat_map(|(p, t)| included(p, t)).collect();
    let unused: Vec<_> =
        files.keys().filter(|path| path.extension().is_some_and(|e| e == "sql") && !used.contains(*path)).collect();
    assert!(unused.is_empty(), "no include_str! of {unused:?}");
    let contracts = schema::TABLES.iter().filter_map(|t| transform::statement(t.name));
    let inputs = schema::TABLES.iter().flat_map(|t| transform::inputs(t.name).iter().map(|(_, sql)| *sql));
    let known: BTreeSet<&str> =
        contracts.chain(inputs).chain(transform::view_statements().into_iter().flat_map(|(_, variants)| variants)).collect();
    let built =
        files.iter().filter(|(path, _)| path.starts_with("crates/transform/src") && path.extension().is_some_and(|e| e == "sql"));
    let loose: Vec<_> = built.filter(|(_, sql)| !known.contains(sql.as_str())).map(|(path, _)| path).collect();
    assert!(loose.is_empty(), "no table of the contract and no view is built by {loose:?}");
}

#[test]
fn rules_of_sql_bite() {
    assert_eq!(lower_keywords("SELECT a\nfrom t WHERE a in (1)").len(), 2);
    assert_eq!(lower_keywords("-- from here\nSELECT 'from' AS \"where\" FROM t"), Vec::<String>::new());
    assert_eq!(bad_start("\nSELECT a").len(), 1);
    for bad in [
        "SELECT * FROM t",
        "SELECT t.* FROM t",
        "SELECT a FROM (SELECT a FROM t GROUP BY 1) AS s",
        "SELECT a FROM t ORDER BY a, 2 DESC",
        "SELECT ROW_NUMBER() OVER (ORDER BY 1) AS n FROM t",
        "SELECT a FROM t GROUP BY ALL",
    ] {
        assert_eq!(Implicit::of(bad).len(), 1, "{bad}");
    }
    assert_eq!(Implicit::of("SELECT COUNT(*) AS n FROM t GROUP BY a ORDER BY a"), Vec::<String>::new());
    assert_eq!(included(Path::new("crates/a/src/b.rs"), "include_str!(\"../c.sql\")"), [Path::new("crates/a/c.sql")]);
}
