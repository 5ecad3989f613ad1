-- The figure each measure must show, by the name in the comment above it. NULL is what DAX calls blank.

-- Revenue
SELECT sum(net_amount) FROM sales;
-- Gross revenue
SELECT sum(gross_amount) FROM sales;
-- Returned amount
SELECT -sum(net_amount) FROM sales WHERE is_return;
-- Return rate
SELECT -sum(net_amount) FILTER (is_return) / nullif(sum(net_amount) FILTER (NOT is_return), 0) FROM sales;
-- Orders
SELECT CASE WHEN (SELECT count(*) FROM sales) > 0 THEN count(*) END FROM purchases;
-- Units
SELECT sum(quantity) FROM sales;
-- Average order value
SELECT sum(net_amount)::DOUBLE / nullif((SELECT count(*) FROM purchases), 0) FROM sales;
-- Units per order
SELECT sum(quantity)::DOUBLE / nullif((SELECT count(*) FROM purchases), 0) FROM sales;
-- Revenue last 30 days
SELECT sum(s.net_amount) FROM sales_of_any_day AS s, span WHERE s.date BETWEEN span.as_of - 29 AND span.as_of;
-- Revenue year to date
SELECT sum(s.net_amount)
FROM sales_of_any_day AS s, span
WHERE s.date BETWEEN make_date(year(span.end_day), 1, 1) AND span.end_day AND span.first_day <= span.as_of;
-- Revenue same period last year
SELECT before FROM like_for_like;
-- Revenue growth
SELECT (coalesce(now, 0) - before)::DOUBLE / before FROM like_for_like;
-- Revenue share
SELECT
    sum(s.net_amount)::DOUBLE
    / (SELECT sum(f.net_amount) FROM fact_sales AS f
       WHERE getvariable('granted') IS NULL OR list_contains(getvariable('granted'), f.region_key))
FROM sales AS s;
-- Customers
SELECT nullif(count(*), 0) FROM people;
-- Active customers
SELECT nullif(count(DISTINCT customer_key), 0) FROM sales WHERE customer_key <> 0 AND NOT is_return;
-- New customers
SELECT nullif(count(*), 0) FROM people, span WHERE people.first_order_on BETWEEN span.first_day AND span.last_day;
-- Returning customers
SELECT nullif(count(DISTINCT sales.customer_key), 0)
FROM sales
JOIN dim_customer AS c ON c.customer_key = sales.customer_key
JOIN span ON c.first_order_on < span.first_day
WHERE sales.customer_key <> 0 AND NOT sales.is_return;
-- Customers at risk
SELECT nullif(count(*), 0) FROM seen_value WHERE is_at_risk;
-- Champions
SELECT nullif(count(*), 0) FROM seen_rfm WHERE segment = 'Champions';
-- Champions share
SELECT nullif(count(*) FILTER (segment = 'Champions'), 0)::DOUBLE / count(*) FROM seen_rfm;
-- Segment customers
SELECT nullif(count(*), 0) FROM seen_rfm;
-- Segment revenue
SELECT sum(monetary) FROM seen_rfm;
-- Moved in
SELECT sum(customers)
FROM segment_migration
WHERE
    from_segment <> to_segment AND to_segment <> 'Gone'
    AND (getvariable('segment') IS NULL OR to_segment = getvariable('segment'));
-- Moved out
SELECT sum(customers)
FROM segment_migration
WHERE
    from_segment <> to_segment AND from_segment <> 'New'
    AND (getvariable('segment') IS NULL OR from_segment = getvariable('segment'));
-- Stayed
SELECT sum(customers)
FROM segment_migration
WHERE from_segment = to_segment AND (getvariable('segment') IS NULL OR to_segment = getvariable('segment'));
-- Retention rate
SELECT sum(active_customers)::DOUBLE / sum(cohort_size) FROM cohorts WHERE is_complete AND period >= 1;
-- Repeat rate
SELECT nullif(count(*) FILTER (orders >= 2), 0)::DOUBLE / count(*) FROM seen_rfm;
-- Cohort customers
SELECT sum(cohort_size) FROM cohorts WHERE period = 0;
-- Cohort revenue per customer
SELECT sum(amount)::DOUBLE / sum(cohort_size) FROM cohort_ends;
-- Average retention
SELECT sum(weighted_retention * customers) / sum(customers)
FROM cohort_average
WHERE cohort_kind = 'first_purchase' AND period >= 1;
-- CLV 12 months
SELECT sum(clv_12m) FROM seen_clv;
-- CLV per customer
SELECT sum(clv_12m)::DOUBLE / nullif(count(clv_12m), 0) FROM seen_clv;
-- Expected purchases
SELECT sum(expected_purchases_365d) FROM seen_clv;
-- Probability alive
SELECT avg(probability_alive) FROM seen_clv;
-- Value at risk
SELECT sum(lifetime_value) FROM seen_value WHERE is_at_risk;
-- Win-back customers
SELECT nullif(count(*), 0) FROM seen_winback;
-- Win-back value
SELECT sum(expected_recovered_value) FROM seen_winback;
-- Predicted purchases
SELECT sum(predicted_purchases) FROM clv_backtest WHERE bucket_kind = 'total';
-- Actual purchases
SELECT sum(actual_purchases) FROM clv_backtest WHERE bucket_kind = 'total';
-- Rules
SELECT nullif(count(*), 0) FROM basket_rules;
-- Rule lift
SELECT avg(lift) FROM basket_rules;
-- Rule confidence
SELECT avg(confidence) FROM basket_rules;
-- Rule support
SELECT avg(support) FROM basket_rules;
-- High-risk customers
SELECT nullif(count(*), 0) FROM seen_risk WHERE is_high_risk;
-- Average risk score
SELECT avg(risk_score) FROM seen_risk;
-- Late payments
SELECT nullif(count(*), 0) FROM fact_payments WHERE is_late AND in_year(due_date_key) AND is_seen(customer_key);
-- Tickets
SELECT nullif(count(*), 0) FROM fact_tickets WHERE in_year(opened_date_key) AND is_seen(customer_key);
-- Snapshot
SELECT getvariable('snapshot');
-- As of
SELECT max(as_of) FROM meta_run;
-- Checks passed
SELECT sum(checks_passed) FROM meta_run;
-- Checks warned
SELECT sum(checks_warned) FROM meta_run;
-- Rows read
SELECT sum(rows_in) FROM meta_run;
-- Rows published
SELECT sum(rows_out) FROM meta_run;
-- Rows rejected
SELECT sum(rows_rejected) FROM meta_reconciliation;
-- Snapshot check
SELECT 'One snapshot';
