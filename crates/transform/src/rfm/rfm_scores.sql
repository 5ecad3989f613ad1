-- The scores of the chosen mode side by side, and how far the data bears them.
WITH judged AS (
    SELECT
        customer_key,
        measure,
        customers,
        equal = customers AS is_degenerate,
        -- A customer who spent nothing on balance is never scored above the lowest.
        CASE WHEN measure = 'm' AND value <= 0 THEN 1 ELSE CAST(score AS INT) END AS score,
        most_equal * 10 > customers * 4 AS has_heavy_ties
    FROM scores
),
wide AS (
    SELECT
        customer_key,
        MAX(CASE WHEN measure = 'r' THEN score END) AS r_score,
        MAX(CASE WHEN measure = 'f' THEN score END) AS f_score,
        MAX(CASE WHEN measure = 'm' THEN score END) AS m_score,
        MAX(customers) AS customers,
        MAX(CASE WHEN measure = 'r' AND is_degenerate THEN 1 ELSE 0 END) AS degenerate_r,
        MAX(CASE WHEN measure = 'f' AND is_degenerate THEN 1 ELSE 0 END) AS degenerate_f,
        MAX(CASE WHEN measure = 'm' AND is_degenerate THEN 1 ELSE 0 END) AS degenerate_m,
        MAX(CASE WHEN has_heavy_ties THEN 1 ELSE 0 END) AS heavy_ties
    FROM judged
    GROUP BY customer_key
)
SELECT
    customer_key,
    r_score,
    f_score,
    m_score,
    CASE
        WHEN customers < 5 THEN 'low_n'
        WHEN degenerate_r = 1 THEN 'degenerate_r'
        WHEN degenerate_f = 1 THEN 'degenerate_f'
        WHEN degenerate_m = 1 THEN 'degenerate_m'
        WHEN heavy_ties = 1 THEN 'heavy_ties'
        ELSE 'ok'
    END AS score_quality
FROM wide
ORDER BY customer_key
