//! The contract holds together: which tables there are, their columns, keys, names, types and descriptions.
#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::collections::BTreeSet;

use arrow_schema::DataType;
use schema::{Column, TABLES, Table, Type, Visibility, table};

const PUBLISHED: [&str; 39] = [
    "fact_sales",
    "dim_region",
    "dim_customer",
    "dim_product",
    "dim_date",
    "fact_payments",
    "fact_tickets",
    "sales_trend",
    "product_performance",
    "region_performance",
    "age_band_performance",
    "customer_region",
    "customer_rfm",
    "rfm_segment_summary",
    "rfm_validation",
    "segment_migration",
    "customer_clv",
    "clv_model",
    "clv_backtest",
    "customer_value",
    "value_tier_summary",
    "value_concentration",
    "business_segment_summary",
    "winback_targets",
    "customer_risk",
    "cohort_retention",
    "cohort_average",
    "cohort_first_purchase",
    "retention_monthly",
    "second_purchase_survival",
    "basket_itemsets",
    "basket_rules",
    "basket_run",
    "product_recommendations",
    "next_best_product",
    "meta_run",
    "meta_reconciliation",
    "meta_checks",
    "security_user_region",
];

const WORKING: [&str; 9] = [
    "orders",
    "order_items",
    "customer_days",
    "rfm_measures",
    "rfm_scores",
    "segment_grid",
    "customer_months",
    "customer_cohorts",
    "second_purchase_waits",
];

/// One line a table: its columns as reports know them. A line that changes breaks somebody's report.
const COLUMNS: &str = include_str!("columns.txt");

fn columns() -> impl Iterator<Item = (&'static Table, &'static Column)> {
    TABLES.iter().flat_map(|t| t.columns.iter().map(move |c| (*t, c)))
}

fn names(visibility: Visibility) -> Vec<&'static str> {
    TABLES.iter().filter(|t| t.visibility == visibility).map(|t| t.name).collect()
}

fn is_snake_case(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.contains("__")
        && !name.ends_with('_')
}

#[test]
fn every_table_is_there_in_build_order() {
    assert_eq!(names(Visibility::Published), PUBLISHED);
    assert_eq!(names(Visibility::Working), WORKING);
}

#[test]
fn a_name_leads_to_its_table() {
    for one in TABLES {
        assert_eq!(table(one.name).unwrap().columns.len(), one.columns.len(), "two tables are named {}", one.name);
    }
    assert_eq!(TABLES.iter().map(|t| t.name).collect::<BTreeSet<_>>().len(), TABLES.len());
    assert!(table("no_such_table").is_none());
}

#[test]
fn columns_are_those_reports_know_in_their_order() {
    let mut known = BTreeSet::new();
    for line in COLUMNS.lines() {
        let (name, expected) = line.split_once(": ").unwrap();
        let actual: Vec<&str> = table(name).unwrap().columns.iter().map(|c| c.name).collect();
        assert_eq!(actual.join(", "), expected, "{name}");
        known.insert(name);
    }
    let published: BTreeSet<&str> = PUBLISHED.into_iter().collect();
    assert_eq!(known, published);
}

#[test]
fn names_are_snake_case_and_unique() {
    for one in TABLES {
        assert!(is_snake_case(one.name), "{}", one.name);
        assert_eq!(one.columns.iter().map(|c| c.name).collect::<BTreeSet<_>>().len(), one.columns.len(), "{}", one.name);
    }
    for (table, column) in columns() {
        assert!(is_snake_case(column.name), "{}.{}", table.name, column.name);
        assert_eq!(table.column(column.name).unwrap().kind, column.kind);
    }
}

#[test]
fn keys_come_first_and_always_have_a_value() {
    for table in TABLES {
        assert!(!table.key.is_empty() || table.visibility == Visibility::Working, "{}", table.name);
        let first: Vec<&str> = table.columns.iter().take(table.key.len()).map(|c| c.name).collect();
        assert_eq!(first, table.key, "{}", table.name);
        for key in table.key {
            assert!(!table.column(key).unwrap().nullable, "{}.{key}", table.name);
        }
    }
}

