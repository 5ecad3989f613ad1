//! Cohorts, monthly retention and survival: against reference files, and again by plain loops over the published facts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};

use crate::rfm::{cdnow, golden, transactions};
use crate::support::{Workspace, ten_thousandths};

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// To the digits the reference prints.
fn same(found: &str, expected: &str, digits: i32) -> bool {
    (number(found) - number(expected)).abs() <= 0.5 * 10_f64.powi(-digits) + 1e-12
}

#[test]
fn cdnow_cohorts_equal_the_reference_cell_for_cell() {
    let space = cdnow(&transactions());
    let cells = space.table("out", "cohort_retention").only("cohort_kind", "first_purchase").named();
    let reference = golden("cdnow/cohort_monthly.csv");
    assert_eq!(cells.len(), reference.len());
    for (ours, theirs) in cells.iter().zip(&reference) {
        let place = format!("cohort {}, period {}", theirs["cohort"], theirs["period"]);
        assert_eq!((&ours["cohort_start"][..7], &ours["period"]), (theirs["cohort"].as_str(), &theirs["period"]));
        assert_eq!((&ours["cohort_size"], &ours["active_customers"]), (&theirs["cohort_size"], &theirs["active"]), "{place}");
        for (name, column) in [
            ("retention_rate", "retention_on"),
            ("retention_on_or_after", "retention_on_or_after"),
            ("revenue_retention", "revenue_retention"),
        ] {
            assert!(same(&ours[name], &theirs[column], 8), "{name} of {place}: {} for {}", ours[name], theirs[column]);
        }
        assert!(same(&ours["net_amount"], &theirs["revenue"], 4), "revenue of {place}");
        assert!(same(&ours["cumulative_revenue_per_customer"], &theirs["cum_rev_per_customer"], 4), "{place}");
        assert_eq!(ours["is_complete"], theirs["is_complete"].to_lowercase(), "{place}");
    }
}

#[test]
fn cdnow_survival_equals_the_reference() {
    let space = cdnow(&transactions());
    let curve = space.table("out", "second_purchase_survival").named();
    let reference = golden("cdnow/km_second_purchase.csv");
    assert_eq!(curve.len(), reference.len());
    for (ours, theirs) in curve.iter().zip(&reference) {
        let counts = ["day", "at_risk", "events"].map(|n| ours[n].clone());
        assert_eq!(counts, ["t", "at_risk", "events"].map(|n| theirs[n].clone()));
        assert!(same(&ours["survival"], &theirs["S"], 10), "day {}", ours["day"]);
        assert!(same(&ours["standard_error"], &theirs["se"], 10), "day {}", ours["day"]);
    }
    let at = |day: &str| number(&curve.iter().find(|p| p["day"] == day).unwrap()["survival"]);
    assert!((at("30") - 0.826_050_06).abs() < 5e-9 && (at("365") - 0.544_336_02).abs() < 5e-9);
}

/// What each customer did in each month, from the published order lines.
struct Shop {
    /// Orders (those that are purchases) and revenue by customer and month number.
    months: BTreeMap<String, BTreeMap<i32, (BTreeSet<String>, i128)>>,
    as_of: NaiveDate,
}

fn month(day: NaiveDate) -> i32 {
    day.year() * 12 + i32::try_from(day.month0()).unwrap()
}

fn first_of(month: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(month.div_euclid(12), u32::try_from(month.rem_euclid(12)).unwrap() + 1, 1).unwrap()
}

impl Shop {
    fn read(space: &Workspace, to: &str) -> Self {
        let lines = space.table(to, "fact_sales").named();
        let mut orders: BTreeMap<(String, String), (i128, i128)> = BTreeMap::new();
        for line in &lines {
            let order = orders.entry((line["order_id"].clone(), line["customer_key"].clone())).or_default();
            order.0 += ten_thousandths(&line["quantity"]);
            order.1 += ten_thousandths(&line["net_amount"]);
        }
        let mut months: BTreeMap<String, BTreeMap<i32, (BTreeSet<String>, i128)>> = BTreeMap::new();
        for line in lines.iter().filter(|l| l["customer_key"] != "0") {
            let day: NaiveDate = line["ordered_at"][..10].parse().unwrap();
            let cell = months.entry(line["customer_key"].clone()).or_default().entry(month(day)).or_default();
            let (quantity, amount) = orders[&(line["order_id"].clone(), line["customer_key"].clone())];
            if quantity > 0 && amount >= 0 {
                cell.0.insert(line["order_id"].clone());
            }
            cell.1 += ten_thousandths(&line["net_amount"]);
        }
        months.retain(|_, months| months.values().any(|(orders, _)| !orders.is_empty()));
        Self { months, as_of: space.table(to, "meta_run").column("as_of")[0].parse().unwrap() }
    }

    fn active(&self, customer: &str, month: i32) -> bool {
        self.months[customer].get(&month).is_some_and(|(orders, _)| !orders.is_empty())
    }

