-- The three measures one under the other, each rising from worst to best, within what customers are compared with.
WITH measured AS (
    SELECT
        customer_key,
        customer_place,
        CASE WHEN CAST($by_region AS BOOLEAN) THEN region_key ELSE 0 END AS universe,
        days_since_last_order,
        frequency,
        monetary
    FROM rfm_measures
)
SELECT universe, 'r' AS measure, customer_key, customer_place, CAST(-days_since_last_order AS DECIMAL(18, 4)) AS value
FROM measured
UNION ALL
SELECT universe, 'f' AS measure, customer_key, customer_place, CAST(frequency AS DECIMAL(18, 4)) AS value
FROM measured
UNION ALL
SELECT universe, 'm' AS measure, customer_key, customer_place, monetary AS value
FROM measured
