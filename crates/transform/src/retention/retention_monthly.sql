-- Months in which a customer bought, each with the one before.
WITH bought AS (
    SELECT
        customer_key,
        month_number,
        orders_begun,
        LAG(month_number) OVER (PARTITION BY customer_key ORDER BY month_number) AS previous_month,
        SUM(CAST(orders_begun AS BIGINT)) OVER (
            PARTITION BY customer_key ORDER BY month_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS orders_so_far
    FROM customer_months
    WHERE orders > 0
),
counted AS (
    SELECT
        month_number,
        COUNT(*) AS active,
        COUNT(CASE WHEN previous_month IS NULL THEN 1 END) AS new,
        COUNT(CASE WHEN previous_month = month_number - 1 THEN 1 END) AS retained,
        -- The month of the second order makes a repeat buyer.
        COUNT(CASE WHEN orders_so_far >= 2 AND orders_so_far - orders_begun < 2 THEN 1 END) AS second_orders
    FROM bought
    GROUP BY month_number
),
calendar AS (
    SELECT
        CAST(year * 12 + month - 1 AS INT) AS month_number,
        month_start,
        CAST(month_start + INTERVAL '1 month' - INTERVAL '1 day' AS DATE) <= CAST($as_of AS DATE) AS is_complete
    FROM dim_date
    WHERE day_of_month = 1 AND month_start <= CAST($as_of AS DATE)
),
first_month AS (
    SELECT MIN(month_number) AS month_number FROM counted
),
-- Revenue twelve months later of those who bought in a month, and what they brought then.
a_year_on AS (
    SELECT
        t.month_number + 12 AS month_number,
        SUM(t.net_amount) AS amount_then,
        SUM(COALESCE(n.net_amount, CAST(0 AS DECIMAL(18, 4)))) AS amount_now
    FROM customer_months AS t
    LEFT JOIN customer_months AS n ON t.customer_key = n.customer_key AND n.month_number = t.month_number + 12
    WHERE t.orders > 0
    GROUP BY t.month_number
),
filled AS (
    SELECT
        c.month_number,
        c.month_start,
        c.is_complete,
        COALESCE(k.active, 0) AS active,
        COALESCE(k.new, 0) AS new,
        COALESCE(k.retained, 0) AS retained,
        COALESCE(k.second_orders, 0) AS second_orders
    FROM calendar AS c
    INNER JOIN first_month AS f ON c.month_number >= f.month_number
    LEFT JOIN counted AS k ON c.month_number = k.month_number
),
followed AS (
    SELECT
        month_number,
        month_start,
        is_complete,
        active,
        new,
        retained,
        LAG(active) OVER (ORDER BY month_number) AS active_before,
        SUM(new) OVER (ORDER BY month_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS buyers_so_far,
        SUM(second_orders) OVER (ORDER BY month_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS repeaters_so_far
    FROM filled
)
SELECT
    f.month_start,
    CAST(f.active AS INT) AS active,
    CAST(f.new AS INT) AS new,
    CAST(f.retained AS INT) AS retained,
    CAST(f.active - f.new - f.retained AS INT) AS reactivated,
    CAST(COALESCE(f.active_before, 0) - f.retained AS INT) AS lost,
    CASE WHEN f.active_before > 0 THEN CAST(f.retained AS DOUBLE) / CAST(f.active_before AS DOUBLE) END AS retention_rate,
    CASE WHEN f.active_before > 0 THEN CAST(f.active_before - f.retained AS DOUBLE) / CAST(f.active_before AS DOUBLE) END AS churn_rate,
    CASE WHEN f.buyers_so_far > 0 THEN CAST(f.repeaters_so_far AS DOUBLE) / CAST(f.buyers_so_far AS DOUBLE) END AS repeat_purchase_rate,
    CASE WHEN y.amount_then > 0 THEN CAST(y.amount_now AS DOUBLE) / CAST(y.amount_then AS DOUBLE) END AS net_revenue_retention_12m,
    f.is_complete
FROM followed AS f
LEFT JOIN a_year_on AS y ON f.month_number = y.month_number
ORDER BY f.month_start
