-- What each customer did in each month, months numbered through the years. Customers who never kept a purchase are left
-- out: they belong to no cohort.
WITH months AS (
    SELECT
        customer_key,
        CAST(date_part('year', ordered_on) * 12 + date_part('month', ordered_on) - 1 AS INT) AS month_number,
        SUM(orders) AS orders,
        SUM(orders_begun) AS orders_begun,
        SUM(net_amount) AS net_amount
    FROM customer_days
    GROUP BY customer_key, CAST(date_part('year', ordered_on) * 12 + date_part('month', ordered_on) - 1 AS INT)
)
SELECT
    m.customer_key,
    m.month_number,
    CAST(m.orders AS INT) AS orders,
    CAST(m.orders_begun AS INT) AS orders_begun,
    m.net_amount
FROM months AS m
INNER JOIN rfm_measures AS r ON m.customer_key = r.customer_key
ORDER BY m.customer_key, m.month_number