#[test]
fn every_key_leads_to_a_dimension() {
    let dimensions: Vec<&Table> = TABLES.iter().copied().filter(|t| t.name.starts_with("dim_")).collect();
    for (table, column) in columns() {
        let is_key = matches!(column.kind, Type::Key | Type::DateKey);
        assert_eq!(column.name.ends_with("_key"), is_key, "{}.{}", table.name, column.name);
        if is_key {
            let dimension = dimensions.iter().find(|d| d.key.iter().any(|key| column.name.ends_with(key)));
            let dimension = dimension.unwrap_or_else(|| unreachable!("{}.{} leads nowhere", table.name, column.name));
            let theirs = dimension.column(dimension.key.first().unwrap()).unwrap();
            assert_eq!(theirs.kind, column.kind, "{}.{}", table.name, column.name);
        }
    }
}

#[test]
fn descriptions_are_sentences() {
    let is_sentence = |text: &str| {
        text.len() > 1
            && text.ends_with('.')
            && !text.ends_with("..")
            && !text.starts_with(char::is_lowercase)
            && text.trim() == text
    };
    for table in TABLES {
        assert!(is_sentence(table.description), "{}: {}", table.name, table.description);
        assert!(!table.grain.is_empty() && !table.grain.ends_with('.'), "{}: {}", table.name, table.grain);
    }
    for (table, column) in columns() {
        assert!(is_sentence(column.description), "{}.{}: {}", table.name, column.name, column.description);
    }
}

#[test]
fn moments_days_and_flags_are_known_by_their_names() {
    for (table, column) in columns() {
        let name = column.name;
        let is_day =
            ["_on", "_start"].iter().any(|end| name.ends_with(end)) || ["date", "cutoff", "contact_by", "as_of"].contains(&name);
        assert_eq!(name.ends_with("_at"), column.kind == Type::Time, "{}.{name}", table.name);
        assert_eq!(is_day, column.kind == Type::Date, "{}.{name}", table.name);
        assert!(!name.starts_with("is_") || column.kind == Type::Bool, "{}.{name}", table.name);
        assert!(
            !name.ends_with("_score") || name == "risk_score" || name == "log_score" || column.kind == Type::Score,
            "{}.{name}",
            table.name
        );
    }
}

#[test]
fn amounts_are_money() {
    for (table, column) in columns() {
        let is_amount =
            column.name.ends_with("_amount") || column.name.starts_with("amount") || column.name.ends_with("_revenue");
        assert!(!is_amount || column.kind == Type::Money, "{}.{}", table.name, column.name);
    }
}

#[test]
fn old_readers_know_every_type() {
    for table in TABLES {
        let arrow = table.arrow();
        assert_eq!(arrow.fields().len(), table.columns.len());
        for (field, column) in arrow.fields().iter().zip(table.columns) {
            let known = matches!(
                field.data_type(),
                DataType::Int16
                    | DataType::Int32
                    | DataType::Int64
                    | DataType::Float64
                    | DataType::Boolean
                    | DataType::Utf8
                    | DataType::Date32
                    | DataType::Timestamp(_, None)
                    | DataType::Decimal128(18, 4)
            );
            assert!(known, "{}.{} is {}", table.name, field.name(), field.data_type());
            assert_eq!((field.name().as_str(), field.is_nullable()), (column.name, column.nullable));
        }
    }
}

#[test]
fn a_signature_states_name_types_and_nulls() {
    assert_eq!(table("dim_region").unwrap().signature(), "dim_region(region_key key, region_name text)");
    assert_eq!(
        table("rfm_validation").unwrap().signature(),
        "rfm_validation(check text, value num?, threshold num?, passed bool?)"
    );
    assert_eq!(TABLES.iter().map(|t| t.signature()).collect::<BTreeSet<_>>().len(), TABLES.len());
}
