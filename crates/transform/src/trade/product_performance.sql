-- Money and pieces line by line; days are those on which some of it was bought.
WITH lines AS (
    SELECT
        product_key,
        SUM(quantity) AS units,
        SUM(net_amount) AS net_amount,
        MIN(CASE WHEN quantity > 0 THEN date_key END) AS first_date_key,
        MAX(CASE WHEN quantity > 0 THEN date_key END) AS last_date_key
    FROM fact_sales
    GROUP BY product_key
),
-- The orders of a product are those that keep some of it, whoever bought; its customers those who kept some.
buyers_products AS (
    SELECT product_key, customer_key, SUM(CASE WHEN is_order_of_product THEN 1 ELSE 0 END) AS orders
    FROM order_items
    GROUP BY product_key, customer_key
),
buyers AS (
    SELECT
        product_key,
        SUM(orders) AS orders,
        COUNT(CASE WHEN customer_key <> 0 THEN 1 END) AS customers
    FROM buyers_products
    GROUP BY product_key
),
products_sold AS (
    SELECT
        l.product_key,
        l.units,
        l.net_amount,
        COALESCE(b.orders, 0) AS orders,
        COALESCE(b.customers, 0) AS customers,
        l.first_date_key,
        l.last_date_key
    FROM lines AS l
    LEFT JOIN buyers AS b ON l.product_key = b.product_key
),
-- Every place is given once: the first ten are ten products.
ranked AS (
    SELECT
        product_key,
        units,
        net_amount,
        orders,
        customers,
        ROW_NUMBER() OVER (ORDER BY net_amount DESC, product_key) AS revenue_rank,
        ROW_NUMBER() OVER (ORDER BY units DESC, product_key) AS units_rank,
        SUM(net_amount) OVER (ORDER BY net_amount DESC, product_key ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS cumulative_amount,
        SUM(net_amount) OVER () AS total_amount,
        first_date_key,
        last_date_key
    FROM products_sold
)
SELECT
    r.product_key,
    r.units,
    r.net_amount,
    CAST(r.orders AS INT) AS orders,
    CAST(r.customers AS INT) AS customers,
    CAST(r.revenue_rank AS INT) AS revenue_rank,
    CAST(r.units_rank AS INT) AS units_rank,
    CASE WHEN r.total_amount <> 0 THEN CAST(r.net_amount AS DOUBLE) / CAST(r.total_amount AS DOUBLE) END AS revenue_share,
    CASE WHEN r.total_amount <> 0 THEN CAST(r.cumulative_amount AS DOUBLE) / CAST(r.total_amount AS DOUBLE) END AS cumulative_revenue_share,
    f.date AS first_sold_on,
    l.date AS last_sold_on
FROM ranked AS r
LEFT JOIN dim_date AS f ON r.first_date_key = f.date_key
LEFT JOIN dim_date AS l ON r.last_date_key = l.date_key
ORDER BY r.product_key
