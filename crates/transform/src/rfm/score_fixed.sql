-- Thresholds of the pipeline file: one more point for every bound that is reached; for recency one less.
SELECT
    universe,
    measure,
    customer_key,
    value,
    equal,
    customers,
    most_equal,
    CASE measure
        WHEN 'r' THEN
            5
            - CASE WHEN -value >= CAST($recency_1 AS DECIMAL(18, 4)) THEN 1 ELSE 0 END
            - CASE WHEN -value >= CAST($recency_2 AS DECIMAL(18, 4)) THEN 1 ELSE 0 END
            - CASE WHEN -value >= CAST($recency_3 AS DECIMAL(18, 4)) THEN 1 ELSE 0 END
            - CASE WHEN -value >= CAST($recency_4 AS DECIMAL(18, 4)) THEN 1 ELSE 0 END
        WHEN 'f' THEN
            1
            + CASE WHEN value >= CAST($frequency_1 AS DECIMAL(18, 4)) THEN 1 ELSE 0 END
            + CASE WHEN value >= CAST($frequency_2 AS DECIMAL(18, 4)) THEN 1 ELSE 0 END
            + CASE WHEN value >= CAST($frequency_3 AS DECIMAL(18, 4)) THEN 1 ELSE 0 END
            + CASE WHEN value >= CAST($frequency_4 AS DECIMAL(18, 4)) THEN 1 ELSE 0 END
        ELSE
            1
            + CASE WHEN value >= CAST($monetary_1 AS DECIMAL(18, 4)) THEN 1 ELSE 0 END
            + CASE WHEN value >= CAST($monetary_2 AS DECIMAL(18, 4)) THEN 1 ELSE 0 END
            + CASE WHEN value >= CAST($monetary_3 AS DECIMAL(18, 4)) THEN 1 ELSE 0 END
            + CASE WHEN value >= CAST($monetary_4 AS DECIMAL(18, 4)) THEN 1 ELSE 0 END
    END AS score
FROM score_ranks
