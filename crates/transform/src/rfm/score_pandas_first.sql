-- What pandas makes of qcut(rank(method = "first"), 5), as the PyPI package rfm does: places in rising order of the
-- measure itself, equal values in the order of their customers' ids, and the first fifth whose edge a place reaches.
-- With n customers the edge of fifth k lies at 1 + (n - 1) k / 5. For recency the labels run from 5 down.
WITH placed AS (
    SELECT
        universe,
        measure,
        customer_key,
        value,
        equal,
        customers,
        most_equal,
        CAST(ROW_NUMBER() OVER (
            PARTITION BY universe, measure
            ORDER BY
                CASE WHEN measure = 'r' THEN -value ELSE value END,
                customer_place
        ) AS BIGINT) - 1 AS place
    FROM score_ranks
),
fifths AS (
    SELECT
        universe,
        measure,
        customer_key,
        value,
        equal,
        customers,
        most_equal,
        CASE
            WHEN place * 5 <= customers - 1 THEN 1
            WHEN place * 5 <= (customers - 1) * 2 THEN 2
            WHEN place * 5 <= (customers - 1) * 3 THEN 3
            WHEN place * 5 <= (customers - 1) * 4 THEN 4
            ELSE 5
        END AS fifth
    FROM placed
)
SELECT
    universe,
    measure,
    customer_key,
    value,
    equal,
    customers,
    most_equal,
    CASE WHEN measure = 'r' THEN 6 - fifth ELSE fifth END AS score
FROM fifths
