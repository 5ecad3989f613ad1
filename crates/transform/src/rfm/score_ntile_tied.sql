-- Quintiles in which equal values share one score. A group of ties stands at the middle of its places; the worst
-- group has 1 and the best 5. Without ties this is NTILE(5).
WITH middles AS (
    SELECT
        universe, measure, customer_key, value, worse, equal, customers, most_equal,
        (2 * worse + equal - 1) / 2 AS middle,
        customers / 5 AS quotient,
        customers % 5 AS remainder
    FROM score_ranks
)
SELECT
    universe,
    measure,
    customer_key,
    value,
    equal,
    customers,
    most_equal,
    CASE
        WHEN equal = customers THEN 3
        WHEN worse = 0 THEN 1
        WHEN worse + equal = customers THEN 5
        WHEN customers < 5 THEN 1 + (8 * middle + customers - 1) / (2 * (customers - 1))
        WHEN middle < remainder * (quotient + 1) THEN 1 + middle / (quotient + 1)
        ELSE 1 + remainder + (middle - remainder * (quotient + 1)) / quotient
    END AS score
FROM middles
