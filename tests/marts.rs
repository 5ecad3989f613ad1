//! The marts together: shops at the edge of having any, marts left out, and a run after a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{Datelike, Days, NaiveDate};

use crate::rfm::{CDNOW, transactions};
use crate::support::{Rows, Workspace, contents, ten_thousandths};

const SHOP: &str = "
version: 1
name: edge
as_of: 2024-12-31
connections: {drop: {type: files, url: drop}}
extract:
  sales:
    from: drop
    path: lines.csv
    columns: {order_id: order, customer_id: \"nullif(customer, '')\", product_id: product, ordered_at: day, quantity: pieces, unit_price: price}
";

/// Runs a shop of these order lines: order, customer, product, day, pieces, price.
fn shop(lines: &str, more: &str) -> Workspace {
    let space = Workspace::new();
    space.write("drop/lines.csv", format!("order,customer,product,day,pieces,price\n{lines}"));
    space.write(
        "drop/tickets.csv",
        "ticket_id,customer_id,opened_at\nt1,nobody,2024-12-20T10:00:00\nt2,nobody,2024-12-21T10:00:00\n",
    );
    space.write("edge.yaml", format!("{SHOP}{more}publish: {{to: out}}\n"));
    let ran = space.run(&["run", "edge.yaml", "--quiet"]).ok();
    assert!(ran.stdout.contains("Published"), "{}", ran.stdout);
    space
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "{}", line(n));
        text
    })
}

fn rows(space: &Workspace, table: &str) -> usize {
    space.table("out", table).rows.len()
}

#[test]
fn one_customer_and_one_order() {
    let space = shop("o1,c1,p1,2024-12-01,1,10\n", "");
    assert_eq!(space.table("out", "customer_value").column("value_tier"), ["VIP"]);
    assert_eq!(space.table("out", "customer_clv").column("status"), ["no_repeats"]);
    assert_eq!(space.table("out", "customer_clv").column("clv_12m"), [""]);
    assert_eq!(space.table("out", "value_concentration").only("group", "all").column("gini"), ["0.0"]);
    assert_eq!(space.table("out", "basket_run").column("baskets"), ["1"]);
    assert_eq!((rows(&space, "product_recommendations"), rows(&space, "next_best_product")), (0, 0));
}

#[test]
fn nobody_comes_back() {
    let space = shop(&lines(300, |n| format!("o{n},c{n},p{},2024-{:02}-01,1,10", n % 7, n % 12 + 1)), "");
    assert_eq!(space.table("out", "clv_model").only("model", "BG/NBD").column("status"), ["no_repeats"]);
    assert_eq!(space.table("out", "retention_monthly").column("retained").iter().filter(|n| *n != "0").count(), 0);
    assert_eq!(space.table("out", "second_purchase_survival").column("survival").last().unwrap(), "1.0");
}

/// The mean of 1.0000 and 1.0001 is 1.00005, and the float nearest to that lies below it.
#[test]
fn the_mean_of_repeat_purchases_is_rounded_as_money_is() {
    let space = shop("o1,c1,p1,2024-12-01,1,5\no2,c1,p1,2024-12-02,1,1\no3,c1,p1,2024-12-03,1,1.0001\n", "");
    assert_eq!(space.table("out", "customer_clv").column("average_repeat_value"), ["1.0001"]);
}

#[test]
fn all_orders_on_one_day() {
    let space = shop(&lines(200, |n| format!("o{n},c{},p{},2024-12-31,1,{}", n % 50, n % 5, n % 9 + 1)), "");
    assert_eq!(rows(&space, "retention_monthly"), 1);
    assert_eq!(space.table("out", "cohort_retention").column("is_complete"), ["true"]);
    assert!(space.table("out", "customer_rfm").column("score_quality").iter().all(|q| q == "degenerate_r"));
}

#[test]
fn only_returns() {
    let space = shop(&lines(20, |n| format!("o{n},c{n},p1,2024-12-01,-1,10")), "");
    for mart in ["customer_rfm", "customer_value", "customer_clv", "cohort_retention", "winback_targets", "basket_rules"] {
        assert_eq!(rows(&space, mart), 0, "{mart}");
    }
    assert_eq!(space.table("out", "sales_trend").only("period_kind", "month").sum("net_amount"), -2_000_000);
}

