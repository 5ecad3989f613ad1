//! Sales of days past that come later, in a source that is read whole: a run takes them, and says so where they change what was
//! closed.

use std::collections::BTreeMap;

use super::HEADER;
use crate::support::{Ran, Workspace, contents, ten_thousandths};

/// Cohorts are built, and little else.
const MARTS: &str = "transform: {skip: [customer_rfm, customer_value, customer_clv, basket_rules, customer_risk]}\n";

/// An order of one line.
struct Sale {
    order: String,
    day: String,
    customer: String,
    cents: u32,
}

fn sale(order: &str, day: &str, customer: &str, cents: u32) -> Sale {
    Sale { order: order.to_owned(), day: day.to_owned(), customer: customer.to_owned(), cents }
}

/// Sixty customers who came in January, and one of them again in March.
fn on_time() -> Vec<Sale> {
    let first = |n: u32| sale(&format!("A{n}"), &format!("2024-01-{:02}", n % 20 + 6), &format!("C{n}"), n * 100 + 25);
    (0..60).map(first).chain([sale("B1", "2024-03-01", "C0", 700)]).collect()
}

/// Three customers whom nobody knew of in January, and an earlier order of one who was known.
fn late() -> Vec<Sale> {
    let unknown = [("L1", "D1", 300), ("L2", "D2", 350), ("L3", "D3", 600)];
    let unknown = unknown.map(|(order, customer, cents)| sale(order, "2024-01-05", customer, cents));
    unknown.into_iter().chain([sale("L4", "2024-01-03", "C5", 10_000)]).collect()
}

fn run(space: &Workspace, sales: &[Sale], guards: &str) -> Ran {
    let line = |sale: &Sale| {
        let Sale { order, day, customer, cents } = sale;
        format!("{order},{day},{customer},P1,1,{}.{:02}\n", cents / 100, cents % 100)
    };
    space.write("data/orders.csv", HEADER.to_owned() + &sales.iter().map(line).collect::<String>());
    let pipeline = crate::sources::pipeline("{type: files, url: data}", "path: orders.csv");
    space.write("shop.yaml", pipeline + MARTS + guards);
    space.run(&["run", "shop.yaml", "--quiet", "--output", "json"])
}

/// Revenue a day and first-time customers a month, added up here, are what is published.
fn assert_added_up(space: &Workspace, sales: &[Sale]) {
    let (mut revenue, mut first) = (BTreeMap::new(), BTreeMap::new());
    for Sale { day, customer, cents, .. } in sales {
        *revenue.entry(day.replace('-', "")).or_insert(0) += i128::from(*cents) * 100;
        let known = first.entry(customer).or_insert(day);
        *known = (*known).min(day);
    }
    let facts = space.table("out", "fact_sales");
    let mut published = BTreeMap::new();
    for (day, amount) in facts.column("date_key").into_iter().zip(facts.column("net_amount")) {
        *published.entry(day).or_insert(0) += ten_thousandths(&amount);
    }
    assert_eq!(published, revenue);
    let mut cohorts: BTreeMap<String, u32> = BTreeMap::new();
    for day in first.into_values() {
        *cohorts.entry(format!("{}01", &day[..8])).or_insert(0) += 1;
    }
    let cohorts: BTreeMap<String, String> = cohorts.into_iter().map(|(month, size)| (month, size.to_string())).collect();
    let retention = space.table("out", "cohort_retention").only("cohort_kind", "first_purchase").only("period", "0");
    assert_eq!(retention.map("cohort_start", "cohort_size"), cohorts);
}

#[test]
fn sales_of_days_past_are_taken_and_told_where_they_change_what_was_closed() {
    let space = Workspace::new();
    let mut sales = on_time();
    run(&space, &sales, "").ok();
    assert_added_up(&space, &sales);
    let before = contents(&space.path("out"));

    sales.extend(late());
    sales.push(sale("B2", "2024-03-20", "C1", 900));
    let changed = "1 closed cohorts changed by 3 of 60 customers since the snapshot before";
    let refused = run(&space, &sales, "guards: {closed_cohorts: {severity: fail}}\n");
    assert_eq!(refused.code, 3, "{}{}", refused.stdout, refused.stderr);
    for words in [changed, "the past changed"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    assert!(before == contents(&space.path("out")), "readers see something else");
    assert_added_up(&space, &on_time());

    // By itself the guard warns, and to have grown breaks no contract.
    let told = run(&space, &sales, "").ok().json();
    assert_eq!(told["source_changes"].as_array().unwrap().len(), 0, "{told}");
    let warned = told["warned"].as_array().unwrap();
    let guard = warned.iter().find(|check| check["check"] == "guard_closed_cohorts").unwrap_or_else(|| panic!("{told}"));
    assert_eq!(guard["measured"], changed);
    assert_added_up(&space, &sales);

    // One alone, without any sale that is newer: the day of the tables is the same, and it is taken all the same.
    sales.push(sale("L5", "2024-01-07", "C6", 4_200));
    run(&space, &sales, "").ok();
    assert_added_up(&space, &sales);
}
