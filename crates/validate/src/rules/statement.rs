//! Rules as statements. A template names its table and columns by quoted placeholders, which are filled with the quoted
//! names of the contract; values are bound. A user's own condition goes in as the expression it was parsed to.

use chrono::NaiveDate;
use config::{Bound, EachRow, Rows, Sql};
use datafusion::dataframe::DataFrame;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SQLOptions;
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::{DFParser, Statement as Parsed};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::Statement as Ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::readable;

pub(super) const ROWS: &str = include_str!("rows.sql");
pub(super) const FRESHNESS: &str = include_str!("freshness.sql");
pub(super) const DEGENERATE: &str = include_str!("degenerate.sql");
pub(super) const FIGURE: &str = include_str!("figure.sql");

type Parameters = Vec<(&'static str, ScalarValue)>;

/// What runs statements of the pipeline file: a session that knows nothing but what checks may read, and the day.
pub(super) struct Desk {
    pub session: SessionContext,
    pub as_of: NaiveDate,
}

impl Desk {
    /// The failing rows of a demand on each row.
    pub async fn failing(&self, of: &Rows, wants: &EachRow) -> Result<DataFrame> {
        let column = |name: &str| vec![("value", quoted(name))];
        let (template, parts, bound) = match wants {
            EachRow::Unique { columns } => (include_str!("unique.sql"), keyed(columns), Vec::new()),
            EachRow::NotNull { columns } => (include_str!("not_null.sql"), keyed(columns), Vec::new()),
            EachRow::AcceptedValues { column: name, values } => {
                let accepted = (0..values.len()).map(|place| format!("$accepted_{place}")).collect::<Vec<_>>().join(", ");
                let parts = [column(name), vec![("accepted", accepted)]].concat();
                return self.accepted(of, parts, values).await;
            }
            EachRow::Relationship { column: name, to, to_column } => {
                let other = vec![("to", quoted(to)), ("to_column", quoted(to_column))];
                (include_str!("relationships.sql"), [column(name), other].concat(), Vec::new())
            }
            EachRow::Range { column: name, is_time, min, max } => {
                let value = if *is_time { format!("CAST({} AS DATE)", quoted(name)) } else { quoted(name) };
                let bound = vec![("min", self.bound(*min)), ("max", self.bound(*max))];
                (include_str!("range.sql"), vec![("value", value)], bound)
            }
            EachRow::Regex { column: name, pattern } => {
                (include_str!("regex.sql"), column(name), vec![("pattern", ScalarValue::from(pattern.text.as_str()))])
            }
        };
        self.over(of, template, &parts, bound).await
    }

    async fn accepted(&self, of: &Rows, parts: Vec<(&str, String)>, values: &[String]) -> Result<DataFrame> {
        let sql = filled(include_str!("accepted_values.sql"), &[common(of)?, parts].concat());
        let values = values.iter().enumerate().map(|(place, value)| (format!("accepted_{place}"), value.as_str().into()));
        let bound: Vec<(String, ScalarValue)> = values.chain([("as_of".to_owned(), self.day())]).collect();
        self.plan(&sql).await?.with_param_values(bound)
    }

    /// A template over the rows of a table.
    pub async fn over(&self, of: &Rows, template: &str, parts: &[(&str, String)], bound: Parameters) -> Result<DataFrame> {
        let sql = filled(template, &[common(of)?, parts.to_vec()].concat());
        self.plan(&sql).await?.with_param_values([bound, vec![("as_of", self.day())]].concat())
    }

    /// One number over the rows of a table.
    pub async fn figure(&self, of: &Rows, value: Option<&Sql>) -> Result<DataFrame> {
        let value = value.map_or_else(|| Ok("COUNT(*)".to_owned()), |value| expression(&value.text))?;
        self.over(of, FIGURE, &[("figure", value)], Vec::new()).await
    }

    /// A query as the user wrote it.
    pub async fn query(&self, sql: &str) -> Result<DataFrame> {
        self.plan(sql).await?.with_param_values(vec![("as_of", self.day())])
    }

    /// Plans one SELECT that reads nothing but what checks may read, and gives the same answer every time.
    async fn plan(&self, sql: &str) -> Result<DataFrame> {
        let statement = select(sql)?;
        readable::assert_known(&statement)?;
        let plan = self.session.state().statement_to_plan(statement).await?;
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false).verify_plan(&plan)?;
        readable::assert_harmless(&plan)?;
        self.session.execute_logical_plan(plan).await
    }

    fn day(&self) -> ScalarValue {
        ScalarValue::Date32(Some(self.as_of.to_epoch_days()))
    }

    fn bound(&self, bound: Option<Bound>) -> ScalarValue {
        match bound {
            None => ScalarValue::Null,
            Some(Bound::Amount(amount)) => ScalarValue::Decimal128(Some(amount), 18, 4),
            Some(Bound::Number(number)) => ScalarValue::from(number),
            Some(Bound::Day(day)) => ScalarValue::Date32(Some(day.to_epoch_days())),
            Some(Bound::AsOf) => self.day(),
        }
    }
}