#[test]
fn one_product() {
    let space = shop(&lines(60, |n| format!("o{n},c{},p1,2024-{:02}-05,1,10", n % 20, n % 12 + 1)), "");
    assert_eq!(
        (rows(&space, "basket_rules"), rows(&space, "product_recommendations"), rows(&space, "next_best_product")),
        (0, 0, 0)
    );
    assert_eq!(space.table("out", "basket_itemsets").column("orders"), ["60"]);
}

#[test]
fn everybody_is_anonymous() {
    let space = shop(&lines(80, |n| format!("o{},,p{},2024-{:02}-05,1,10", n / 2, n % 3, n % 12 + 1)), "");
    assert_eq!((rows(&space, "customer_rfm"), rows(&space, "customer_clv"), rows(&space, "next_best_product")), (0, 0, 0));
    assert_eq!(space.table("out", "basket_run").column("baskets"), ["40"]);
    assert_eq!(space.table("out", "sales_trend").only("period_kind", "month").sum("net_amount"), 8_000_000);
}

#[test]
fn a_single_huge_basket() {
    let space = shop(&lines(5000, |n| format!("o1,c1,p{n},2024-12-01,1,1")), "");
    let run = space.table("out", "basket_run").named().remove(0);
    assert_eq!((run["baskets"].as_str(), run["excluded_large"].as_str(), run["itemsets"].as_str()), ("0", "1", "0"));
    assert_eq!(rows(&space, "product_recommendations"), 50_000);
}

#[test]
fn no_payments_but_tickets_of_strangers() {
    let without = shop("o1,c1,p1,2024-12-01,1,10\n", "");
    assert_eq!(rows(&without, "customer_risk"), 0);
    let space = shop("o1,c1,p1,2024-12-01,1,10\n", "  tickets: {from: drop, path: tickets.csv}\n");
    let risk = space.table("out", "customer_risk").named();
    let stranger = risk.iter().find(|r| r["tickets_90d"] == "2").unwrap();
    assert_eq!((stranger["late_payment_rate"].as_str(), stranger["is_high_risk"].as_str()), ("", "false"));
    assert_eq!(stranger["risk_reasons"], "2 tickets in 90 days; 2 open");
    assert_eq!(risk.len(), 2, "the stranger is a customer now");
}

/// Orders of two customers, in several regions and on several days, given back in part. Loops over the order lines find where a
/// customer kept something of a purchase, and count every order once in each such region, day, week and month.
#[test]
fn an_order_counts_once_in_every_place_it_lies_in() {
    let first = NaiveDate::from_ymd_opt(2024, 1, 25).unwrap();
    let line = |n: usize| {
        let (order, spread) = (n / 5, n * 7919 % 97);
        let day = first + Days::new((order * 3 % 200 + [0, 0, 1, 8, 31][spread % 5]) as u64);
        let (customer, pieces) = ((order + spread % 2) % 30, [1, 3, -1, 2, -2, 1, -3][n * 31 % 7]);
        format!("o{order},c{customer},p{},{day},{pieces},{},{}", n % 11, spread + 1, ["North", "South", "East"][spread % 3])
    };
    let space = Workspace::new();
    space.write("drop/lines.csv", format!("order,customer,product,day,pieces,price,region\n{}", lines(2000, line)));
    let with_region = SHOP.replace("unit_price: price", "unit_price: price, region: region");
    space.write("edge.yaml", format!("{with_region}publish: {{to: out}}\n"));
    space.run(&["run", "edge.yaml", "--quiet"]).ok();

    let expected = orders_by_place(&space.table("out", "fact_sales"));
    let trend = space.table("out", "sales_trend").named();
    let several = expected.values().filter(|orders| orders.len() > 1).count();
    assert!(several > 50 && trend.iter().any(|row| row["orders"] == "0"), "nothing to tell apart");
    let by_region = space.table("out", "region_performance").named();
    // Those that begin add up to all there are, over regions, days, weeks and months.
    let all: BTreeSet<&String> = expected.values().flatten().collect();
    let begun = |rows: &[BTreeMap<String, String>], kind: Option<&str>| -> usize {
        let rows = rows.iter().filter(|row| kind.is_none_or(|kind| row["period_kind"] == kind));
        rows.map(|row| row["orders_begun"].parse::<usize>().unwrap()).sum()
    };
    assert_eq!(begun(&by_region, None), all.len());
    assert_eq!(["day", "week", "month"].map(|kind| begun(&trend, Some(kind))), [all.len(); 3]);
    let once: usize = by_region.iter().map(|row| row["orders"].parse::<usize>().unwrap()).sum();
    assert!(once > all.len(), "no order lies in two regions");
    let regions = by_region.iter().map(|row| ("ever", "", &row["region_key"], &row["orders"]));
    let periods =
        trend.iter().map(|row| (row["period_kind"].as_str(), row["period_start"].as_str(), &row["region_key"], &row["orders"]));
    for (kind, start, region, orders) in regions.chain(periods) {
        let place = (kind.to_owned(), start.to_owned(), region.clone());
        assert_eq!(*orders, expected.get(&place).map_or(0, BTreeSet::len).to_string(), "{place:?}");
    }
}

