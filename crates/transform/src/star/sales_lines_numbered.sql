-- Order lines without a line number are numbered by what they hold, so that the order of the source does not matter.
SELECT
    order_id,
    CAST(ROW_NUMBER() OVER (
        PARTITION BY order_id
        ORDER BY
            line_number, product_id, ordered_at, quantity, net_amount, gross_amount, unit_price, discount_amount,
            cost_amount, customer_id, region, channel, product_name, status
    ) AS INT) AS line_number,
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
