-- For each value: how many are strictly worse, how many are equal, how many there are, and a place of its own
-- (ties by customer_id; ids of digits alone compare as numbers, the longer being the larger).
SELECT
    universe,
    measure,
    customer_key,
    value,
    CAST(RANK() OVER (PARTITION BY universe, measure ORDER BY value) AS BIGINT) - 1 AS worse,
    COUNT(*) OVER (PARTITION BY universe, measure, value) AS equal,
    COUNT(*) OVER (PARTITION BY universe, measure) AS customers,
    CAST(ROW_NUMBER() OVER (
        PARTITION BY universe, measure
        ORDER BY
            value,
            CASE WHEN customer_id ~ '^[0-9]+$' THEN character_length(ltrim(customer_id, '0')) END,
            CASE WHEN customer_id ~ '^[0-9]+$' THEN ltrim(customer_id, '0') END,
            customer_id
    ) AS BIGINT) - 1 AS place
FROM score_values