/// Orders by kind of period, its first day, and region.
fn orders_by_place(facts: &Rows) -> BTreeMap<(String, String, String), BTreeSet<String>> {
    let (mut bought, mut parts) = (BTreeMap::new(), BTreeMap::new());
    for row in facts.named() {
        let (pieces, amount) = (ten_thousandths(&row["quantity"]), ten_thousandths(&row["net_amount"]));
        let buyer = (row["order_id"].clone(), row["customer_key"].clone());
        for whose in [buyer.clone(), (row["order_id"].clone(), "everybody".to_owned())] {
            let sums = bought.entry(whose).or_insert((0, 0));
            *sums = (sums.0 + pieces, sums.1 + amount);
        }
        let day = NaiveDate::parse_from_str(&row["date_key"], "%Y%m%d").unwrap();
        *parts.entry((buyer, row["region_key"].clone(), day)).or_insert(0) += pieces;
    }
    let mut places: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for ((buyer, region, day), pieces) in parts {
        let is_kept = |(pieces, amount): (i128, i128)| pieces > 0 && amount >= 0;
        if pieces <= 0 || !is_kept(bought[&buyer]) || !is_kept(bought[&(buyer.0.clone(), "everybody".to_owned())]) {
            continue;
        }
        let monday = day - Days::new(day.weekday().num_days_from_monday().into());
        let starts =
            [("day", day), ("week", monday), ("month", day.with_day(1).unwrap())].map(|(kind, day)| (kind, day.to_string()));
        for (kind, start) in starts.into_iter().chain([("ever", String::new())]) {
            places.entry((kind.to_owned(), start, region.clone())).or_default().insert(buyer.0.clone());
        }
    }
    places
}

#[test]
fn marts_can_be_left_out() {
    let all = shop(&lines(300, |n| format!("o{},c{},p{},2024-{:02}-05,1,10", n / 2, n % 40, n % 9, n % 12 + 1)), "");
    let skipped =
        ["customer_rfm", "customer_value", "cohort_retention", "sales_trend", "customer_clv", "clv_model", "clv_backtest"];
    let more = format!("transform: {{skip: [{}]}}\n", skipped.join(", "));
    let some = shop(&lines(300, |n| format!("o{},c{},p{},2024-{:02}-05,1,10", n / 2, n % 40, n % 9, n % 12 + 1)), &more);
    for mart in skipped {
        assert!(rows(&all, mart) > 0, "{mart}");
        assert_eq!(rows(&some, mart), 0, "{mart}");
    }
    for mart in ["product_performance", "retention_monthly", "basket_itemsets", "customer_region"] {
        assert_eq!(all.table("out", mart), some.table("out", mart), "{mart} does not depend on them");
    }
}

/// Segments that are left out make nobody leave, and nobody's offers depend on them.
#[test]
fn nobody_is_gone_where_segments_are_left_out() {
    let space = shop(&lines(300, |n| format!("o{},c{},p{},2024-{:02}-05,1,10", n / 2, n % 40, n % 9, n % 12 + 1)), "");
    let offers = rows(&space, "next_best_product");
    let without = "as_of: 2025-01-31\ntransform: {skip: [customer_rfm]}\npublish: {to: out}\n";
    space.write("edge.yaml", SHOP.replace("as_of: 2024-12-31\n", "") + without);
    space.run(&["run", "edge.yaml", "--quiet"]).ok();
    assert_eq!((rows(&space, "customer_rfm"), rows(&space, "segment_migration")), (0, 0));
    assert!(offers > 0 && rows(&space, "next_best_product") == offers);
    let said = space.run(&["diff", "edge.yaml", "--output", "json"]).json();
    assert_eq!(said["segments"].as_array().map(Vec::len), Some(0), "{}", said["segments"]);
}

