-- Bounds are the 20, 40, 60 and 80 % quantiles (type 7) plus 1; a value scores one more for every bound it reaches.
-- All in fifths of ten-thousandths, so no bound is a float. For recency the bounds stand on days, where low is good.
WITH numbered AS (
    SELECT
        universe,
        measure,
        customer_key,
        value AS given,
        equal,
        customers,
        most_equal,
        CASE WHEN measure = 'r' THEN -value ELSE value END AS value,
        CAST(ROW_NUMBER() OVER (
            PARTITION BY universe, measure
            ORDER BY CASE WHEN measure = 'r' THEN -value ELSE value END, customer_key
        ) AS BIGINT) - 1 AS place
    FROM score_ranks
),
cuts AS (
    SELECT column1 AS cut FROM (VALUES (1), (2), (3), (4)) AS four
),
-- Five times each quantile: the two values around it weighed by the fifths between them.
bounds AS (
    SELECT
        n.universe,
        n.measure,
        c.cut,
        SUM(
            CASE
                WHEN n.place = (n.customers - 1) * c.cut / 5 THEN n.value * (5 - (n.customers - 1) * c.cut % 5)
                ELSE n.value * ((n.customers - 1) * c.cut % 5)
            END
        ) + 5 AS bound
    FROM numbered AS n
    CROSS JOIN cuts AS c
    WHERE n.place = (n.customers - 1) * c.cut / 5
        OR (n.place = (n.customers - 1) * c.cut / 5 + 1 AND (n.customers - 1) * c.cut % 5 > 0)
    GROUP BY n.universe, n.measure, c.cut
),
reached AS (
    SELECT
        n.universe,
        n.measure,
        n.customer_key,
        n.given,
        n.equal,
        n.customers,
        n.most_equal,
        SUM(CASE WHEN n.value * 5 >= b.bound THEN 1 ELSE 0 END) AS reached
    FROM numbered AS n
    INNER JOIN bounds AS b ON n.universe = b.universe AND n.measure = b.measure
    GROUP BY n.universe, n.measure, n.customer_key, n.given, n.equal, n.customers, n.most_equal
)
SELECT
    universe,
    measure,
    customer_key,
    given AS value,
    equal,
    customers,
    most_equal,
    CASE WHEN measure = 'r' THEN 5 - reached ELSE 1 + reached END AS score
FROM reached
