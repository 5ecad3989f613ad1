SELECT order_number, customer_key, product_key
FROM order_items
WHERE is_purchase
