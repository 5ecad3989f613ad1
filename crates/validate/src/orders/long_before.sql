-- Orders that lie more than three years before all later ones, if they are no more than one in a hundred.
WITH days AS (
    SELECT ordered_on, COUNT(*) AS orders
    FROM orders
    GROUP BY ordered_on
),
walked AS (
    SELECT
        ordered_on,
        LAG(ordered_on) OVER (ORDER BY ordered_on) AS previous,
        SUM(orders) OVER (ORDER BY ordered_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - orders AS orders_before
    FROM days
),
whole AS (
    SELECT MIN(ordered_on) AS first_day, SUM(orders) AS orders
    FROM days
)
SELECT
    CAST(MAX(w.orders_before) AS BIGINT) AS orders,
    CAST(MIN(a.first_day) AS VARCHAR) AS first_day
FROM walked AS w
CROSS JOIN whole AS a
WHERE CAST(w.ordered_on AS INT) - CAST(w.previous AS INT) > 1096 AND w.orders_before * 100 <= a.orders
