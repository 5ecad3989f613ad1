//! SQL expressions over a source's columns, evaluated so that one bad value costs one row and not the run.
//!
//! Text that meets arithmetic or a comparison with a number is read as a decimal. `CAST`, `to_timestamp` and `to_date`
//! of what cannot be read set the row aside, wherever in the expression they stand, unless a `CASE` or `COALESCE` spares the
//! row that branch; `TRY_CAST` gives NULL and is silent, because it was asked.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Between, BinaryExpr, Cast, Expr, ExprSchemable, Operator, Volatility};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast;

use crate::moment;

/// Text in arithmetic is read as this: four more digits than money has on either side of the point.
const TEXT_NUMBER: DataType = DataType::Decimal128(20, 6);

pub(crate) struct Expression {
    value: Arc<dyn PhysicalExpr>,
    /// Where values are read as others, the innermost first.
    conversions: Vec<Arc<dyn PhysicalExpr>>,
    /// Source columns it reads, ascending.
    pub reads: Vec<usize>,
}

/// A value a row and, where the expression could not be computed, the reason.
pub(crate) struct Evaluated {
    pub values: ArrayRef,
    /// Rows, ascending.
    pub failures: Vec<(usize, String)>,
}

impl Expression {
    pub fn compile(session: &SessionContext, sql: &str, schema: &SchemaRef) -> Result<Self> {
        let schema = Arc::new(DFSchema::try_from(schema.as_ref().clone())?);
        let parsed = session.parse_sql_expr(sql, &schema)?;
        let mut conversions = Vec::new();
        let explicit = parsed.transform_up(|expr| make_explicit(expr, &schema, &mut conversions))?.data;
        let mut reads = Vec::new();
        explicit.apply(|expr| {
            match expr {
                Expr::Column(column) => reads.push(schema.index_of_column(column)?),
                Expr::ScalarFunction(function) if function.func.signature().volatility != Volatility::Immutable => {
                    return datafusion::common::plan_err!("`{}` gives another value in every run", function.name());
                }
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        reads.sort_unstable();
        reads.dedup();
        let conversions = conversions.into_iter().map(|expr| physical(session, expr, &schema)).collect::<Result<_>>()?;
        Ok(Self { value: physical(session, explicit, &schema)?, conversions, reads })
    }

    /// What cannot be computed ends a batch; in ever smaller ones it costs only its own row.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Evaluated> {
        let rows = batch.num_rows();
        match self.value.evaluate(batch).and_then(|values| values.into_array(rows)) {
            Ok(values) => Ok(Evaluated { values, failures: Vec::new() }),
            Err(error) if rows <= 1 => {
                let values = new_null_array(&self.value.data_type(&batch.schema())?, rows);
                let failures = (0..rows).map(|row| (row, self.reason(batch, &error))).collect();
                Ok(Evaluated { values, failures })
            }
            Err(_) => {
                let half = rows / 2;
                let first = self.evaluate(&batch.slice(0, half))?;
                let second = self.evaluate(&batch.slice(half, rows - half))?;
                let behind = second.failures.into_iter().map(|(row, reason)| (row + half, reason));
                let failures = first.failures.into_iter().chain(behind).collect();
                Ok(Evaluated { values: concat(&[&first.values, &second.values])?, failures })
            }
        }
    }

    /// Why the one row of a batch has no value.
    fn reason(&self, row: &RecordBatch, error: &DataFusionError) -> String {
        let unread = self.conversions.iter().find(|conversion| conversion.evaluate(row).is_err());
        match unread.and_then(|conversion| conversion.data_type(&row.schema()).ok()) {
            Some(wanted) => format!("cannot be read as {}", readable(&wanted)),
            None => format!("cannot be computed: {}", why(error, self.own_fault(&row.schema()).as_deref())),
        }
    }

    /// What the engine says of a row that holds nothing: it is about the expression alone.
    fn own_fault(&self, schema: &SchemaRef) -> Option<String> {
        let nothing = schema.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
        let row = RecordBatch::try_new(Arc::clone(schema), nothing).ok()?;
        self.value.evaluate(&row).err().map(|error| error.strip_backtrace())
    }
}

/// Some functions are only there to be written as others.
fn physical(session: &SessionContext, expr: Expr, schema: &Arc<DFSchema>) -> Result<Arc<dyn PhysicalExpr>> {
    let context = SimplifyContext::builder().with_schema(Arc::clone(schema)).build();
    let simplifier = ExprSimplifier::new(context);
    let expr = simplifier.simplify(simplifier.coerce(expr, schema)?)?;
    session.create_physical_expr(expr, schema)
}

/// Why a row could not be computed, in words that hold nothing of it: the engine's own may name a person.
fn why<'a>(error: &DataFusionError, own_fault: Option<&'a str>) -> &'a str {
    let kind = match error.find_root() {
        DataFusionError::ArrowError(inner, _) => Some(inner.as_ref()),
        _ => None,
    };
    match kind {
        Some(ArrowError::DivideByZero) => "a division by zero",
        Some(ArrowError::ArithmeticOverflow(_)) => "a number grows too large",
        _ => own_fault.unwrap_or("a value does not suit the expression"),
    }
}

