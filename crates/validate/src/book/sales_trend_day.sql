SELECT COUNT(*) AS rows_out, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS amount FROM sales_trend WHERE period_kind = 'day'
