-- The revenue of the snapshot before, and that of the same days now.
WITH before AS (
    SELECT MIN(date_key) AS first_day, MAX(date_key) AS last_day, SUM(net_amount) AS amount
    FROM previous_fact_sales
),
customers AS (
    SELECT COUNT(*) AS known FROM previous_dim_customer
),
present AS (
    SELECT SUM(f.net_amount) AS amount
    FROM fact_sales AS f
    CROSS JOIN before
    WHERE f.date_key BETWEEN before.first_day AND before.last_day
)
SELECT customers.known AS customers, before.amount AS amount_before, present.amount AS amount_now
FROM before
CROSS JOIN customers
CROSS JOIN present