/// Casts what SQL leaves to be guessed, and notes where values are read as others.
fn make_explicit(expr: Expr, schema: &DFSchema, conversions: &mut Vec<Expr>) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Cast(_) => conversions.push(expr.clone()),
        Expr::ScalarFunction(ref function) if moment::reads_text(function.name()) => conversions.push(expr.clone()),
        Expr::ScalarFunction(ref function) if CHOOSE.contains(&function.name()) => {
            let types = function.args.iter().map(|argument| argument.get_type(schema)).collect::<Result<Vec<_>>>()?;
            // The engine would make whole numbers of all, of 0.5 and of the customer 007 too.
            if types.iter().any(DataType::is_numeric) && types.iter().any(is_text) {
                let name = function.name();
                return datafusion::common::plan_err!("`{name}` of text and numbers: put the number in quotes, or CAST the text");
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (l, r) = (left.get_type(schema)?, right.get_type(schema)?);
            let arithmetic =
                matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo);
            let with_number = op.supports_propagation() && (l.is_numeric() || r.is_numeric());
            if !(arithmetic || with_number) {
                return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })));
            }
            let left = Box::new(as_number(*left, &l, conversions));
            let right = Box::new(as_number(*right, &r, conversions));
            return Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right })));
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let [expr, low, high] = numbers([*expr, *low, *high], schema, conversions)?.map(Box::new);
            return Ok(Transformed::yes(Expr::Between(Between { expr, negated, low, high })));
        }
        Expr::InList(InList { expr, list, negated }) => {
            let all = numbers(std::iter::once(*expr).chain(list).collect::<Vec<_>>(), schema, conversions)?;
            let mut all = all.into_iter();
            let Some(expr) = all.next().map(Box::new) else { return datafusion::common::plan_err!("IN of nothing") };
            return Ok(Transformed::yes(Expr::InList(InList { expr, list: all.collect(), negated })));
        }
        _ => {}
    }
    Ok(Transformed::no(expr))
}

/// What is compared with each other: numbers, if one of it is.
fn numbers<All: AsMut<[Expr]>>(mut compared: All, schema: &DFSchema, conversions: &mut Vec<Expr>) -> Result<All> {
    let types = compared.as_mut().iter().map(|expr| expr.get_type(schema)).collect::<Result<Vec<_>>>()?;
    if types.iter().any(DataType::is_numeric) {
        for (expr, found) in compared.as_mut().iter_mut().zip(&types) {
            *expr = as_number(std::mem::take(expr), found, conversions);
        }
    }
    Ok(compared)
}

/// Functions whose value is one of their arguments.
const CHOOSE: [&str; 4] = ["coalesce", "nvl", "greatest", "least"];

fn is_text(found: &DataType) -> bool {
    matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn as_number(expr: Expr, found: &DataType, conversions: &mut Vec<Expr>) -> Expr {
    if !is_text(found) {
        return expr;
    }
    let number = Expr::Cast(Cast::new(Box::new(expr), TEXT_NUMBER));
    conversions.push(number.clone());
    number
}

fn readable(found: &DataType) -> &'static str {
    match found {
        DataType::Decimal128(..) | DataType::Decimal256(..) | DataType::Float32 | DataType::Float64 => "a number",
        DataType::Date32 | DataType::Date64 => "a date",
        DataType::Timestamp(..) => "a date and time",
        DataType::Boolean => "true or false",
        other if other.is_integer() => "a whole number",
        _ => "a value of the wanted type",
    }
}

