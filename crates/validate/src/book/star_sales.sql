-- What the fact table holds, and the returns that `returns: exclude` kept out.
WITH published AS (
    SELECT COUNT(*) AS rows_out, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS amount FROM fact_sales
),
kept_out AS (
    SELECT COUNT(*) AS filtered_rows, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS filtered_amount
    FROM sales
    WHERE quantity < 0 AND CAST($exclude_returns AS BOOLEAN)
)
SELECT p.rows_out, p.amount, k.filtered_rows, k.filtered_amount
FROM published AS p
CROSS JOIN kept_out AS k
