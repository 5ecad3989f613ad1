-- Members that were inferred from facts come from no customers source.
SELECT COUNT(*) AS rows_out FROM dim_customer WHERE is_known
