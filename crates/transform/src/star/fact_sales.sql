-- Keys are hashes of the business ids, so no dimension is joined. Most sources hand lines out in this very order, and then
-- nothing is sorted.
SELECT
    order_id,
    line_number,
    date_key(ordered_at) AS date_key,
    ordered_at,
    surrogate_key(customer_id) AS customer_key,
    surrogate_key(product_id) AS product_key,
    surrogate_key(region) AS region_key,
    channel,
    quantity,
    unit_price,
    gross_amount,
    discount_amount,
    net_amount,
    cost_amount,
    quantity < 0 AS is_return
FROM placed_lines
-- `returns: exclude` keeps returns out of every table.
WHERE quantity >= 0 OR NOT CAST($exclude_returns AS BOOLEAN)
ORDER BY order_length, order_id, line_number
