-- What each filter lets through, stated apart from the model. The variables regions (a list of keys), year and segment are NULL
-- where they do not filter.

CREATE MACRO in_regions(key) AS getvariable('regions') IS NULL OR list_contains(getvariable('regions'), key);

CREATE MACRO in_segment(key) AS
    getvariable('segment') IS NULL
    OR key IN (SELECT rfm.customer_key FROM customer_rfm AS rfm WHERE rfm.segment = getvariable('segment'));

CREATE MACRO in_year(day_key) AS getvariable('year') IS NULL OR day_key // 10000 = getvariable('year');

CREATE VIEW seen_bridge AS
SELECT customer_key, region_key, orders
FROM customer_region
WHERE in_regions(region_key) AND in_segment(customer_key);

-- Never-buyers are in no region: they are seen only where neither a region nor a segment is chosen.
CREATE MACRO is_seen(key) AS
    (getvariable('regions') IS NULL AND getvariable('segment') IS NULL) OR key IN (SELECT b.customer_key FROM seen_bridge AS b);

CREATE VIEW span AS
SELECT
    min(date) AS first_day,
    max(date) AS last_day,
    (SELECT run.as_of FROM meta_run AS run) AS as_of,
    least(max(date), (SELECT run.as_of FROM meta_run AS run)) AS end_day,
    greatest(min(date), make_date(year(least(max(date), (SELECT run.as_of FROM meta_run AS run))), 1, 1)) AS start_day
FROM dim_date
WHERE in_year(date_key);

CREATE VIEW sales_of_any_day AS
SELECT s.order_id, s.customer_key, s.quantity, s.gross_amount, s.net_amount, s.is_return, s.date_key, d.date
FROM fact_sales AS s
JOIN dim_date AS d ON d.date_key = s.date_key
WHERE in_regions(s.region_key) AND in_segment(s.customer_key);

CREATE VIEW sales AS
SELECT order_id, customer_key, quantity, gross_amount, net_amount, is_return, date
FROM sales_of_any_day
WHERE in_year(date_key);

CREATE VIEW purchases AS
SELECT order_id
FROM sales
GROUP BY order_id
HAVING sum(quantity) > 0 AND sum(net_amount) >= 0;

CREATE VIEW like_for_like AS
SELECT
    (SELECT sum(s.net_amount) FROM sales AS s WHERE s.date BETWEEN span.start_day AND span.end_day) AS now,
    (SELECT sum(s.net_amount) FROM sales_of_any_day AS s
     WHERE s.date BETWEEN span.start_day - INTERVAL 1 YEAR AND span.end_day - INTERVAL 1 YEAR) AS before
FROM span;

CREATE VIEW people AS
SELECT c.customer_key, c.first_order_on
FROM dim_customer AS c
WHERE c.customer_key IN (SELECT b.customer_key FROM seen_bridge AS b WHERE b.orders > 0);

CREATE VIEW seen_rfm AS
SELECT customer_key, segment, monetary, orders FROM customer_rfm WHERE is_seen(customer_key);

CREATE VIEW seen_value AS
SELECT customer_key, lifetime_value, is_at_risk FROM customer_value WHERE is_seen(customer_key);

CREATE VIEW seen_clv AS
SELECT clv_12m, expected_purchases_365d, probability_alive FROM customer_clv WHERE is_seen(customer_key);

CREATE VIEW seen_winback AS
SELECT expected_recovered_value FROM winback_targets WHERE is_seen(customer_key);

CREATE VIEW seen_risk AS
SELECT is_high_risk, risk_score FROM customer_risk WHERE is_seen(customer_key);

CREATE VIEW cohorts AS
SELECT cohort_start, period, cohort_size, active_customers, net_amount, cumulative_revenue_per_customer, is_complete
FROM cohort_retention
WHERE cohort_kind = 'first_purchase';

CREATE VIEW cohort_ends AS
SELECT cohort_size, cumulative_revenue_per_customer * cohort_size AS amount
FROM cohorts
QUALIFY row_number() OVER (PARTITION BY cohort_start ORDER BY period DESC) = 1;
