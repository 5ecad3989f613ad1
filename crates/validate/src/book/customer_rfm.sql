SELECT COUNT(*) AS rows_out, SUM(CAST(monetary AS DECIMAL(38, 4))) AS amount FROM customer_rfm
