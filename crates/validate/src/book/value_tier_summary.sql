SELECT SUM(CAST(customers AS BIGINT)) AS rows_out, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS amount
FROM value_tier_summary
WHERE tier_kind = 'value_tier'