/// True where the schema has a column of exactly this name.
pub(crate) fn is_column(schema: &SchemaRef, name: &str) -> Option<usize> {
    schema.index_of(name).ok()
}

/// Names in an expression that are no column of the schema it is compiled against.
pub(crate) fn mentioned(session: &SessionContext, sql: &str) -> Vec<String> {
    let mut names = Vec::new();
    let _ = ast::visit_expressions(&parsed(session, sql), |expr| {
        if let ast::Expr::Identifier(name) = expr {
            names.push(name.value.clone());
        }
        ControlFlow::<()>::Continue(())
    });
    names
}

/// Names that an expression cannot do without: those that stand anywhere but in a `coalesce`.
pub(crate) fn needed(session: &SessionContext, sql: &str) -> Vec<String> {
    let mut needed = Needed::default();
    let _ = ast::Visit::visit(&parsed(session, sql), &mut needed);
    needed.names
}

/// An expression as it is written; nothing of one that cannot be read.
fn parsed(session: &SessionContext, sql: &str) -> Option<ast::Expr> {
    let state = session.state();
    let dialect = state.config().options().sql_parser.dialect;
    state.sql_to_expr(sql, &dialect).ok()
}

#[derive(Default)]
struct Needed {
    names: Vec<String>,
    /// How many calls of `coalesce` are around.
    spared: usize,
}

impl Needed {
    fn spares(expr: &ast::Expr) -> bool {
        let ast::Expr::Function(function) = expr else { return false };
        ["coalesce", "nvl"].contains(&function.name.to_string().to_lowercase().as_str())
    }
}

