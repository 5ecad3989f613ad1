-- Whether there are cohorts now; the mart may be left out.
SELECT COUNT(*) AS cohorts
FROM cohort_retention
