-- Lines that say what another line of their order says. Where lines have no numbers nothing else tells a second piece of the
-- same product from a row that a join in the source's query has multiplied.
WITH alike AS (
    SELECT COUNT(*) AS sales_lines
    FROM sales
    GROUP BY order_id, line_number, customer_id, product_id, ordered_at, quantity, unit_price, net_amount, region, channel
    HAVING COUNT(*) > 1
)
SELECT 'repeated_line' AS finding, CAST(COALESCE(SUM(sales_lines - 1), 0) AS BIGINT) AS found
FROM alike
