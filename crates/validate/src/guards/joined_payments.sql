-- Payments before and after they find their dimensions.
WITH joined AS (
    SELECT COUNT(*) AS joined_rows
    FROM fact_payments AS f
    INNER JOIN dim_date AS d ON f.due_date_key = d.date_key
    INNER JOIN dim_customer AS c ON f.customer_key = c.customer_key
),
plain AS (
    SELECT COUNT(*) AS plain_rows FROM fact_payments
)
SELECT plain.plain_rows, joined.joined_rows
FROM plain
CROSS JOIN joined
