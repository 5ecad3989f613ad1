-- For each value: how many are strictly worse, how many are equal, how many there are, and a place of its own
-- (ties by customer_id). Values are ranked once each, not once for everybody who has them.
WITH counted AS (
    SELECT universe, measure, value, COUNT(*) AS equal
    FROM score_values
    GROUP BY universe, measure, value
),
ranked AS (
    SELECT
        universe,
        measure,
        value,
        equal,
        CAST(SUM(equal) OVER (
            PARTITION BY universe, measure ORDER BY value ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS BIGINT) - equal AS worse,
        CAST(SUM(equal) OVER (PARTITION BY universe, measure) AS BIGINT) AS customers,
        MAX(equal) OVER (PARTITION BY universe, measure) AS most_equal
    FROM counted
)
SELECT
    v.universe,
    v.measure,
    v.customer_key,
    v.customer_place,
    v.value,
    r.worse,
    r.equal,
    r.customers,
    r.most_equal,
    CAST(ROW_NUMBER() OVER (
        PARTITION BY v.universe, v.measure
        ORDER BY v.value, v.customer_place
    ) AS BIGINT) - 1 AS place
FROM score_values AS v
INNER JOIN ranked AS r ON v.universe = r.universe AND v.measure = r.measure AND v.value = r.value
