-- Every sale names its region.
SELECT
    order_length,
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
    channel,
    region
FROM sales_lines