    fn first(&self, customer: &str) -> i32 {
        *self.months[customer].iter().find(|(_, (orders, _))| !orders.is_empty()).unwrap().0
    }
}

fn commerce() -> Workspace {
    let space = Workspace::new();
    space.link("data");
    space.link("pipelines");
    space.run(&["run", "pipelines/commerce.yaml", "--quiet"]).ok();
    space
}

#[test]
fn months_by_plain_loops() {
    let space = commerce();
    let shop = Shop::read(&space, "out/commerce");
    let rows = space.table("out/commerce", "retention_monthly").named();
    let first = shop.months.keys().map(|c| shop.first(c)).min().unwrap();
    assert_eq!(rows.len(), usize::try_from(month(shop.as_of) - first + 1).unwrap());
    for (row, month) in rows.iter().zip(first..) {
        assert_eq!(row["month_start"], first_of(month).to_string());
        let count = |wanted: &dyn Fn(&str) -> bool| shop.months.keys().filter(|c| wanted(c)).count();
        let active = count(&|c| shop.active(c, month));
        let new = count(&|c| shop.first(c) == month);
        let retained = count(&|c| shop.active(c, month) && shop.active(c, month - 1));
        let lost = count(&|c| !shop.active(c, month) && shop.active(c, month - 1));
        let counted = [active, new, retained, active - new - retained, lost].map(|n| n.to_string());
        assert_eq!(
            ["active", "new", "retained", "reactivated", "lost"].map(|n| row[n].clone()),
            counted,
            "{}",
            row["month_start"]
        );
        let so_far = |least: usize| {
            count(&|c| shop.months[c].range(..=month).map(|(_, (orders, _))| orders.len()).sum::<usize>() >= least)
        };
        let repeat = so_far(2) as f64 / so_far(1) as f64;
        assert!((number(&row["repeat_purchase_rate"]) - repeat).abs() < 1e-12, "{}", row["month_start"]);
        let (mut then, mut now) = (0_i128, 0_i128);
        for customer in shop.months.keys().filter(|c| shop.active(c, month - 12)) {
            then += shop.months[customer][&(month - 12)].1;
            now += shop.months[customer].get(&month).map_or(0, |(_, amount)| *amount);
        }
        if then > 0 {
            assert!((number(&row["net_revenue_retention_12m"]) - now as f64 / then as f64).abs() < 1e-12);
        } else {
            assert_eq!(row["net_revenue_retention_12m"], "");
        }
    }
}

#[test]
fn signup_cohorts_by_plain_loops() {
    let space = commerce();
    let shop = Shop::read(&space, "out/commerce");
    let signups = space.table("out/commerce", "dim_customer").map("customer_key", "signup_on");
    let mut cohorts: BTreeMap<i32, Vec<&String>> = BTreeMap::new();
    for (customer, day) in signups.iter().filter(|(key, day)| *key != "0" && !day.is_empty()) {
        let day: NaiveDate = day.parse().unwrap();
        if day <= shop.as_of {
            cohorts.entry(month(day)).or_default().push(customer);
        }
    }
    let cells = space.table("out/commerce", "cohort_retention").only("cohort_kind", "signup").named();
    assert_eq!(cells.len(), cohorts.keys().map(|m| usize::try_from(month(shop.as_of) - m + 1).unwrap()).sum::<usize>());
    for cell in cells {
        let start = month(cell["cohort_start"].parse().unwrap());
        let period: i32 = cell["period"].parse().unwrap();
        let members = &cohorts[&start];
        // What was bought before the signup counts in its month.
        let months = |customer: &String| -> Vec<(bool, i128)> {
            let all = shop.months.get(customer).into_iter().flatten();
            let wanted = all.filter(|(m, _)| if period == 0 { **m <= start } else { **m == start + period });
            wanted.map(|(_, (orders, amount))| (!orders.is_empty(), *amount)).collect()
        };
        let active = members.iter().filter(|c| months(c).iter().any(|(bought, _)| *bought)).count();
        let amount: i128 = members.iter().flat_map(|c| months(c)).map(|(_, amount)| amount).sum();
        let place = format!("{} {period}", cell["cohort_start"]);
        assert_eq!(
            (cell["cohort_size"].clone(), cell["active_customers"].clone()),
            (members.len().to_string(), active.to_string()),
            "{place}"
        );
        assert_eq!(ten_thousandths(&cell["net_amount"]), amount, "{place}");
    }
}

