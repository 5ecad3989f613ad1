-- A product within an order; the orders of a product are those that keep some of it.
WITH order_products AS (
    SELECT
        order_id,
        product_key,
        customer_key,
        SUM(quantity) AS quantity,
        SUM(net_amount) AS net_amount,
        MIN(CASE WHEN quantity > 0 THEN CAST(ordered_at AS DATE) END) AS first_sold_on,
        MAX(CASE WHEN quantity > 0 THEN CAST(ordered_at AS DATE) END) AS last_sold_on
    FROM fact_sales
    GROUP BY order_id, product_key, customer_key
),
products_sold AS (
    SELECT
        product_key,
        SUM(quantity) AS units,
        SUM(net_amount) AS net_amount,
        COUNT(CASE WHEN quantity > 0 THEN 1 END) AS orders,
        COUNT(DISTINCT CASE WHEN quantity > 0 AND customer_key <> 0 THEN customer_key END) AS customers,
        MIN(first_sold_on) AS first_sold_on,
        MAX(last_sold_on) AS last_sold_on
    FROM order_products
    GROUP BY product_key
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
        first_sold_on,
        last_sold_on
    FROM products_sold
)
SELECT
    product_key,
    units,
    net_amount,
    CAST(orders AS INT) AS orders,
    CAST(customers AS INT) AS customers,
    CAST(revenue_rank AS INT) AS revenue_rank,
    CAST(units_rank AS INT) AS units_rank,
    CASE WHEN total_amount <> 0 THEN CAST(net_amount AS DOUBLE) / CAST(total_amount AS DOUBLE) END AS revenue_share,
    CASE WHEN total_amount <> 0 THEN CAST(cumulative_amount AS DOUBLE) / CAST(total_amount AS DOUBLE) END AS cumulative_revenue_share,
    first_sold_on,
    last_sold_on
FROM ranked
ORDER BY product_key
