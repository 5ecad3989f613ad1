-- Sales a day, week (from Monday) and month, each by region of the sale.
WITH dated AS (
    SELECT
        d.date AS day_start,
        d.week_start,
        d.month_start,
        o.order_number,
        o.customer_key,
        o.region_key,
        o.quantity,
        o.gross_amount,
        o.discount_amount,
        o.net_amount,
        o.is_purchase
    FROM orders AS o
    INNER JOIN dim_date AS d ON o.ordered_on = d.date
),
days AS (
    SELECT
        day_start AS period_start,
        region_key,
        COUNT(DISTINCT CASE WHEN is_purchase THEN order_number END) AS orders,
        COUNT(DISTINCT CASE WHEN is_purchase AND customer_key <> 0 THEN customer_key END) AS customers,
        SUM(quantity) AS units,
        SUM(gross_amount) AS gross_amount,
        SUM(discount_amount) AS discount_amount,
        SUM(net_amount) AS net_amount
    FROM dated
    GROUP BY day_start, region_key
),
weeks AS (
    SELECT
        week_start AS period_start,
        region_key,
        COUNT(DISTINCT CASE WHEN is_purchase THEN order_number END) AS orders,
        COUNT(DISTINCT CASE WHEN is_purchase AND customer_key <> 0 THEN customer_key END) AS customers,
        SUM(quantity) AS units,
        SUM(gross_amount) AS gross_amount,
        SUM(discount_amount) AS discount_amount,
        SUM(net_amount) AS net_amount
    FROM dated
    GROUP BY week_start, region_key
),
months AS (
    SELECT
        month_start AS period_start,
        region_key,
        COUNT(DISTINCT CASE WHEN is_purchase THEN order_number END) AS orders,
        COUNT(DISTINCT CASE WHEN is_purchase AND customer_key <> 0 THEN customer_key END) AS customers,
        SUM(quantity) AS units,
        SUM(gross_amount) AS gross_amount,
        SUM(discount_amount) AS discount_amount,
        SUM(net_amount) AS net_amount
    FROM dated
    GROUP BY month_start, region_key
),
-- A period is complete when its last day is not after as_of.
periods AS (
    SELECT 'day' AS period_kind, period_start, region_key, orders, customers, units, gross_amount, discount_amount, net_amount,
        period_start AS last_day
    FROM days
    UNION ALL
    SELECT 'week' AS period_kind, period_start, region_key, orders, customers, units, gross_amount, discount_amount, net_amount,
        CAST(period_start + INTERVAL '6 days' AS DATE) AS last_day
    FROM weeks
    UNION ALL
    SELECT 'month' AS period_kind, period_start, region_key, orders, customers, units, gross_amount, discount_amount, net_amount,
        CAST(period_start + INTERVAL '1 month' - INTERVAL '1 day' AS DATE) AS last_day
    FROM months
)
SELECT
    period_kind,
    period_start,
    region_key,
    CAST(orders AS INT) AS orders,
    CAST(customers AS INT) AS customers,
    units,
    gross_amount,
    discount_amount,
    net_amount,
    CASE WHEN orders > 0 THEN CAST(net_amount / orders AS DECIMAL(18, 4)) END AS average_order_value,
    last_day <= CAST($as_of AS DATE) AS is_complete
FROM periods
ORDER BY period_kind, period_start, region_key
