//! The statements that build the tables: what they read, what they may not do, and that they can be planned and give the
//! same rows however many threads run them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use config::Engine;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr as PlanExpr, ExprSchemable, LogicalPlan, ident};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::{DFParser, Statement as Parsed};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, ObjectName, Query, Select, SelectItem, SetExpr, Statement, Visit, Visitor, WindowType,
};
use schema::{ENTITIES, TABLES};

use crate::support::Workspace;

/// Parses one statement as the engine does.
pub fn parse(sql: &str) -> Statement {
    let mut parsed = DFParser::parse_sql(sql).unwrap_or_else(|e| panic!("{e}\n{sql}"));
    assert_eq!(parsed.len(), 1, "one statement a file:\n{sql}");
    match parsed.pop_front() {
        Some(Parsed::Statement(statement)) => *statement,
        other => panic!("not a query: {other:?}"),
    }
}

/// Every statement with the name of its table or view.
fn statements() -> Vec<(&'static str, &'static str)> {
    let tables = TABLES.iter().filter_map(|t| Some((t.name, transform::statement(t.name)?)));
    let views =
        transform::view_statements().into_iter().flat_map(|(name, variants)| variants.into_iter().map(move |sql| (name, sql)));
    let inputs = TABLES.iter().flat_map(|t| transform::inputs(t.name).iter().map(|(_, sql)| (t.name, *sql)));
    let all: Vec<_> = tables.chain(views).chain(inputs).collect();
    assert!(all.len() > 40, "only {} statements", all.len());
    all
}

// ---- The order of the tables is the order of what they read.

/// Tables and views a statement reads; its own CTEs are not among them.
fn reads(sql: &str) -> BTreeSet<String> {
    let statement = Parsed::Statement(Box::new(parse(sql)));
    let (tables, _ctes) = resolve_table_references(&statement, false).unwrap();
    tables.into_iter().map(|t| t.table().to_owned()).collect()
}

/// What each statement of `tables` reads too early, or that does not exist. `views` stand in for what they read.
fn read_too_early(tables: &[(&str, Vec<&str>)], views: &[(&str, Vec<&str>)]) -> Vec<String> {
    let mut behind: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let expand = |sql: &str, behind: &BTreeMap<&str, BTreeSet<String>>| -> BTreeSet<String> {
        reads(sql).into_iter().flat_map(|name| behind.get(name.as_str()).cloned().unwrap_or_else(|| [name].into())).collect()
    };
    // A view above another is already replaced by what it reads; one below remains a name nobody builds.
    for (name, variants) in views {
        let all = variants.iter().flat_map(|sql| expand(sql, &behind)).collect();
        behind.insert(name, all);
    }
    let previous = transform::PREVIOUS.iter().map(|(name, _)| (*name).to_owned());
    let mut built: BTreeSet<String> = ENTITIES.iter().map(|e| e.name().to_owned()).chain(previous).collect();
    let mut found = Vec::new();
    for (name, statements) in tables {
        let files = transform::files(name).iter().map(|file| (*file).to_owned());
        for read in statements.iter().flat_map(|sql| expand(sql, &behind)).chain(files) {
            if !built.contains(&read) {
                found.push(format!("{name} reads {read}, which is not built before it"));
            }
        }
        built.insert((*name).to_owned());
    }
    found
}

#[test]
fn tables_are_built_before_they_are_read() {
    let inputs = |table| transform::inputs(table).iter().map(|(_, sql)| *sql);
    let tables: Vec<_> =
        TABLES.iter().map(|t| (t.name, transform::statement(t.name).into_iter().chain(inputs(t.name)).collect())).collect();
    assert_eq!(read_too_early(&tables, &transform::view_statements()), Vec::<String>::new());
}

