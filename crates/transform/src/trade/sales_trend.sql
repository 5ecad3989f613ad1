-- Sales a day, week (from Monday) and month, each by region of the sale.
WITH days AS (
    SELECT
        ordered_on,
        region_key,
        SUM(quantity) AS units,
        SUM(gross_amount) AS gross_amount,
        SUM(discount_amount) AS discount_amount,
        SUM(net_amount) AS net_amount,
        SUM(CASE WHEN is_order_of_region_day THEN 1 ELSE 0 END) AS orders_of_day,
        SUM(CASE WHEN is_order_of_region_week THEN 1 ELSE 0 END) AS orders_of_week,
        SUM(CASE WHEN is_order_of_region_month THEN 1 ELSE 0 END) AS orders_of_month,
        SUM(CASE WHEN is_order_begun THEN 1 ELSE 0 END) AS orders_begun
    FROM orders
    GROUP BY ordered_on, region_key
),
dated_days AS (
    SELECT
        d.date,
        d.week_start,
        d.month_start,
        s.region_key,
        s.units,
        s.gross_amount,
        s.discount_amount,
        s.net_amount,
        s.orders_of_day,
        s.orders_of_week,
        s.orders_of_month,
        s.orders_begun
    FROM days AS s
    INNER JOIN dim_date AS d ON s.ordered_on = d.date
),
-- A period is complete when its last day is not after as_of.
periods AS (
    SELECT
        'day' AS period_kind,
        date AS period_start,
        region_key,
        orders_of_day AS orders,
        orders_begun,
        units,
        gross_amount,
        discount_amount,
        net_amount,
        date AS last_day
    FROM dated_days
    UNION ALL
    SELECT
        'week' AS period_kind,
        week_start AS period_start,
        region_key,
        SUM(orders_of_week) AS orders,
        SUM(orders_begun) AS orders_begun,
        SUM(units) AS units,
        SUM(gross_amount) AS gross_amount,
        SUM(discount_amount) AS discount_amount,
        SUM(net_amount) AS net_amount,
        CAST(week_start + INTERVAL '6 days' AS DATE) AS last_day
    FROM dated_days
    GROUP BY week_start, region_key
    UNION ALL
    SELECT
        'month' AS period_kind,
        month_start AS period_start,
        region_key,
        SUM(orders_of_month) AS orders,
        SUM(orders_begun) AS orders_begun,
        SUM(units) AS units,
        SUM(gross_amount) AS gross_amount,
        SUM(discount_amount) AS discount_amount,
        SUM(net_amount) AS net_amount,
        CAST(month_start + INTERVAL '1 month' - INTERVAL '1 day' AS DATE) AS last_day
    FROM dated_days
    GROUP BY month_start, region_key
),
bought AS (
    SELECT d.date, d.week_start, d.month_start, o.region_key, o.customer_key
    FROM orders AS o
    INNER JOIN dim_date AS d ON o.ordered_on = d.date
    WHERE o.is_purchase AND o.customer_key <> 0
),
-- One distinct count a statement is a grouping of a grouping, which may be larger than memory; several are sets that may not.
customers_counted AS (
    SELECT 'day' AS period_kind, date AS period_start, region_key, COUNT(DISTINCT customer_key) AS customers
    FROM bought
    GROUP BY date, region_key
    UNION ALL
    SELECT 'week' AS period_kind, week_start AS period_start, region_key, COUNT(DISTINCT customer_key) AS customers
    FROM bought
    GROUP BY week_start, region_key
    UNION ALL
    SELECT 'month' AS period_kind, month_start AS period_start, region_key, COUNT(DISTINCT customer_key) AS customers
    FROM bought
    GROUP BY month_start, region_key
)
SELECT
    p.period_kind,
    p.period_start,
    p.region_key,
    CAST(p.orders AS INT) AS orders,
    CAST(COALESCE(c.customers, 0) AS INT) AS customers,
    p.units,
    p.gross_amount,
    p.discount_amount,
    p.net_amount,
    CASE WHEN p.orders > 0 THEN CAST(p.net_amount / p.orders AS DECIMAL(18, 4)) END AS average_order_value,
    p.last_day <= CAST($as_of AS DATE) AS is_complete,
    CAST(p.orders_begun AS INT) AS orders_begun
FROM periods AS p
LEFT JOIN customers_counted AS c ON p.period_kind = c.period_kind AND p.period_start = c.period_start AND p.region_key = c.region_key
ORDER BY p.period_kind, p.period_start, p.region_key
