//! Value to come, baskets and risk.

use super::{MONEY, Measure, SHARE, WHOLE, measure, of_buyers, of_customers};

/// A column of the backtest over the chosen kind of bucket, over all customers unless said otherwise: each customer is in one
/// bucket of every kind.
macro_rules! backtest {
    ($column:literal) => {
        concat!(
            "VAR Kind = IF(ISFILTERED(clv_backtest[bucket_kind]), SELECTEDVALUE(clv_backtest[bucket_kind]), \"total\")
RETURN
    CALCULATE(SUM(clv_backtest[",
            $column,
            "]), KEEPFILTERS(clv_backtest[bucket_kind] = Kind))"
        )
    };
}

pub(super) const VALUE: &[Measure] = &[
    measure(
        "CLV 12 months",
        MONEY,
        "Expected revenue of the next twelve months times the margin, discounted.",
        of_buyers!("SUM(customer_clv[clv_12m])"),
    ),
    measure(
        "CLV per customer",
        MONEY,
        "The same per customer for whom it could be told.",
        concat!("DIVIDE([CLV 12 months], ", of_buyers!("COUNT(customer_clv[clv_12m])"), ")"),
    ),
    measure(
        "Expected purchases",
        "#,##0.0",
        "Purchases expected in 365 days.",
        of_buyers!("SUM(customer_clv[expected_purchases_365d])"),
    ),
    measure(
        "Probability alive",
        SHARE,
        "Mean chance that a customer is still active.",
        of_buyers!("AVERAGE(customer_clv[probability_alive])"),
    ),
    measure(
        "Value at risk",
        MONEY,
        "Revenue so far of the customers at risk.",
        of_buyers!("SUM(customer_value[lifetime_value]), KEEPFILTERS(customer_value[is_at_risk] = TRUE())"),
    ),
    measure("Win-back customers", WHOLE, "Customers on the win-back list.", of_buyers!("COUNTROWS(winback_targets)")),
    measure(
        "Win-back value",
        MONEY,
        "Chance that they buy within 30 days times the value of an order, added up.",
        of_buyers!("SUM(winback_targets[expected_recovered_value])"),
    ),
    measure(
        "Predicted purchases",
        "#,##0.0",
        "Purchases the model predicted for the time held out.",
        backtest!("predicted_purchases"),
    ),
    measure("Actual purchases", WHOLE, "Purchases that happened in the time held out.", backtest!("actual_purchases")),
];

pub(super) const BASKET: &[Measure] = &[
    measure("Rules", WHOLE, "Basket rules. Of the whole company.", "COUNTROWS(basket_rules)"),
    measure(
        "Rule lift",
        "#,##0.00",
        "How much more often the products are bought together than by chance; the mean of the rules chosen.",
        "AVERAGE(basket_rules[lift])",
    ),
    measure(
        "Rule confidence",
        SHARE,
        "Share of the orders with the first that also hold the second; the mean of the rules chosen.",
        "AVERAGE(basket_rules[confidence])",
    ),
    measure(
        "Rule support",
        "0.00%",
        "Share of all orders that hold both; the mean of the rules chosen.",
        "AVERAGE(basket_rules[support])",
    ),
];

pub(super) const RISK: &[Measure] = &[
    measure(
        "High-risk customers",
        WHOLE,
        "Customers whose late payments or tickets reach a limit of the pipeline.",
        of_customers!("CALCULATE(COUNTROWS(customer_risk), KEEPFILTERS(customer_risk[is_high_risk] = TRUE()))"),
    ),
    measure("Average risk score", "0.0", "Mean risk in points, 0 to 100.", of_customers!("AVERAGE(customer_risk[risk_score])")),
    measure(
        "Late payments",
        WHOLE,
        "Payments paid late or overdue, by the day they were due.",
        of_customers!("CALCULATE(COUNTROWS(fact_payments), KEEPFILTERS(fact_payments[is_late] = TRUE()))"),
    ),
    measure("Tickets", WHOLE, "Support tickets, by the day they were opened.", of_customers!("COUNTROWS(fact_tickets)")),
];
