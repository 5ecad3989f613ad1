SELECT COUNT(*) AS rows_out, SUM(CAST(amount AS DECIMAL(38, 4))) AS amount FROM fact_payments