/// Whoever signed up before anything was sold is followed from the first month that is known.
#[test]
fn a_signup_before_the_first_sale_has_a_cohort() {
    let space = Workspace::new();
    let sales = "order,day,customer,product,pieces,price\n1,2015-01-05,old,tea,1,10\n2,2015-02-07,old,tea,1,5\n3,2015-02-09,new,tea,1,7\n";
    space.write("drop/sales.csv", sales);
    space.write("drop/people.csv", "id,since\nold,2001-05-20\nnew,2015-02-01\nnobody,2001-05-31\n");
    // The calendar begins with what was asked in 2013, the cohorts do not.
    space.write("drop/asked.csv", "ticket,customer,on\n1,old,2013-03-04\n");
    space.write(
        "shop.yaml",
        "version: 1\nname: shop\nas_of: 2015-03-31\nconnections: {shop: {type: files, url: drop}}\nextract:\n  \
         sales: {from: shop, path: sales.csv, columns: {order_id: order, ordered_at: day, customer_id: customer, \
         product_id: product, quantity: pieces, unit_price: price}}\n  \
         customers: {from: shop, path: people.csv, columns: {customer_id: id, signup_on: since}}\n  \
         tickets: {from: shop, path: asked.csv, columns: {ticket_id: ticket, customer_id: customer, opened_at: on}}\n\
         publish: {to: out}\n",
    );
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let cells = space.table("out", "cohort_retention").only("cohort_kind", "signup");
    // 13 years and 8 months from May 2001 to January 2015.
    assert_eq!(cells.column("cohort_start"), ["2001-05-01", "2001-05-01", "2001-05-01", "2015-02-01", "2015-02-01"]);
    assert_eq!(cells.column("period"), ["164", "165", "166", "0", "1"]);
    assert_eq!(cells.column("cohort_size"), ["2", "2", "2", "1", "1"]);
    assert_eq!(cells.column("active_customers"), ["1", "1", "0", "1", "0"]);
    assert_eq!(cells.column("retention_on_or_after"), ["0.5", "0.5", "0.0", "1.0", "0.0"]);
    assert_eq!(cells.column("cumulative_revenue_per_customer"), ["5.0000", "7.5000", "7.5000", "7.0000", "7.0000"]);
    let averages = space.table("out", "cohort_average").only("cohort_kind", "signup");
    assert_eq!(averages.column("period"), ["0", "1", "164", "165", "166"]);
    let shown = space.run(&["show", "cohort_retention", "--pivot"]).ok().stdout;
    assert!(shown.contains(" 164 ") && !shown.contains(" 163 "), "{shown}");
}

/// The running month is there and marked, and no average knows it.
#[test]
fn what_is_not_over_is_in_no_average() {
    let space = Workspace::new();
    space.write("drop/transactions.csv", transactions());
    space.write("cdnow.yaml", crate::rfm::CDNOW);
    space.run(&["run", "cdnow.yaml", "--quiet", "--as-of", "1998-03-15"]).ok();
    let cells = space.table("out", "cohort_retention").only("cohort_kind", "first_purchase").named();
    let running: Vec<_> = cells.iter().filter(|c| c["is_complete"] == "false").collect();
    assert_eq!(running.len(), 3, "one a cohort: March 1998");
    for average in space.table("out", "cohort_average").only("cohort_kind", "first_purchase").named() {
        let complete: Vec<_> = cells.iter().filter(|c| c["period"] == average["period"] && c["is_complete"] == "true").collect();
        let sum = |name: &str| complete.iter().map(|c| number(&c[name])).sum::<f64>();
        assert_eq!(average["cohorts"], complete.len().to_string());
        assert!((number(&average["weighted_retention"]) - sum("active_customers") / sum("cohort_size")).abs() < 1e-12);
        assert!((number(&average["unweighted_retention"]) - sum("retention_rate") / complete.len() as f64).abs() < 1e-12);
    }
}

#[test]
fn cohorts_of_first_purchases_add_up() {
    let space = cdnow(&transactions());
    let cohorts = space.table("out", "cohort_first_purchase").only("cohort_kind", "first_purchase");
    let (months, years) = (cohorts.only("cohort_grain", "month"), cohorts.only("cohort_grain", "year"));
    assert_eq!(months.column("new_customers"), ["781", "857", "719"]);
    assert_eq!(years.column("new_customers"), ["2357"]);
    assert_eq!(months.sum("first_purchase_revenue"), years.sum("first_purchase_revenue"));
    // First days again, from the source.
    let mut first: BTreeMap<String, (String, i128)> = BTreeMap::new();
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    for line in transactions().lines().skip(1) {
        let [id, day, _, amount] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
        let entry = first.entry(id.to_owned()).or_insert_with(|| (day.to_owned(), 0));
        if entry.0 == day {
            entry.1 += ten_thousandths(amount);
        }
        last.insert(id.to_owned(), day.to_owned());
    }
    assert_eq!(years.sum("first_purchase_revenue"), first.values().map(|(_, amount)| amount).sum::<i128>());
    let churned = last.values().filter(|day| day.as_str() < "1997-12-30").count();
    assert_eq!(years.column("churned_customers"), [churned.to_string()]);
    assert!((number(&years.column("churned_rate")[0]) - churned as f64 / 2357.0).abs() < 1e-12);
}