/// Parameters as published for this data set, in days; fitted through the whole program.
#[test]
fn cdnow_is_fitted_as_published() {
    let space = Workspace::new();
    space.write("drop/transactions.csv", transactions());
    space.write("cdnow.yaml", CDNOW);
    space.run(&["run", "cdnow.yaml", "--quiet", "--as-of", "1997-09-30"]).ok();
    let model = space.table("out", "clv_model").only("model", "BG/NBD").named().remove(0);
    let expected = [
        ("p1", 0.242_594_52),
        ("p2", 30.895_214_13),
        ("p3", 0.792_922_02),
        ("p4", 2.425_906_78),
        ("log_likelihood", -14_363.530_442_90),
    ];
    for (name, value) in expected {
        let found: f64 = model[name].parse().unwrap();
        assert!(((found - value) / value).abs() < 1e-6, "{name}: {found} is not {value}");
    }
    assert_eq!((model["customers"].as_str(), model["status"].as_str(), model["start_kind"].as_str()), ("2357", "ok", "cold"));
    let customers = space.table("out", "customer_clv");
    let repeats: i64 = customers.column("repeat_purchases").iter().map(|n| n.parse::<i64>().unwrap()).sum();
    assert_eq!((customers.rows.len(), repeats), (2357, 2457));
}

/// Every week some are new on the list: they too have a control group, and nobody changes arm, also not after a time off the list.
#[test]
fn arms_are_spread_alike_over_newcomers_and_stay() {
    let space = Workspace::new();
    space.link("data");
    space.link("pipelines");
    let mut arms: BTreeMap<String, String> = BTreeMap::new();
    let mut late: BTreeMap<String, usize> = BTreeMap::new();
    for day in ["2016-06-30", "2016-12-31", "2017-06-30", "2017-12-30"] {
        space.run(&["run", "pipelines/superstore.yaml", "--quiet", "--as-of", day]).ok();
        let is_first = arms.is_empty();
        for (customer, arm) in space.table("out/superstore", "winback_targets").map("customer_key", "arm") {
            let known = arms.insert(customer, arm.clone());
            assert!(known.as_ref().is_none_or(|known| *known == arm), "an arm was dealt anew");
            if known.is_none() && !is_first {
                *late.entry(arm).or_default() += 1;
            }
        }
    }
    let all: usize = late.values().sum();
    let share = |arm: &str| late.get(arm).copied().unwrap_or(0) as f64 / all as f64;
    // A tenth, and half of the rest each, to within four standard errors.
    for (arm, expected) in [("control", 0.1_f64), ("a", 0.45), ("b", 0.45)] {
        let error = (expected * (1.0 - expected) / all as f64).sqrt();
        assert!((share(arm) - expected).abs() < 4.0 * error, "{late:?}");
    }
}

#[test]
fn a_run_knows_the_one_of_an_earlier_day() {
    let space = Workspace::new();
    space.link("data");
    space.link("pipelines");
    let run = |day: &str| space.run(&["run", "pipelines/commerce.yaml", "--quiet", "--as-of", day]).ok();
    let out = "out/commerce";
    run("2025-09-30");
    let before = space.table(out, "customer_rfm").map("customer_key", "segment");
    let arms_before = space.table(out, "winback_targets").map("customer_key", "arm");
    assert_eq!(space.table(out, "segment_migration").column("from_segment").iter().filter(|s| *s != "New").count(), 0);
    run("2025-12-15");
    let now = space.table(out, "customer_rfm").named();
    let mut moves: BTreeMap<(String, String), usize> = BTreeMap::new();
    for customer in &now {
        let from = before.get(&customer["customer_key"]);
        assert_eq!(customer["previous_segment"], from.cloned().unwrap_or_default());
        *moves.entry((from.cloned().unwrap_or_else(|| "New".to_owned()), customer["segment"].clone())).or_default() += 1;
    }
    let published = space.table(out, "segment_migration").named();
    let published: BTreeMap<_, _> = published
        .iter()
        .map(|m| ((m["from_segment"].clone(), m["to_segment"].clone()), m["customers"].parse::<usize>().unwrap()))
        .collect();
    assert_eq!(published, moves);
    assert!(moves.keys().any(|(from, to)| from != to && from != "New"));
    for (customer, arm) in space.table(out, "winback_targets").map("customer_key", "arm") {
        assert!(arms_before.get(&customer).is_none_or(|before| *before == arm), "an arm was dealt anew");
    }
    assert!(space.table(out, "clv_model").only("model", "MBG/NBD").column("start_kind") == ["warm"]);
    // The same day again reads the same earlier day, and nothing changes.
    let first = contents(&space.path(out).join("current"));
    run("2025-12-15");
    assert!(contents(&space.path(out).join("current")) == first, "a second run of a day changed something");
}
