-- What each customer did on each day: the base of every mart that follows customers through time.
-- An order counts once a day, however many regions it lies in.
SELECT
    customer_key,
    ordered_on,
    CAST(SUM(CASE WHEN is_order_of_day THEN 1 ELSE 0 END) AS INT) AS orders,
    CAST(SUM(CASE WHEN is_order THEN 1 ELSE 0 END) AS INT) AS orders_begun,
    SUM(CASE WHEN is_purchase_of_day THEN net_amount ELSE CAST(0 AS DECIMAL(18, 4)) END) AS purchase_amount,
    SUM(net_amount) AS net_amount
FROM orders
WHERE customer_key <> 0
GROUP BY customer_key, ordered_on
ORDER BY customer_key, ordered_on