/// The statement, if it is one SELECT.
fn select(sql: &str) -> Result<Parsed> {
    let mut parsed = DFParser::parse_sql(sql)?;
    match (parsed.pop_front(), parsed.is_empty()) {
        (Some(Parsed::Statement(ast)), true) if matches!(*ast, Ast::Query(_)) => Ok(Parsed::Statement(ast)),
        (Some(_), false) => Err(DataFusionError::Plan("there is more than one statement; write one SELECT".to_owned())),
        _ => Err(DataFusionError::Plan("this is no SELECT".to_owned())),
    }
}

/// The tables that a query names, sorted.
pub(super) fn tables(sql: &str) -> Vec<String> {
    let found = select(sql).and_then(|statement| resolve_table_references(&statement, false));
    let mut names: Vec<String> = found.into_iter().flat_map(|(tables, _)| tables).map(|table| table.table().to_owned()).collect();
    names.sort();
    names.dedup();
    names
}

/// An expression in brackets, printed from what it was parsed to, so that it cannot end the statement around it.
fn expression(text: &str) -> Result<String> {
    let dialect = GenericDialect {};
    let wrong = |error: datafusion::sql::sqlparser::parser::ParserError| DataFusionError::SQL(Box::new(error), None);
    let mut parser = Parser::new(&dialect).try_with_sql(text).map_err(wrong)?;
    let parsed = parser.parse_expr().map_err(wrong)?;
    parser.expect_token(&Token::EOF).map_err(wrong)?;
    Ok(format!("({parsed})"))
}

fn common(of: &Rows) -> Result<Vec<(&'static str, String)>> {
    let filter = of.filter.as_ref().map_or_else(|| Ok("TRUE".to_owned()), |filter| expression(&filter.text))?;
    Ok(vec![("table", quoted(&of.table)), ("columns", listed(&of.columns)), ("filter", filter)])
}

fn keyed(columns: &[&str]) -> Vec<(&'static str, String)> {
    let present = columns.iter().map(|column| format!("{} IS NOT NULL", quoted(column))).collect::<Vec<_>>().join(" AND ");
    vec![("keys", listed(columns)), ("present", format!("({present})"))]
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn listed(columns: &[&str]) -> String {
    columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

/// The template with its quoted placeholders replaced, each place once, so that what goes in is not read again.
fn filled(template: &str, parts: &[(&str, String)]) -> String {
    let mut sql = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("\"$") {
        let (name, behind) = after.split_once('"').unwrap_or((after, ""));
        sql.push_str(before);
        sql.push_str(parts.iter().find(|(part, _)| *part == name).map_or("NULL", |(_, text)| text));
        rest = behind;
    }
    sql + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_stays_what_it_is() {
        let parts = [("table", quoted("fact_sales")), ("filter", expression("channel = '\"$table\"' -- x").unwrap())];
        assert_eq!(
            filled(ROWS, &parts).lines().skip(1).collect::<Vec<_>>(),
            ["SELECT COUNT(*) AS rows_checked", "FROM \"fact_sales\"", "WHERE (channel = '\"$table\"')"]
        );
    }

    #[test]
    fn an_expression_is_one_and_a_query_is_one() {
        for bad in ["1 = 1) OR (2 = 2", "TRUE; DROP TABLE a", "a = 1 UNION SELECT 1", ""] {
            assert!(expression(bad).is_err(), "{bad}");
        }
        for bad in
            ["SELECT 1; SELECT 2", "DROP TABLE a", "COPY a TO 'b'", "CREATE EXTERNAL TABLE a STORED AS CSV LOCATION 'b'", ""]
        {
            assert!(select(bad).is_err(), "{bad}");
        }
        assert!(select("SELECT 1 AS a;").is_ok());
    }
}
