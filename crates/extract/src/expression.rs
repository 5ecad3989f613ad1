//! SQL expressions over a source's columns, evaluated so that one bad value costs one row and not the run.
//!
//! Text that meets arithmetic or a comparison with a number is read as a decimal. `CAST`, `to_timestamp` and `to_date`
//! of what cannot be read give NULL and the row is reported; `TRY_CAST` gives NULL and is silent, because it was asked.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::TryCast;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;

use crate::moment;

/// Text in arithmetic is read as this: four more digits than money has on either side of the point.
const TEXT_NUMBER: DataType = DataType::Decimal128(20, 6);

pub(crate) struct Expression {
    value: Arc<dyn PhysicalExpr>,
    /// Pairs of what goes into a conversion and what comes out of it.
    conversions: Vec<(Arc<dyn PhysicalExpr>, Arc<dyn PhysicalExpr>)>,
    /// Source columns it reads, ascending.
    pub reads: Vec<usize>,
}

/// A value a row and, where the expression could not be computed, the reason.
pub(crate) struct Evaluated {
    pub values: ArrayRef,
    pub failures: Vec<(usize, String)>,
}

impl Expression {
    pub fn compile(session: &SessionContext, sql: &str, schema: &SchemaRef) -> Result<Self> {
        let schema = DFSchema::try_from(schema.as_ref().clone())?;
        let parsed = session.parse_sql_expr(sql, &schema)?;
        let mut conversions = Vec::new();
        let safe = parsed.transform_up(|expr| make_safe(expr, &schema, &mut conversions))?.data;
        let mut reads = Vec::new();
        safe.apply(|expr| {
            if let Expr::Column(column) = expr {
                reads.push(schema.index_of_column(column)?);
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        reads.sort_unstable();
        reads.dedup();
        let conversions = conversions
            .into_iter()
            .map(|(inner, outer)| {
                Ok((session.create_physical_expr(inner, &schema)?, session.create_physical_expr(outer, &schema)?))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { value: session.create_physical_expr(safe, &schema)?, conversions, reads })
    }

    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Evaluated> {
        match self.evaluate_all(batch) {
            Ok(evaluated) => Ok(evaluated),
            Err(_) => self.evaluate_one_by_one(batch),
        }
    }

    fn evaluate_all(&self, batch: &RecordBatch) -> Result<Evaluated> {
        let rows = batch.num_rows();
        let values = self.value.evaluate(batch)?.into_array(rows)?;
        let mut failures = Vec::new();
        if values.null_count() > 0 {
            for (inner, outer) in &self.conversions {
                let inner = inner.evaluate(batch)?.into_array(rows)?;
                let outer = outer.evaluate(batch)?.into_array(rows)?;
                let failed = (0..rows).filter(|row| values.is_null(*row) && inner.is_valid(*row) && outer.is_null(*row));
                failures.extend(failed.map(|row| (row, format!("cannot be read as {}", readable(outer.data_type())))));
            }
            failures.sort_by_key(|(row, _)| *row);
            failures.dedup_by_key(|(row, _)| *row);
        }
        Ok(Evaluated { values, failures })
    }

    /// A division by zero or an overflow ends the batch; row by row it costs only its own row.
    fn evaluate_one_by_one(&self, batch: &RecordBatch) -> Result<Evaluated> {
        let returns = self.value.data_type(&batch.schema())?;
        let own_fault = self.own_fault(&batch.schema());
        let (mut parts, mut failures) = (Vec::with_capacity(batch.num_rows()), Vec::new());
        for row in 0..batch.num_rows() {
            match self.evaluate_all(&batch.slice(row, 1)) {
                Ok(one) => {
                    parts.push(one.values);
                    failures.extend(one.failures.into_iter().map(|(_, reason)| (row, reason)));
                }
                Err(error) => {
                    parts.push(new_null_array(&returns, 1));
                    failures.push((row, format!("cannot be computed: {}", why(&error, own_fault.as_deref()))));
                }
            }
        }
        let arrays: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(Evaluated { values: concat(&arrays)?, failures })
    }

    /// What the engine says of a row that holds nothing: it is about the expression alone.
    fn own_fault(&self, schema: &SchemaRef) -> Option<String> {
        let nothing = schema.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
        let row = RecordBatch::try_new(Arc::clone(schema), nothing).ok()?;
        self.evaluate_all(&row).err().map(|error| error.strip_backtrace())
    }
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

type Conversions = Vec<(Expr, Expr)>;

fn make_safe(expr: Expr, schema: &DFSchema, conversions: &mut Conversions) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Cast(cast) => {
            let inner = *cast.expr;
            let outer = Expr::TryCast(TryCast::new_from_field(Box::new(inner.clone()), cast.field));
            conversions.push((inner, outer.clone()));
            Ok(Transformed::yes(outer))
        }
        Expr::ScalarFunction(ref function) if moment::reads_text(function.name()) => {
            if let Some(first) = function.args.first() {
                conversions.push((first.clone(), expr.clone()));
            }
            Ok(Transformed::no(expr))
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
            Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right })))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn as_number(expr: Expr, found: &DataType, conversions: &mut Conversions) -> Expr {
    if !matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        return expr;
    }
    let number = Expr::TryCast(TryCast::new(Box::new(expr.clone()), TEXT_NUMBER));
    conversions.push((expr, number.clone()));
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
    let state = session.state();
    let dialect = state.config().options().sql_parser.dialect;
    let Ok(parsed) = state.sql_to_expr(sql, &dialect) else { return Vec::new() };
    let mut names = Vec::new();
    let _ = datafusion::sql::sqlparser::ast::visit_expressions(&parsed, |expr| {
        if let datafusion::sql::sqlparser::ast::Expr::Identifier(name) = expr {
            names.push(name.value.clone());
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
    names
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
        for function in moment::functions() {
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
}
