-- What each customer did on each day: the base of every mart that follows customers through time.
-- An order counts once a day, however many regions it lies in.
WITH per_order AS (
    SELECT
        customer_key,
        ordered_on,
        order_id,
        MAX(CASE WHEN is_purchase THEN 1 ELSE 0 END) AS is_order,
        SUM(CASE WHEN is_purchase THEN net_amount ELSE CAST(0 AS DECIMAL(18, 4)) END) AS purchase_amount,
        SUM(net_amount) AS net_amount
    FROM orders
    WHERE customer_key <> 0
    GROUP BY customer_key, ordered_on, order_id
)
SELECT
    customer_key,
    ordered_on,
    CAST(SUM(is_order) AS INT) AS orders,
    SUM(purchase_amount) AS purchase_amount,
    SUM(net_amount) AS net_amount
FROM per_order
GROUP BY customer_key, ordered_on
ORDER BY customer_key, ordered_on
