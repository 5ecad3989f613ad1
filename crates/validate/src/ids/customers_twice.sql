-- Customers that the source has more than once, by their ids.
SELECT customer_id AS id
FROM dim_customer
WHERE customer_id IS NOT NULL
GROUP BY customer_id
HAVING COUNT(*) > 1
ORDER BY id
