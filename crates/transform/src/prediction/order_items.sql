-- Order after order, as fact_sales is sorted.
SELECT order_id, line_number, customer_key, product_key, quantity, net_amount
FROM fact_sales
ORDER BY order_id, line_number
