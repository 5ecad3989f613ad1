use std::collections::{HashMap, HashSet};

use crate::made::{Made, csv, make};

fn baskets(made: &Made) -> Vec<HashSet<i64>> {
    let lines = made.table("order_lines");
    let mut baskets: HashMap<i64, HashSet<i64>> = HashMap::new();
    for (order, product) in lines.numbers("order_id").into_iter().zip(lines.numbers("product_id")) {
        baskets.entry(order).or_default().insert(product);
    }
    baskets.into_values().collect()
}

fn orders_by_customer(made: &Made) -> HashMap<i64, HashSet<i64>> {
    let lines = made.table("order_lines");
    let mut orders: HashMap<i64, HashSet<i64>> = HashMap::new();
    for (customer, order) in lines.numbers("customer_id").into_iter().zip(lines.numbers("order_id")) {
        orders.entry(customer).or_default().insert(order);
    }
    orders
}

#[expect(clippy::cast_precision_loss, reason = "counts of a small shop")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[test]
fn planted_pairs_are_bought_together() {
    let made = make(csv(20_000, 21, 0.0));
    let baskets = baskets(&made);
    let with = |products: &[i64]| {
        share(baskets.iter().filter(|basket| products.iter().all(|id| basket.contains(id))).count(), baskets.len())
    };
    for pair in made.summary.affinities.iter().take(5) {
        let (a, b) = (i64::try_from(pair.product_id).unwrap(), i64::try_from(pair.partner_id).unwrap());
        let lift = with(&[a, b]) / (with(&[a]) * with(&[b]));
        assert!(lift > 3.0, "{a} with {b} has a lift of {lift}");
    }
}

#[test]
fn some_products_sell_far_more_than_others() {
    let made = make(csv(20_000, 21, 0.0));
    let mut sold: HashMap<i64, usize> = HashMap::new();
    for product in made.table("order_lines").numbers("product_id") {
        *sold.entry(product).or_default() += 1;
    }
    let mut sold: Vec<usize> = sold.into_values().collect();
    sold.sort_unstable_by(|one, other| other.cmp(one));
    let top = share(sold.iter().take(sold.len() / 5).sum(), 20_000);
    assert!((0.4..0.9).contains(&top), "the upper fifth of the products has {top} of the lines");
}

#[test]
fn customers_come_back_and_leave() {
    let made = make(csv(20_000, 21, 0.0));
    let orders = orders_by_customer(&made);
    let repeat = share(orders.values().filter(|orders| orders.len() > 1).count(), orders.len());
    assert!((0.5..0.9).contains(&repeat), "{repeat} of the buyers came back");
    assert!(orders.values().any(|orders| orders.len() > 15));
    let prospects = made.table("customers").rows.len() - orders.len();
    assert!(prospects > 0, "some customers never bought");
    let lines_per_order = share(20_000, baskets(&made).len());
    assert!((4.0..6.0).contains(&lines_per_order), "an order has {lines_per_order} lines");
}

#[test]
fn payments_are_mostly_on_time() {
    let made = make(csv(20_000, 21, 0.0));
    let payments = made.table("payments");
    let orders: HashSet<i64> = made.table("order_lines").numbers("order_id").into_iter().collect();
    let on_account = share(payments.rows.len(), orders.len());
    assert!((0.15..0.25).contains(&on_account), "{on_account} of the orders are on account");
    let (due, paid, status) = (payments.column("due_date"), payments.column("paid_date"), payments.column("status"));
    let late = due.iter().zip(&paid).filter(|(due, paid)| paid > due).count();
    let late = share(late, payments.rows.len());
    assert!((0.05..0.2).contains(&late), "{late} of the payments came late");
    for ((due, paid), status) in due.iter().zip(&paid).zip(&status) {
        let right = match (paid.as_str(), due.as_str() <= "2025-12-30") {
            ("", true) => "overdue",
            ("", false) => "open",
            _ => "paid",
        };
        assert_eq!(status, right);
    }
    assert!(["paid", "overdue", "open"].iter().all(|one| status.iter().any(|status| status == one)));
}

#[test]
fn tickets_follow_about_one_order_in_fifty() {
    let made = make(csv(20_000, 21, 0.0));
    let share = share(made.table("tickets").rows.len(), baskets(&made).len());
    assert!((0.01..0.03).contains(&share), "{share} tickets an order");
}
