//! Whether the SQL of the pipeline file is right, told before anything runs.

use arrow::error::ArrowError;
use chrono::NaiveDate;
use config::{Demand, EachRow, Figure, Problem, Problems, Rows, Rule, Sql, Whole, nearest, suggestion};
use datafusion::common::{DFSchema, SchemaError};
use datafusion::dataframe::DataFrame;
use datafusion::error::{DataFusionError, Result};
use datafusion::functions::regex::expr_fn::regexp_like;
use datafusion::logical_expr::lit;
use datafusion::prelude::SessionContext;

use super::readable;
use super::statement::{Desk, ROWS};

/// What to do about a table that nothing is near to.
const TABLES_ARE: &str =
    "`consumer360 describe` lists the tables; what was read is staged_sales and the like, the snapshot before previous_<table>";

/// What is said of an error whose own words may hold a value.
const NOT_COMPUTED: &str = "the statement cannot be computed over these rows";

/// Plans every statement that the checks of a pipeline file come to. `session` is where it will run; it is not changed.
pub fn plan(session: &SessionContext, rules: &[Rule]) -> Result<(), Problems> {
    let Some(first) = rules.first() else { return Ok(()) };
    let unusable = |error: DataFusionError| Problems::from(first.place.problem(&words(&error), ""));
    let desk = Desk { session: readable::without_rows(session).map_err(unusable)?, as_of: NaiveDate::default() };
    // Planning over tables without rows waits for nothing.
    let problems = futures::executor::block_on(async {
        let mut problems = Vec::new();
        for rule in rules {
            problems.extend(desk.problem(rule).await);
        }
        problems
    });
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
}

impl Desk {
    async fn problem(&self, rule: &Rule) -> Option<Problem> {
        let planned = match &rule.demand {
            Demand::EachRow { of, wants, .. } => self.each_row(rule, of, wants).await,
            Demand::Whole { of, wants: Whole::Drift { value, .. } } => self.value(of, value.as_ref()).await,
            Demand::Whole { of, .. } => self.filter(of).await,
            Demand::NoRow { query, .. } => self.optimized(self.query(&query.text).await, query),
            Demand::Equal { left, right, .. } => match self.one_number(left).await {
                Ok(()) => self.one_number(right).await,
                wrong => wrong,
            },
        };
        planned.err()
    }

    async fn each_row(&self, rule: &Rule, of: &Rows, wants: &EachRow) -> Result<(), Problem> {
        self.filter(of).await?;
        if let EachRow::Regex { pattern, .. } = wants {
            read_pattern(&self.session, &pattern.text).map_err(|error| {
                let text = error.to_string();
                let detail = text.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or("it cannot be read");
                pattern.problem(
                    &format!("`{}` is no regular expression: {detail}", pattern.text),
                    "write one such as ^[A-Z]{2}-[0-9]+$",
                )
            })?;
        }
        let whole = Sql { text: String::new(), place: rule.place.clone() };
        self.optimized(self.failing(of, wants).await, &whole)
    }

    async fn filter(&self, of: &Rows) -> Result<(), Problem> {
        match &of.filter {
            Some(filter) => self.optimized(self.over(of, ROWS, &[], Vec::new()).await, filter),
            None => Ok(()),
        }
    }

    async fn value(&self, of: &Rows, value: Option<&Sql>) -> Result<(), Problem> {
        self.filter(of).await?;
        match value {
            Some(value) => self.optimized(self.figure(of, Some(value)).await, value),
            None => Ok(()),
        }
    }

    async fn one_number(&self, figure: &Figure) -> Result<(), Problem> {
        let query = match figure {
            Figure::Value { of, value } => return self.value(of, Some(value)).await,
            Figure::Query(query) => query,
        };
        let frame = self.query(&query.text).await;
        let fields = frame.as_ref().map(|frame| frame.schema().fields().clone()).unwrap_or_default();
        self.optimized(frame, query)?;
        match fields.iter().as_slice() {
            [one] if one.data_type().is_numeric() || one.data_type().is_null() => Ok(()),
            [one] => Err(query.problem(
                &format!("the query gives {}, not a number", one.data_type()),
                "such as SELECT SUM(net_amount) FROM fact_sales",
            )),
            more => Err(query.problem(
                &format!("the query gives {} columns", more.len()),
                "one number is wanted, such as SELECT SUM(net_amount) FROM fact_sales",
            )),
        }
    }

