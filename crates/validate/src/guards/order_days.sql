-- Days with an order.
SELECT DISTINCT date_key AS day_key
FROM fact_sales
ORDER BY day_key
