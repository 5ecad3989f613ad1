-- qcut(rank(method = "first"), 5): the first fifth of the places that reaches a customer's own, edges included.
-- With n customers the edge of fifth k lies at 1 + (n - 1) k / 5; customers stand in the order of their ids.
SELECT
    universe,
    measure,
    customer_key,
    CASE
        WHEN place * 5 <= customers - 1 THEN 1
        WHEN place * 5 <= (customers - 1) * 2 THEN 2
        WHEN place * 5 <= (customers - 1) * 3 THEN 3
        WHEN place * 5 <= (customers - 1) * 4 THEN 4
        ELSE 5
    END AS score
FROM score_ranks
