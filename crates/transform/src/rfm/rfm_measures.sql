-- Returns count against the money, never as activity.
WITH per_customer AS (
    SELECT
        customer_key,
        MAX(CASE WHEN is_purchase_of_day THEN ordered_on END) AS last_purchase_on,
        SUM(CASE WHEN is_order THEN 1 ELSE 0 END) AS orders,
        SUM(CASE WHEN is_discounted THEN 1 ELSE 0 END) AS discounted_orders,
        SUM(net_amount) AS monetary,
        SUM(gross_amount) AS gross_amount,
        SUM(discount_amount) AS discount_amount
    FROM orders
    WHERE customer_key <> 0
    GROUP BY customer_key
),
-- Asked for only where frequency counts days.
days AS (
    SELECT customer_key, ordered_on
    FROM orders
    WHERE is_purchase_of_day AND customer_key <> 0 AND CAST($by_purchase_days AS BOOLEAN)
    GROUP BY customer_key, ordered_on
),
per_customer_days AS (
    SELECT customer_key, COUNT(*) AS purchase_days
    FROM days
    GROUP BY customer_key
)
SELECT
    p.customer_key,
    -- Ties everywhere fall by customer_id; ids of digits alone compare as numbers, the longer being the larger.
    CAST(ROW_NUMBER() OVER (
        ORDER BY
            CASE WHEN c.customer_id ~ '^[0-9]+$' THEN character_length(ltrim(c.customer_id, '0')) END,
            CASE WHEN c.customer_id ~ '^[0-9]+$' THEN ltrim(c.customer_id, '0') END,
            c.customer_id
    ) AS BIGINT) AS customer_place,
    c.region_key,
    p.last_purchase_on,
    CAST(CAST($as_of AS DATE) AS INT) - CAST(p.last_purchase_on AS INT) AS days_since_last_order,
    CAST(COALESCE(d.purchase_days, p.orders) AS INT) AS frequency,
    CAST(p.orders AS INT) AS orders,
    CAST(p.discounted_orders AS INT) AS discounted_orders,
    p.monetary,
    p.gross_amount,
    p.discount_amount
FROM per_customer AS p
INNER JOIN dim_customer AS c ON p.customer_key = c.customer_key
LEFT JOIN per_customer_days AS d ON p.customer_key = d.customer_key
WHERE p.orders > 0
ORDER BY p.customer_key