impl ast::Visitor for Needed {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<()> {
        match expr {
            ast::Expr::Identifier(name) if self.spared == 0 => self.names.push(name.value.clone()),
            expr => self.spared += usize::from(Self::spares(expr)),
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<()> {
        self.spared -= usize::from(Self::spares(expr));
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use arrow::array::StringArray;
    use arrow::datatypes::{Field, Schema};
    use arrow::util::display::array_value_to_string;

    use super::*;

    fn evaluate(sql: &str, sales: &[Option<&str>], quantity: &[Option<&str>]) -> (Vec<String>, Vec<(usize, String)>) {
        let mut config = datafusion::prelude::SessionConfig::new();
        config.options_mut().sql_parser.enable_ident_normalization = false;
        config.options_mut().sql_parser.parse_float_as_decimal = true;
        let session = SessionContext::new_with_config(config);
        for function in moment::functions(chrono_tz::Tz::UTC) {
            session.register_udf(function);
        }
        let schema =
            Arc::new(Schema::new(vec![Field::new("Sales", DataType::Utf8, true), Field::new("Quantity", DataType::Utf8, true)]));
        let columns: Vec<ArrayRef> =
            vec![Arc::new(StringArray::from(sales.to_vec())), Arc::new(StringArray::from(quantity.to_vec()))];
        let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let evaluated = Expression::compile(&session, sql, &schema).unwrap().evaluate(&batch).unwrap();
        let shown = (0..batch.num_rows()).map(|row| array_value_to_string(&evaluated.values, row).unwrap()).collect();
        (shown, evaluated.failures)
    }

    #[test]
    fn text_divides_as_decimals_and_bad_text_is_told() {
        let (values, failures) =
            evaluate("\"Sales\" / \"Quantity\"", &[Some("7.5"), Some("x"), None], &[Some("2"), Some("2"), Some("1")]);
        assert_eq!(values, ["3.7500000000", "", ""]);
        assert_eq!(failures, [(1, "cannot be read as a number".to_owned())]);
    }

    #[test]
    fn a_division_by_zero_costs_one_row() {
        let (values, failures) = evaluate("Sales / Quantity", &[Some("1"), Some("1")], &[Some("0"), Some("4")]);
        assert_eq!(values[1], "0.2500000000");
        assert_eq!(failures, [(0, "cannot be computed: a division by zero".to_owned())]);
    }

    #[test]
    fn what_cannot_be_computed_names_nobody() {
        let mail = [Some("ada@example.org"), None];
        let (_, failures) = evaluate("regexp_replace(Sales, Sales || '(', '')", &mail, &mail);
        assert_eq!(failures, [(0, "cannot be computed: a value does not suit the expression".to_owned())]);
        // What is wrong with the expression itself is told in the engine's words.
        let (_, failures) = evaluate("regexp_replace(Sales, '(', '')", &mail, &mail);
        assert!(failures[0].1.contains("unclosed group") && !failures[0].1.contains("ada"), "{}", failures[0].1);
    }

    #[test]
    fn comparisons_with_numbers_are_numeric() {
        let (values, failures) = evaluate("Quantity <> 0", &[None, None, None], &[Some("0.0"), Some("10"), Some("abc")]);
        assert_eq!(values, ["false", "true", ""]);
        assert_eq!(failures.len(), 1);
        let (values, failures) = evaluate("Quantity BETWEEN 1 AND 5", &[None; 3], &[Some("1.5"), Some("10"), Some("abc")]);
        assert_eq!((values, failures.len()), (["true", "false", ""].map(str::to_owned).to_vec(), 1));
        let (values, failures) = evaluate("Quantity NOT IN (1, 2.5)", &[None; 3], &[Some("1.0"), Some("10"), Some("abc")]);
        assert_eq!((values, failures.len()), (["false", "true", ""].map(str::to_owned).to_vec(), 1));
    }

    #[test]
    fn casts_report_and_try_casts_do_not() {
        let bad = [Some("x"), Some("5")];
        assert_eq!(evaluate("CAST(Sales AS INT)", &bad, &bad).1.len(), 1);
        assert!(evaluate("TRY_CAST(Sales AS INT)", &bad, &bad).1.is_empty());
        let (values, failures) = evaluate("to_timestamp(Sales, '%m/%d/%Y')", &[Some("11/8/2016"), Some("8.11.2016")], &bad);
        assert_eq!(values[0], "2016-11-08T00:00:00");
        assert_eq!(failures, [(1, "cannot be read as a date and time".to_owned())]);
    }

    #[test]
    fn a_cast_that_fails_is_told_wherever_it_stands() {
        let sales = [Some("5"), Some("10 %"), None];
        let unread = [(1, "cannot be read as a whole number".to_owned())];
        for (sql, expected) in [
            ("CASE WHEN CAST(Sales AS INT) > 0 THEN 'a' ELSE 'b' END", ["a", "", "b"]),
            ("coalesce(CAST(Sales AS INT), 0)", ["5", "", "0"]),
            ("CAST(Sales AS INT) IS NULL", ["false", "", "true"]),
        ] {
            assert_eq!(evaluate(sql, &sales, &sales), (expected.map(str::to_owned).to_vec(), unread.to_vec()), "{sql}");
        }
        // Whoever asks first is not told.
        for sql in ["CASE WHEN Sales ~ '^[0-9]+$' THEN CAST(Sales AS INT) END", "Sales ~ '^[0-9]+$' AND CAST(Sales AS INT) > 0"] {
            assert!(evaluate(sql, &sales, &sales).1.is_empty(), "{sql}");
        }
    }

    #[test]
    fn functions_that_stand_for_others_are_known() {
        let (sales, quantity) = ([None, Some("a")], [Some("b"), None]);
        for sql in ["coalesce(Sales, Quantity)", "nvl(Sales, Quantity)", "nvl2(Sales, Sales, Quantity)"] {
            assert_eq!(evaluate(sql, &sales, &quantity).0, ["b", "a"], "{sql}");
        }
    }

    #[test]
    fn what_differs_from_run_to_run_or_mixes_types_is_refused() {
        let schema = Arc::new(Schema::new(vec![Field::new("Sales", DataType::Utf8, true)]));
        for sql in ["now()", "random()", "current_date()", "coalesce(\"Sales\", 0)", "greatest(\"Sales\", 1)"] {
            assert!(Expression::compile(&SessionContext::new(), sql, &schema).is_err(), "{sql}");
        }
    }
}
