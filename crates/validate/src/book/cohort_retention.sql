-- Each customer stands in one cohort, whose size is told in its first period.
SELECT
    SUM(CASE WHEN period = 0 THEN CAST(cohort_size AS BIGINT) ELSE 0 END) AS rows_out,
    SUM(CAST(net_amount AS DECIMAL(38, 4))) AS amount
FROM cohort_retention
WHERE cohort_kind = 'first_purchase'
