-- Cohorts that were closed in the snapshot before, and how many of their customers they have gained or lost since.
WITH before AS (
    SELECT cohort_start, cohort_size
    FROM previous_cohort_retention
    WHERE cohort_kind = 'first_purchase' AND period = 0 AND is_complete
),
present AS (
    SELECT cohort_start, cohort_size
    FROM cohort_retention
    WHERE cohort_kind = 'first_purchase' AND period = 0
),
compared AS (
    SELECT
        CAST(before.cohort_size AS BIGINT) AS customers,
        ABS(CAST(COALESCE(present.cohort_size, 0) AS BIGINT) - CAST(before.cohort_size AS BIGINT)) AS moved
    FROM before
    LEFT JOIN present ON before.cohort_start = present.cohort_start
)
SELECT SUM(customers) AS customers, SUM(moved) AS moved, COUNT(CASE WHEN moved > 0 THEN 1 END) AS cohorts
FROM compared
