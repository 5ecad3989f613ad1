-- Order after order, as fact_sales is sorted: the shorter number first.
SELECT order_id, customer_key, product_key, quantity, net_amount
FROM fact_sales
ORDER BY character_length(order_id), order_id, line_number
