-- Who is gone is in no segment of today.
SELECT SUM(CAST(customers AS BIGINT)) AS rows_out, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS amount
FROM segment_migration
WHERE to_segment <> 'Gone'