#[test]
fn a_table_read_too_early_is_found() {
    let views = [("lines", vec!["SELECT a FROM sales"]), ("tops", vec!["SELECT a FROM lines", "SELECT a FROM late"])];
    let early = [("early", vec!["WITH late AS (SELECT a FROM lines) SELECT a FROM late"]), ("late", vec!["SELECT a FROM early"])];
    assert_eq!(read_too_early(&early, &views), Vec::<String>::new());
    let wrong = [("early", vec!["SELECT a FROM sales WHERE a IN (SELECT a FROM late)"]), ("late", vec!["SELECT a FROM late"])];
    assert_eq!(read_too_early(&wrong, &views).len(), 2);
    let through_a_view = [("early", vec!["SELECT a FROM tops"]), ("late", Vec::new())];
    assert_eq!(read_too_early(&through_a_view, &views), ["early reads late, which is not built before it"]);
}

// ---- What a statement may not do, so that every engine gives the same rows.

/// Functions of no fixed result, or that a distributed engine runs differently. A mean is SUM by COUNT on decimals.
fn is_banned(function: &str) -> bool {
    let name = function.to_ascii_lowercase();
    ["generate_series", "range", "avg", "mean", "now", "random", "current_date", "current_timestamp"].contains(&name.as_str())
        || name.starts_with("approx_")
}

/// Without an ORDER BY these give any row any number.
const ORDERED: [&str; 7] = ["row_number", "ntile", "rank", "dense_rank", "percent_rank", "lag", "lead"];

#[derive(Default)]
struct Hazards {
    found: Vec<String>,
}

impl Hazards {
    fn of(sql: &str) -> Vec<String> {
        let mut hazards = Self::default();
        let _ = parse(sql).visit(&mut hazards);
        hazards.found
    }

    fn arms(&mut self, body: &SetExpr) {
        match body {
            SetExpr::SetOperation { left, right, .. } => [left, right].into_iter().for_each(|arm| self.arms(arm)),
            SetExpr::Select(select) if select.from.is_empty() => self.found.push(format!("an arm without FROM: {select}")),
            _ => {}
        }
    }

    fn function(&mut self, function: &Function) {
        let name = function.name.to_string().to_ascii_lowercase();
        if is_banned(&name) {
            self.found.push(format!("a banned function: {function}"));
        }
        let ordered = match &function.over {
            Some(WindowType::WindowSpec(window)) => !window.order_by.is_empty(),
            _ => false,
        };
        if ORDERED.contains(&name.as_str()) && !ordered {
            self.found.push(format!("a window without ORDER BY: {function}"));
        }
    }
}

