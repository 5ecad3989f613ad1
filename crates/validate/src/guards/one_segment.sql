-- Customers of each segment, the largest first.
SELECT segment, COUNT(*) AS customers
FROM customer_rfm
GROUP BY segment
ORDER BY customers DESC, segment
