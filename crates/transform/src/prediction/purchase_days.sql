-- The days on which each customer bought, customer after customer.
SELECT
    d.customer_key,
    m.region_key,
    d.ordered_on,
    d.purchase_amount
FROM customer_days AS d
INNER JOIN rfm_measures AS m ON d.customer_key = m.customer_key
WHERE d.orders > 0
ORDER BY d.customer_key, d.ordered_on
