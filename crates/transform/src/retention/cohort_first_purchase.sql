-- What the first day brought, and whether the customer was seen in the last six months.
WITH members AS (
    SELECT
        c.cohort_kind,
        c.started_on,
        d.purchase_amount AS first_amount,
        CASE WHEN c.last_order_on >= CAST($as_of AS DATE) - INTERVAL '6 months' THEN 1 ELSE 0 END AS is_active,
        CASE WHEN c.last_order_on < CAST($as_of AS DATE) - INTERVAL '6 months' THEN 1 ELSE 0 END AS is_churned,
        -- Who came less than six months ago cannot have been away for six.
        CASE WHEN c.first_order_on < CAST($as_of AS DATE) - INTERVAL '6 months' THEN 1 ELSE 0 END AS could_churn
    FROM customer_cohorts AS c
    LEFT JOIN customer_days AS d ON c.customer_key = d.customer_key AND c.first_order_on = d.ordered_on
),
dated AS (
    SELECT
        cohort_kind,
        'month' AS cohort_grain,
        CAST(date_trunc('month', started_on) AS DATE) AS cohort_start,
        CAST(date_trunc('month', started_on) + INTERVAL '1 month' - INTERVAL '1 day' AS DATE) AS last_day,
        first_amount,
        is_active,
        is_churned,
        could_churn
    FROM members
    UNION ALL
    SELECT
        cohort_kind,
        'year' AS cohort_grain,
        CAST(date_trunc('year', started_on) AS DATE) AS cohort_start,
        CAST(date_trunc('year', started_on) + INTERVAL '1 year' - INTERVAL '1 day' AS DATE) AS last_day,
        first_amount,
        is_active,
        is_churned,
        could_churn
    FROM members
),
summed AS (
    SELECT
        cohort_kind,
        cohort_grain,
        cohort_start,
        last_day,
        COUNT(*) AS new_customers,
        COUNT(first_amount) AS buyers,
        SUM(COALESCE(first_amount, CAST(0 AS DECIMAL(18, 4)))) AS first_purchase_revenue,
        SUM(is_active) AS active_customers,
        SUM(is_churned) AS churned_customers,
        SUM(could_churn) AS could_churn
    FROM dated
    GROUP BY cohort_kind, cohort_grain, cohort_start, last_day
)
SELECT
    cohort_kind,
    cohort_grain,
    cohort_start,
    CAST(new_customers AS INT) AS new_customers,
    first_purchase_revenue,
    CASE WHEN buyers > 0 THEN CAST(first_purchase_revenue / buyers AS DECIMAL(18, 4)) END AS average_first_purchase,
    CAST(active_customers AS INT) AS active_customers,
    CAST(churned_customers AS INT) AS churned_customers,
    CASE WHEN could_churn > 0 THEN CAST(churned_customers AS DOUBLE) / CAST(could_churn AS DOUBLE) END AS churned_rate,
    last_day <= CAST($as_of AS DATE) AS is_complete
FROM summed
ORDER BY cohort_kind, cohort_grain, cohort_start
