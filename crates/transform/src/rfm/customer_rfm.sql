-- The store as a whole, anonymous sales and all, which a customer's appetite for discounts is measured against.
WITH store AS (
    SELECT
        SUM(discount_amount) AS discount_amount,
        CASE WHEN SUM(gross_amount) > 0 THEN CAST(SUM(discount_amount) AS DOUBLE) / CAST(SUM(gross_amount) AS DOUBLE) END AS discount_rate
    FROM orders
),
scored AS (
    SELECT
        m.customer_key,
        m.region_key,
        m.days_since_last_order,
        m.orders,
        m.monetary,
        s.r_score,
        s.f_score,
        s.m_score,
        (s.f_score + s.m_score + 1) / 2 AS fm_score,
        g.segment AS base_segment,
        s.score_quality,
        CAST(m.discounted_orders AS DOUBLE) / CAST(m.orders AS DOUBLE) AS discounted_order_share,
        CASE WHEN m.gross_amount > 0 THEN CAST(m.discount_amount AS DOUBLE) / CAST(m.gross_amount AS DOUBLE) END AS discount_rate,
        m.discounted_orders,
        m.frequency,
        CASE
            WHEN CAST($price_rule AS VARCHAR) = 'auto' THEN CASE WHEN t.discount_amount > 0 THEN 'discount' ELSE 'grid' END
            ELSE CAST($price_rule AS VARCHAR)
        END AS price_rule,
        t.discount_rate AS store_discount_rate
    FROM rfm_measures AS m
    INNER JOIN rfm_scores AS s ON m.customer_key = s.customer_key
    INNER JOIN segment_grid AS g ON s.r_score = g.r_score AND s.f_score + s.m_score = g.fm_sum
    CROSS JOIN store AS t
),
-- Price Sensitive lies over the middle of the grid: it never hides a champion or a lost customer.
overlaid AS (
    SELECT
        customer_key,
        region_key,
        days_since_last_order,
        orders,
        frequency,
        monetary,
        r_score,
        f_score,
        m_score,
        fm_score,
        base_segment,
        score_quality,
        discounted_order_share,
        discount_rate,
        CASE
            WHEN base_segment = 'Price Sensitive' THEN 'segment_grid'
            WHEN base_segment NOT IN ('Recent Users', 'Promising', 'Potential Loyalist', 'Needs Attention', 'About To Sleep') THEN NULL
            WHEN price_rule = 'discount'
                AND orders >= 2
                AND discounted_orders * 10 >= orders * 6
                AND discount_rate > CAST(1.25 AS DOUBLE) * store_discount_rate THEN 'discount'
            WHEN price_rule = 'grid' AND r_score >= 3 AND f_score - m_score >= 2 THEN 'grid'
        END AS price_sensitive_basis
    FROM scored
)
SELECT
    o.customer_key,
    o.region_key,
    o.days_since_last_order,
    o.orders,
    o.monetary,
    o.r_score,
    o.f_score,
    o.m_score,
    o.fm_score,
    concat(CAST(o.r_score AS VARCHAR), CAST(o.f_score AS VARCHAR), CAST(o.m_score AS VARCHAR)) AS rfm_code,
    o.base_segment,
    CASE WHEN o.price_sensitive_basis IS NULL THEN o.base_segment ELSE 'Price Sensitive' END AS segment,
    o.price_sensitive_basis IS NOT NULL AS is_price_sensitive,
    o.price_sensitive_basis,
    o.discounted_order_share,
    o.discount_rate,
    o.score_quality,
    concat(
        'last order ', CAST(o.days_since_last_order AS VARCHAR), ' days ago (R=', CAST(o.r_score AS VARCHAR), '); ',
        CAST(o.frequency AS VARCHAR), CASE WHEN o.frequency = 1 THEN ' purchase' ELSE ' purchases' END, ' (F=', CAST(o.f_score AS VARCHAR), '); spent ',
        CAST(CAST(o.monetary AS DECIMAL(18, 2)) AS VARCHAR), ' (M=', CAST(o.m_score AS VARCHAR), ')',
        CASE o.price_sensitive_basis
            WHEN 'discount' THEN concat(
                '; ', CAST(CAST(round(o.discounted_order_share * 100) AS INT) AS VARCHAR), ' % of orders discounted, by ',
                CAST(CAST(round(o.discount_rate * 100) AS INT) AS VARCHAR), ' % over all'
            )
            WHEN 'grid' THEN '; buys often and spends little'
            ELSE ''
        END
    ) AS segment_reason,
    p.segment AS previous_segment
FROM overlaid AS o
LEFT JOIN previous_customer_rfm AS p ON o.customer_key = p.customer_key
ORDER BY o.customer_key
