SELECT customer_key, segment
FROM customer_rfm
ORDER BY customer_key
