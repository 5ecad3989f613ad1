-- An order as far as it lies in one customer, region and day; nearly always the whole order.
WITH parts AS (
    SELECT
        order_id,
        customer_key,
        region_key,
        CAST(ordered_at AS DATE) AS ordered_on,
        MIN(ordered_at) AS ordered_at,
        COUNT(*) AS sales_lines,
        SUM(quantity) AS quantity,
        SUM(gross_amount) AS gross_amount,
        SUM(discount_amount) AS discount_amount,
        SUM(net_amount) AS net_amount
    FROM fact_sales
    GROUP BY order_id, customer_key, region_key, CAST(ordered_at AS DATE)
),
-- The few orders that lie in several regions or days, as a whole.
spread AS (
    SELECT order_id, customer_key, SUM(quantity) AS quantity, SUM(net_amount) AS net_amount
    FROM fact_sales
    GROUP BY order_id, customer_key
    HAVING MIN(region_key) <> MAX(region_key) OR MIN(date_key) <> MAX(date_key)
)
-- Nothing is published of this table and nobody asks for its order, so it is not sorted.
SELECT
    p.order_id,
    p.customer_key,
    p.region_key,
    p.ordered_on,
    p.ordered_at,
    CAST(p.sales_lines AS INT) AS lines,
    p.quantity,
    p.gross_amount,
    p.discount_amount,
    p.net_amount,
    -- Whether an order is a purchase is asked of the whole order: what is wholly returned was none. A part that only
    -- gives back is no activity, even of an order that remains a purchase.
    COALESCE(s.quantity, p.quantity) > 0 AND COALESCE(s.net_amount, p.net_amount) >= 0 AND p.quantity > 0 AS is_purchase
FROM parts AS p
LEFT JOIN spread AS s ON p.order_id = s.order_id AND p.customer_key = s.customer_key
