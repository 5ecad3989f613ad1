-- Do Champions really spend most? Four answers, each NULL where there are no Champions or nobody else.
WITH spenders AS (
    SELECT
        segment,
        monetary,
        segment = 'Champions' AS is_champion,
        segment IN ('Champions', 'Loyal Customers', 'Can''t Lose Them') AS is_best,
        -- Twice the mean rank of equal values, so that it stays a whole number.
        2 * CAST(RANK() OVER (ORDER BY monetary) AS BIGINT) + COUNT(*) OVER (PARTITION BY monetary) - 1 AS doubled_rank,
        CAST(ROW_NUMBER() OVER (ORDER BY monetary DESC, customer_key) AS BIGINT) AS place,
        COUNT(*) OVER () AS customers
    FROM customer_rfm
),
totals AS (
    SELECT
        COUNT(*) AS customers,
        COUNT(CASE WHEN is_champion THEN 1 END) AS champions,
        SUM(monetary) AS amount,
        SUM(CASE WHEN is_champion THEN monetary ELSE CAST(0 AS DECIMAL(18, 4)) END) AS champion_amount,
        SUM(CASE WHEN is_champion THEN doubled_rank ELSE 0 END) AS champion_ranks,
        COUNT(CASE WHEN place * 10 <= customers + 9 THEN 1 END) AS top_decile,
        COUNT(CASE WHEN place * 10 <= customers + 9 AND is_best THEN 1 END) AS top_decile_best
    FROM spenders
),
means AS (
    SELECT segment, region_key, CAST(RANK() OVER (ORDER BY average_monetary DESC) AS BIGINT) AS place
    FROM rfm_segment_summary
    WHERE region_key = 0
),
measured AS (
    SELECT 'champions_rank_by_mean_spend' AS check_name, CAST(MIN(place) AS DOUBLE) AS value, CAST(1 AS DOUBLE) AS threshold, FALSE AS wants_more
    FROM means
    WHERE segment = 'Champions'
    UNION ALL
    SELECT
        'champions_revenue_to_customer_share' AS check_name,
        CASE WHEN champions > 0 AND amount > 0
            THEN (CAST(champion_amount AS DOUBLE) / CAST(amount AS DOUBLE)) / (CAST(champions AS DOUBLE) / CAST(customers AS DOUBLE))
        END AS value,
        CAST(1.5 AS DOUBLE) AS threshold,
        TRUE AS wants_more
    FROM totals
    UNION ALL
    SELECT
        'top_decile_in_best_segments' AS check_name,
        CASE WHEN champions > 0 AND top_decile > 0 THEN CAST(top_decile_best AS DOUBLE) / CAST(top_decile AS DOUBLE) END AS value,
        CAST(0.8 AS DOUBLE) AS threshold,
        TRUE AS wants_more
    FROM totals
    UNION ALL
    -- The chance that a Champion outspends somebody else: the area under the ROC curve, by ranks (Mann and Whitney).
    SELECT
        'champions_outspend_others' AS check_name,
        CASE WHEN champions > 0 AND champions < customers
            THEN CAST(champion_ranks - champions * (champions + 1) AS DOUBLE) / CAST(2 * champions * (customers - champions) AS DOUBLE)
        END AS value,
        CAST(0.8 AS DOUBLE) AS threshold,
        TRUE AS wants_more
    FROM totals
)
SELECT
    check_name AS check,
    value,
    threshold,
    CASE WHEN wants_more THEN value >= threshold ELSE value <= threshold END AS passed
FROM measured
ORDER BY check_name
