SELECT SUM(CAST(customers AS BIGINT)) AS rows_out, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS amount
FROM rfm_segment_summary
WHERE region_key = 0
