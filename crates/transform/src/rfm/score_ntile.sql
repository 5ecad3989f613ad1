-- NTILE(5), worst first, ties by customer_id: the first (customers % 5) fifths hold one more.
SELECT
    universe,
    measure,
    customer_key,
    value,
    equal,
    customers,
    most_equal,
    CASE
        WHEN place < (customers % 5) * (customers / 5 + 1) THEN 1 + place / (customers / 5 + 1)
        ELSE 1 + customers % 5 + (place - (customers % 5) * (customers / 5 + 1)) / (CASE WHEN customers < 5 THEN 1 ELSE customers / 5 END)
    END AS score
FROM score_ranks
