-- For each value: how many are strictly worse, how many are equal, how many there are, and a place of its own
-- (ties by customer_id).
SELECT
    universe,
    measure,
    customer_key,
    customer_place,
    value,
    CAST(RANK() OVER (PARTITION BY universe, measure ORDER BY value) AS BIGINT) - 1 AS worse,
    COUNT(*) OVER (PARTITION BY universe, measure, value) AS equal,
    COUNT(*) OVER (PARTITION BY universe, measure) AS customers,
    CAST(ROW_NUMBER() OVER (
        PARTITION BY universe, measure
        ORDER BY value, customer_place
    ) AS BIGINT) - 1 AS place
FROM score_values