impl Visitor for Hazards {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if query.with.as_ref().is_some_and(|with| with.recursive) {
            self.found.push("a recursive CTE".to_owned());
        }
        if matches!(*query.body, SetExpr::SetOperation { .. }) {
            self.arms(&query.body);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let mut names = BTreeSet::new();
        for name in select.projection.iter().filter_map(output_name) {
            if !names.insert(name.clone()) {
                self.found.push(format!("two columns called {name}: {select}"));
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        if is_banned(&relation.to_string()) {
            self.found.push(format!("a banned table function: {relation}"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            self.function(function);
        }
        ControlFlow::Continue(())
    }
}

/// The name a column of a SELECT has outside; none for wildcards, which the tidy test forbids.
fn output_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(|part| part.value.clone()),
        SelectItem::UnnamedExpr(expr) => Some(expr.to_string()),
        _ => None,
    }
}

#[test]
fn statements_run_alike_on_every_engine() {
    let found: Vec<String> = statements()
        .into_iter()
        .flat_map(|(name, sql)| Hazards::of(sql).into_iter().map(move |h| format!("{name}: {h}")))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_hazard_is_found() {
    for (sql, expected) in [
        ("SELECT a FROM t UNION ALL SELECT 0 AS a", "an arm without FROM"),
        ("SELECT a FROM t UNION ALL (SELECT b FROM t UNION SELECT 0 AS b)", "an arm without FROM"),
        ("WITH RECURSIVE r AS (SELECT a FROM t UNION ALL SELECT a FROM r) SELECT a FROM r", "a recursive CTE"),
        ("SELECT value FROM generate_series(1, 9)", "a banned table function"),
        ("SELECT generate_series(1, 9) AS a FROM t", "a banned function"),
        ("SELECT AVG(a) AS a FROM t", "a banned function"),
        ("SELECT approx_median(a) AS a FROM t", "a banned function"),
        ("SELECT a FROM (SELECT ROW_NUMBER() OVER (PARTITION BY b) AS a FROM t) AS s", "a window without ORDER BY"),
        ("SELECT NTILE(5) OVER () AS a FROM t", "a window without ORDER BY"),
        ("SELECT t.a, s.a FROM t CROSS JOIN s", "two columns called a"),
        ("SELECT b FROM (SELECT a AS b, b FROM t) AS s", "two columns called b"),
    ] {
        let found = Hazards::of(sql);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{sql}: {found:?}");
    }
    assert_eq!(Hazards::of("SELECT a FROM t UNION ALL SELECT column1 AS a FROM (VALUES (0)) AS u"), Vec::<String>::new());
    assert_eq!(Hazards::of("SELECT ROW_NUMBER() OVER (ORDER BY a) AS n, SUM(a) OVER () AS a FROM t"), Vec::<String>::new());
}

// ---- Real plans over what a real run left.

/// Floats that are added up: their sum depends on the order, and the order on the threads.
fn float_sums(plan: &LogicalPlan) -> Vec<String> {
    let mut found = Vec::new();
    plan.apply_with_subqueries(|node| {
        let mut input = DFSchema::empty();
        node.inputs().into_iter().for_each(|i| input.merge(i.schema()));
        node.apply_expressions(|top| {
            top.apply(|expr| {
                let (name, arguments) = match expr {
                    PlanExpr::AggregateFunction(f) => (f.func.name().to_owned(), &f.params.args),
                    PlanExpr::WindowFunction(f) => (f.fun.name().to_owned(), &f.params.args),
                    _ => return Ok(TreeNodeRecursion::Continue),
                };
                if ["sum", "avg"].contains(&name.as_str()) && arguments[0].get_type(&input)?.is_floating() {
                    found.push(format!("{expr}"));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })
    .unwrap();
    found
}

fn session(threads: usize) -> SessionContext {
    let limits = config::settings(None, None, &config::Environment::process()).unwrap().engine.limits;
    let engine = Engine {
        memory: 512 << 20,
        threads,
        tables_at_once: 1,
        spill_limit: 1 << 30,
        cluster: config::Cluster::default(),
        limits,
    };
    extract::session(&engine, &std::env::temp_dir()).unwrap()
}

/// The folder of the only run in a workspace's state.
fn run_folder(workspace: &Workspace) -> PathBuf {
    let runs: Vec<_> = fs::read_dir(workspace.path("state/runs")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs[0].clone()
}

async fn register(session: &SessionContext, name: &str, file: &Path, key: &[&str]) {
    let order = key.iter().map(|column| ident(*column).sort(true, false)).collect::<Vec<_>>();
    let file_sort_order = if order.is_empty() { Vec::new() } else { vec![order] };
    let options = ParquetReadOptions { file_sort_order, ..ParquetReadOptions::default() };
    session.register_parquet(name, file.to_str().unwrap(), options).await.unwrap_or_else(|e| panic!("{name}: {e}"));
}

/// A session over a run's files. Small batches make even a small table travel through every partition.
async fn over_run(folder: &Path, threads: usize) -> SessionContext {
    let session = session(threads);
    session.sql("SET datafusion.execution.batch_size = 64").await.unwrap();
    for entity in ENTITIES {
        register(&session, entity.name(), &folder.join(format!("staged/{entity}.parquet")), &[]).await;
    }
    for (name, _) in transform::PREVIOUS {
        register(&session, name, &folder.join(format!("warehouse/{name}.parquet")), &[]).await;
    }
    for table in TABLES.iter().filter(|t| folder.join(format!("warehouse/{}.parquet", t.name)).is_file()) {
        // The order of the largest table is not that of its key's text, and the engine is not told.
        let order = if table.shorter_ids_first() { &[] } else { table.key };
        register(&session, table.name, &folder.join(format!("warehouse/{}.parquet", table.name)), order).await;
    }
    session
}

/// A value for every parameter a statement can name.
fn parameters(orphans: bool) -> Vec<(String, ScalarValue)> {
    let decimal = |whole: i128| ScalarValue::Decimal128(Some(whole * 10_000), 18, 4);
    let mut values = vec![
        ("as_of".to_owned(), ScalarValue::Date32(Some(20_453))),
        ("orphan_customers".to_owned(), ScalarValue::from(orphans)),
        ("orphan_products".to_owned(), ScalarValue::from(orphans)),
        ("exclude_returns".to_owned(), ScalarValue::from(false)),
        ("by_purchase_days".to_owned(), ScalarValue::from(false)),
        ("by_region".to_owned(), ScalarValue::from(true)),
        ("price_rule".to_owned(), ScalarValue::from("auto")),
        ("tied_tiers".to_owned(), ScalarValue::from(true)),
        ("at_risk_mode".to_owned(), ScalarValue::from("days")),
        ("at_risk_days".to_owned(), ScalarValue::from(180_i32)),
        ("comeback_gap".to_owned(), ScalarValue::from(180_i32)),
        ("campaign".to_owned(), ScalarValue::from("spring")),
        ("control_slots".to_owned(), ScalarValue::from(2_i64)),
        ("contact_days".to_owned(), ScalarValue::from(14_i32)),
        ("late_payments".to_owned(), ScalarValue::from(2_i64)),
        ("tickets_90d".to_owned(), ScalarValue::from(3_i64)),
    ];
    for (bound, whole) in [(1, 30), (2, 90), (3, 180), (4, 365)] {
        values.extend(["recency", "frequency", "monetary"].map(|m| (format!("{m}_{bound}"), decimal(whole))));
    }
    values
}

async fn frame(session: &SessionContext, name: &str, sql: &str) -> DataFrame {
    frame_of(session, name, sql, true).await
}

async fn frame_of(session: &SessionContext, name: &str, sql: &str, orphans: bool) -> DataFrame {
    let planned = session.sql(sql).await.and_then(|frame| frame.with_param_values(parameters(orphans)));
    let frame = planned.unwrap_or_else(|e| panic!("{name}: {e}"));
    let sums = float_sums(frame.logical_plan());
    assert!(sums.is_empty(), "{name} adds floats up: {sums:?}");
    frame
}

async fn rows(frame: DataFrame) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in frame.collect().await.unwrap() {
        let cell = |column: &arrow::array::ArrayRef, row| array_value_to_string(column, row).unwrap();
        rows.extend((0..batch.num_rows()).map(|row| batch.columns().iter().map(|c| cell(c, row)).collect::<Vec<_>>().join("|")));
    }
    rows
}

/// The contract's columns in the contract's order, none of them unsigned, which Power BI cannot read.
fn assert_contract(table: &schema::Table, frame: &DataFrame) {
    let fields = frame.schema().fields();
    let planned: Vec<&str> = fields.iter().map(|f| f.name().as_str()).collect();
    let promised: Vec<&str> = table.columns.iter().map(|c| c.name).collect();
    assert_eq!(planned, promised, "{}", table.name);
    let unsigned = fields.iter().filter(|f| f.data_type().is_unsigned_integer()).map(|f| f.name()).collect::<Vec<_>>();
    assert!(unsigned.is_empty(), "{}: {unsigned:?} are unsigned", table.name);
}

/// Rows of every statement. Those of a view come sorted, since a view promises no order.
async fn every_statement(folder: &Path, threads: usize) -> BTreeMap<String, Vec<String>> {
    let session = over_run(folder, threads).await;
    let mut all = BTreeMap::new();
    for (name, variants) in transform::view_statements() {
        for (variant, sql) in variants.into_iter().enumerate() {
            let frame = frame(&session, name, sql).await;
            let mut found = rows(frame.clone()).await;
            found.sort();
            all.insert(format!("{name} {variant}"), found);
            session.deregister_table(name).unwrap();
            session.register_table(name, frame.into_view()).unwrap();
        }
    }
    for (table, sql) in TABLES.iter().filter_map(|t| Some((t, transform::statement(t.name)?))) {
        let frame = frame(&session, table.name, sql).await;
        assert_contract(table, &frame);
        let mut found = rows(frame).await;
        if table.key.is_empty() {
            found.sort();
        }
        all.insert(table.name.to_owned(), found);
        // Where all is known, as in this shop, nobody is looked for, and the same comes of it.
        if sql.contains("$orphan_") {
            let found = rows(frame_of(&session, table.name, sql, false).await).await;
            assert_eq!(found, all[table.name], "{}", table.name);
            all.insert(format!("{} of known members", table.name), found);
        }
    }
    for table in TABLES {
        for (input, sql) in transform::inputs(table.name).iter().filter(|(input, _)| *input != "known_models") {
            // Some inputs come in no order, because Rust sorts them.
            let mut found = rows(frame(&session, table.name, sql).await).await;
            found.sort();
            all.insert(format!("{} {input}", table.name), found);
        }
    }
    all
}

#[tokio::test]
async fn every_statement_keeps_its_contract_and_does_not_depend_on_threads() {
    let workspace = Workspace::new();
    workspace.link("data");
    workspace.link("pipelines");
    workspace.run(&["run", "pipelines/commerce.yaml", "--no-publish"]).ok();
    let folder = run_folder(&workspace);
    let (one, four) = (every_statement(&folder, 1).await, every_statement(&folder, 4).await);
    assert_eq!(one.keys().collect::<Vec<_>>(), four.keys().collect::<Vec<_>>());
    for (name, rows) in &one {
        assert_eq!(rows.len(), four[name].len(), "{name}");
        let differs = rows.iter().zip(&four[name]).find(|(one, four)| one != four);
        assert_eq!(differs, None, "{name} depends on the number of threads");
    }
    let without_rows: Vec<_> = one.iter().filter(|(_, rows)| rows.is_empty()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(without_rows, Vec::<&str>::new(), "nothing to compare");
}

#[test]
fn tables_without_a_statement_are_known() {
    let written = [
        "order_items",
        "segment_grid",
        "clv_model",
        "clv_backtest",
        "basket_rules",
        "basket_run",
        "product_recommendations",
        "next_best_product",
        "meta_run",
        "meta_reconciliation",
        "meta_checks",
    ];
    let reads = |name| !transform::inputs(name).is_empty() || !transform::files(name).is_empty();
    let stated = |name| transform::statement(name).is_some() || reads(name);
    for table in TABLES.iter().filter(|t| !stated(t.name)) {
        assert!(written.contains(&table.name), "nothing builds {}", table.name);
    }
}

#[tokio::test]
async fn a_sum_of_floats_is_found() {
    let session = session(1);
    session.register_batch("t", arrow::array::RecordBatch::new_empty(floats())).unwrap();
    let plan = |sql| {
        let session = session.clone();
        async move { session.sql(sql).await.unwrap().into_unoptimized_plan() }
    };
    assert_eq!(float_sums(&plan("SELECT SUM(f) AS f FROM t").await).len(), 1);
    assert_eq!(float_sums(&plan("SELECT SUM(f) OVER (PARTITION BY i) AS f FROM t").await).len(), 1);
    assert_eq!(float_sums(&plan("SELECT i FROM t WHERE i IN (SELECT SUM(f + i) AS f FROM t)").await).len(), 1);
    assert_eq!(float_sums(&plan("SELECT SUM(i) AS i, MAX(f) AS f FROM t").await).len(), 0);
}

fn floats() -> arrow::datatypes::SchemaRef {
    use arrow::datatypes::{Field, Schema};
    Schema::new(vec![Field::new("f", DataType::Float64, true), Field::new("i", DataType::Int64, true)]).into()
}

#[tokio::test]
#[should_panic(expected = "dim_region")]
async fn a_plan_of_other_columns_is_found() {
    let frame = session(1).sql("SELECT 'North' AS region_name, 1 AS region_key").await.unwrap();
    assert_contract(schema::table("dim_region").unwrap(), &frame);
}
