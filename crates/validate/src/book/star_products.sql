SELECT COUNT(*) AS rows_out FROM dim_product WHERE is_known
