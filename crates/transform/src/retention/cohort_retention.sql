-- Every cohort in every month from its start to as_of's, whether anybody bought or not. One may have begun before the first sale, by
-- signup; what was bought before that one, nobody knows.
WITH first_sale AS (
    SELECT COALESCE(MIN(ordered_on), CAST($as_of AS DATE)) AS day FROM orders
),
sizes AS (
    SELECT cohort_kind, cohort_month, COUNT(*) AS cohort_size
    FROM customer_cohorts
    GROUP BY cohort_kind, cohort_month
),
calendar AS (
    SELECT
        CAST(d.year * 12 + d.month - 1 AS INT) AS month_number,
        CAST(d.month_start + INTERVAL '1 month' - INTERVAL '1 day' AS DATE) AS last_day
    FROM dim_date AS d
    INNER JOIN first_sale AS s ON d.month_start + INTERVAL '1 month' > s.day
    WHERE d.day_of_month = 1 AND d.month_start <= CAST($as_of AS DATE)
),
cells AS (
    SELECT
        s.cohort_kind,
        s.cohort_month,
        c.month_number - s.cohort_month AS period,
        s.cohort_size,
        c.last_day <= CAST($as_of AS DATE) AS is_complete
    FROM sizes AS s
    INNER JOIN calendar AS c ON c.month_number >= s.cohort_month
),
-- What was bought before a signup, or given back before a first purchase, counts in the cohort's first month. Who bought in
-- several months up to it is counted in the earliest of them, so nobody is counted twice.
activity AS (
    SELECT
        c.cohort_kind,
        c.cohort_month,
        CASE WHEN m.month_number > c.cohort_month THEN m.month_number - c.cohort_month ELSE 0 END AS period,
        m.orders_begun,
        m.net_amount,
        m.orders > 0 AND (m.month_number > c.cohort_month OR m.month_number = c.first_month) AS is_active
    FROM customer_cohorts AS c
    INNER JOIN customer_months AS m ON c.customer_key = m.customer_key
),
active AS (
    SELECT
        cohort_kind,
        cohort_month,
        period,
        COUNT(CASE WHEN is_active THEN 1 END) AS active_customers,
        SUM(orders_begun) AS orders,
        SUM(net_amount) AS net_amount
    FROM activity
    GROUP BY cohort_kind, cohort_month, period
),
-- Seen for the last time in this period; summed up from the end they are those active in it or later.
last_periods AS (
    SELECT
        cohort_kind,
        cohort_month,
        CASE WHEN last_month > cohort_month THEN last_month - cohort_month ELSE 0 END AS period
    FROM customer_cohorts
    WHERE last_month IS NOT NULL
),
leaving AS (
    SELECT cohort_kind, cohort_month, period, COUNT(*) AS customers
    FROM last_periods
    GROUP BY cohort_kind, cohort_month, period
),
filled AS (
    SELECT
        c.cohort_kind,
        c.cohort_month,
        c.period,
        c.cohort_size,
        c.is_complete,
        COALESCE(a.active_customers, 0) AS active_customers,
        COALESCE(a.orders, 0) AS orders,
        COALESCE(a.net_amount, CAST(0 AS DECIMAL(18, 4))) AS net_amount,
        COALESCE(l.customers, 0) AS leaving
    FROM cells AS c
    LEFT JOIN active AS a ON c.cohort_kind = a.cohort_kind AND c.cohort_month = a.cohort_month AND c.period = a.period
    LEFT JOIN leaving AS l ON c.cohort_kind = l.cohort_kind AND c.cohort_month = l.cohort_month AND c.period = l.period
),
followed AS (
    SELECT
        cohort_kind,
        cohort_month,
        period,
        cohort_size,
        is_complete,
        active_customers,
        orders,
        net_amount,
        SUM(leaving) OVER (
            PARTITION BY cohort_kind, cohort_month ORDER BY period DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS active_or_later,
        LAG(active_customers) OVER (PARTITION BY cohort_kind, cohort_month ORDER BY period) AS active_before,
        SUM(net_amount) OVER (
            PARTITION BY cohort_kind, cohort_month ORDER BY period ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS running_amount,
        SUM(CASE WHEN period = 0 THEN net_amount ELSE CAST(0 AS DECIMAL(18, 4)) END) OVER (
            PARTITION BY cohort_kind, cohort_month
        ) AS first_amount
    FROM filled
)
SELECT
    f.cohort_kind,
    make_date(f.cohort_month / 12, f.cohort_month % 12 + 1, 1) AS cohort_start,
    f.period,
    CAST(f.cohort_size AS INT) AS cohort_size,
    CAST(f.active_customers AS INT) AS active_customers,
    CAST(f.active_customers AS DOUBLE) / CAST(f.cohort_size AS DOUBLE) AS retention_rate,
    CAST(f.active_or_later AS DOUBLE) / CAST(f.cohort_size AS DOUBLE) AS retention_on_or_after,
    CASE WHEN f.active_before > 0
        THEN CAST(f.active_before - f.active_customers AS DOUBLE) / CAST(f.active_before AS DOUBLE)
    END AS churn_rate,
    CAST(f.orders AS INT) AS orders,
    f.net_amount,
    CASE WHEN f.first_amount > 0 THEN CAST(f.net_amount AS DOUBLE) / CAST(f.first_amount AS DOUBLE) END AS revenue_retention,
    CAST(f.running_amount / f.cohort_size AS DECIMAL(18, 4)) AS cumulative_revenue_per_customer,
    CASE WHEN f.orders > 0 THEN CAST(f.net_amount / f.orders AS DECIMAL(18, 4)) END AS average_order_value,
    f.is_complete
FROM followed AS f
ORDER BY f.cohort_kind, f.cohort_month, f.period
