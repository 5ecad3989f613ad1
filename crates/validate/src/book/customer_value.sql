SELECT COUNT(*) AS rows_out, SUM(CAST(lifetime_value AS DECIMAL(38, 4))) AS amount FROM customer_value
