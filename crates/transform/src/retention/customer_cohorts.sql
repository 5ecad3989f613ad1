-- The cohorts of each customer: the month of the first purchase, and that of the signup where the source gives one.
WITH starts AS (
    SELECT 'first_purchase' AS cohort_kind, customer_key, first_order_on AS started_on, first_order_on, last_order_on
    FROM dim_customer
    WHERE customer_key <> 0 AND first_order_on IS NOT NULL
    UNION ALL
    SELECT 'signup' AS cohort_kind, customer_key, signup_on AS started_on, first_order_on, last_order_on
    FROM dim_customer
    WHERE customer_key <> 0 AND signup_on <= CAST($as_of AS DATE)
)
SELECT
    cohort_kind,
    customer_key,
    CAST(date_part('year', started_on) * 12 + date_part('month', started_on) - 1 AS INT) AS cohort_month,
    started_on,
    first_order_on,
    last_order_on,
    CAST(date_part('year', first_order_on) * 12 + date_part('month', first_order_on) - 1 AS INT) AS first_month,
    CAST(date_part('year', last_order_on) * 12 + date_part('month', last_order_on) - 1 AS INT) AS last_month
FROM starts
ORDER BY cohort_kind, customer_key
