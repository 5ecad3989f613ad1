-- Every line with its order as a key: lines are put together by sorting numbers, which is faster than sorting rows.
SELECT
    surrogate_key(order_id) AS order_key,
    customer_key,
    product_key,
    quantity,
    net_amount
FROM fact_sales