    /// Types are fitted to one another by the optimizer, so what does not fit shows there.
    fn optimized(&self, frame: Result<DataFrame>, of: &Sql) -> Result<(), Problem> {
        let plan = frame.map(|frame| frame.logical_plan().clone());
        plan.and_then(|plan| self.session.state().optimize(&plan)).map(|_| ()).map_err(|error| explain(&error, of))
    }
}

/// Reads the pattern, by asking whether it matches a text.
fn read_pattern(session: &SessionContext, pattern: &str) -> Result<()> {
    let schema = DFSchema::empty();
    let expr = session.create_physical_expr(regexp_like(lit(""), lit(pattern), None), &schema)?;
    expr.evaluate(&arrow::array::RecordBatch::new_empty(schema.inner().clone())).map(|_| ())
}

/// The engine's error as a problem of the file, with the nearest name where one is not known.
fn explain(error: &DataFusionError, of: &Sql) -> Problem {
    if let DataFusionError::SchemaError(schema, _) = error.find_root()
        && let SchemaError::FieldNotFound { field, valid_fields } = schema.as_ref()
    {
        let mut known: Vec<&str> = valid_fields.iter().map(|column| column.name.as_str()).collect();
        known.dedup();
        return of.problem(&format!("there is no column `{}`", field.name), &suggestion(&field.name, known, "columns"));
    }
    let words = words(error);
    if let Some(name) = words.strip_prefix(readable::NO_TABLE) {
        let names = readable::names();
        let near = nearest(name, names.iter().map(String::as_str));
        let help = near.map_or_else(|| TABLES_ARE.to_owned(), |near| format!("did you mean `{near}`?"));
        return of.problem(&format!("there is no table `{name}` that a check can read"), &help);
    }
    let help = if words.contains("placeholder") { "the one parameter there is, is $as_of" } else { "" };
    of.problem(&words, help)
}

/// The first line of what the engine says, without its own words for the kind of error.
pub(super) fn words(error: &DataFusionError) -> String {
    let text = error.find_root().strip_backtrace();
    let line = text.lines().next().unwrap_or_default();
    let line = ["Error during planning: ", "SQL error: ", "Execution error: ", "External error: ", "Internal error: "]
        .iter()
        .fold(line, |line, start| line.strip_prefix(start).unwrap_or(line));
    let line = line.split(", errors: ").next().unwrap_or(line);
    line.strip_prefix("ParserError(\"").and_then(|line| line.strip_suffix("\")")).unwrap_or(line).to_owned()
}

/// The same of an error met while rows were read, in words that hold nothing of them: the engine's own quote values, which may be
/// somebody's name, and not always in quotes. What is about files or memory is told as it is.
pub(super) fn words_without_values(error: &DataFusionError) -> String {
    let kind = match error.find_root() {
        DataFusionError::ResourcesExhausted(_)
        | DataFusionError::IoError(_)
        | DataFusionError::ObjectStore(_)
        | DataFusionError::ParquetError(_)
        | DataFusionError::SchemaError(..) => return words(error),
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            ArrowError::IoError(..) | ArrowError::MemoryError(_) | ArrowError::ParquetError(_) => return words(error),
            ArrowError::DivideByZero => "a division by zero",
            ArrowError::ArithmeticOverflow(_) => "a number grows too large",
            ArrowError::CastError(_) | ArrowError::ParseError(_) => "a value is not of the type that it is cast to",
            _ => NOT_COMPUTED,
        },
        _ => NOT_COMPUTED,
    };
    kind.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_rows_are_in_no_message() {
        let told = |error| words_without_values(&DataFusionError::ArrowError(Box::new(error), None));
        let cast = ArrowError::CastError("Cannot cast string 'O'Brien' to value of Int32 type".to_owned());
        assert_eq!(told(cast), "a value is not of the type that it is cast to");
        let interval = ArrowError::ParseError("Invalid input syntax for type interval: \"O'Brien\"".to_owned());
        assert_eq!(told(interval), "a value is not of the type that it is cast to");
        let pattern = ArrowError::ComputeError("Regular expression did not compile: Brien(".to_owned());
        assert_eq!(told(pattern), NOT_COMPUTED);
        assert_eq!(told(ArrowError::DivideByZero), "a division by zero");
        let raised = DataFusionError::Execution("Error parsing timestamp from 'Brien'".to_owned());
        assert_eq!(words_without_values(&raised.context("Brien")), NOT_COMPUTED);
    }

    #[test]
    fn what_is_about_no_row_is_told_as_it_is() {
        let full = DataFusionError::ResourcesExhausted("no memory is left".to_owned());
        assert!(words_without_values(&full).ends_with("no memory is left"));
    }
}
