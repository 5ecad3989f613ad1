-- Only cohorts whose period has ended. The mean may rise with the period, because fewer and older cohorts reach it.
-- Rates are added up as decimals of fifteen places, so that no order of adding changes the mean.
WITH complete AS (
    SELECT
        cohort_kind,
        period,
        COUNT(*) AS cohorts,
        SUM(CAST(cohort_size AS BIGINT)) AS customers,
        SUM(CAST(active_customers AS BIGINT)) AS active_customers,
        SUM(CAST(retention_rate AS DECIMAL(20, 15))) AS rates
    FROM cohort_retention
    WHERE is_complete
    GROUP BY cohort_kind, period
)
SELECT
    cohort_kind,
    period,
    CAST(active_customers AS DOUBLE) / CAST(customers AS DOUBLE) AS weighted_retention,
    CAST(rates AS DOUBLE) / CAST(cohorts AS DOUBLE) AS unweighted_retention,
    CAST(cohorts AS INT) AS cohorts,
    CAST(customers AS INT) AS customers
FROM complete
ORDER BY cohort_kind, period
