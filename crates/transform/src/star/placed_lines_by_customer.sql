-- A sale that names no region was made in the customer's.
SELECT
    l.order_length,
    l.order_id,
    l.line_number,
    l.customer_id,
    l.product_id,
    l.ordered_at,
    l.quantity,
    l.unit_price,
    l.gross_amount,
    l.discount_amount,
    l.net_amount,
    l.cost_amount,
    l.channel,
    COALESCE(l.region, c.region) AS region
FROM sales_lines AS l
LEFT JOIN customers AS c ON l.customer_id = c.customer_id
