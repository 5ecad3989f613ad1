-- Keys are hashes of the business ids, so the only join is for the region of a sale that names none.
SELECT
    l.order_id,
    l.line_number,
    CAST(date_part('year', l.ordered_at) * 10000 + date_part('month', l.ordered_at) * 100 + date_part('day', l.ordered_at) AS INT) AS date_key,
    l.ordered_at,
    surrogate_key(l.customer_id) AS customer_key,
    surrogate_key(l.product_id) AS product_key,
    surrogate_key(COALESCE(l.region, c.region)) AS region_key,
    l.channel,
    l.quantity,
    l.unit_price,
    l.gross_amount,
    l.discount_amount,
    l.net_amount,
    l.cost_amount,
    l.quantity < 0 AS is_return
FROM sales_lines AS l
LEFT JOIN customers AS c ON l.customer_id = c.customer_id
-- `returns: exclude` keeps returns out of every table.
WHERE l.quantity >= 0 OR NOT CAST($exclude_returns AS BOOLEAN)
ORDER BY l.order_id, l.line_number
