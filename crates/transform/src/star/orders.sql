-- An order as far as it lies in one customer, region and day; nearly always the whole order.
WITH parts AS (
    SELECT
        order_id,
        customer_key,
        region_key,
        CAST(ordered_at AS DATE) AS ordered_on,
        MIN(ordered_at) AS ordered_at,
        COUNT(*) AS sales_lines,
        SUM(quantity) AS quantity,
        SUM(gross_amount) AS gross_amount,
        SUM(discount_amount) AS discount_amount,
        SUM(net_amount) AS net_amount
    FROM fact_sales
    GROUP BY order_id, customer_key, region_key, CAST(ordered_at AS DATE)
),
-- Whether an order is a purchase is asked of the whole order: what is wholly returned was none.
whole AS (
    SELECT
        order_id,
        customer_key,
        region_key,
        ordered_on,
        ordered_at,
        sales_lines,
        quantity,
        gross_amount,
        discount_amount,
        net_amount,
        SUM(quantity) OVER (PARTITION BY customer_key, order_id) AS order_quantity,
        SUM(net_amount) OVER (PARTITION BY customer_key, order_id) AS order_net_amount
    FROM parts
)
SELECT
    order_id,
    customer_key,
    region_key,
    ordered_on,
    ordered_at,
    CAST(sales_lines AS INT) AS lines,
    quantity,
    gross_amount,
    discount_amount,
    net_amount,
    -- A part that only gives back is no activity, even of an order that remains a purchase.
    order_quantity > 0 AND order_net_amount >= 0 AND quantity > 0 AS is_purchase
FROM whole
ORDER BY customer_key, order_id, region_key, ordered_on
