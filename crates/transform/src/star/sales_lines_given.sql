-- Every line carries a number of its own.
SELECT
    order_id,
    line_number,
    customer_id,
    product_id,
    ordered_at,
    quantity,
    unit_price,
    gross_amount,
    discount_amount,
    net_amount,
    cost_amount,
    region,
    channel,
    order_length
FROM sales
