WITH published AS (
    SELECT COUNT(*) AS rows_out, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS amount FROM sales_trend WHERE period_kind = 'week'
),
groups AS (
    SELECT d.iso_year, d.iso_week, f.region_key, SUM(CAST(f.net_amount AS DECIMAL(38, 4))) AS net_amount
    FROM fact_sales AS f
    INNER JOIN dim_date AS d ON f.date_key = d.date_key
    GROUP BY d.iso_year, d.iso_week, f.region_key
),
expected AS (
    SELECT COUNT(*) AS expected_rows, SUM(net_amount) AS expected_amount FROM groups
)
SELECT p.rows_out, p.amount, e.expected_rows, e.expected_amount
FROM published AS p
CROSS JOIN expected AS e
