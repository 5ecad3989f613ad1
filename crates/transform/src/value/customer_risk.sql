-- What customers owe as seen on as_of; payments due later are not judged yet.
WITH due AS (
    SELECT
        p.customer_key,
        p.amount,
        p.is_late,
        p.days_late,
        p.paid_date_key,
        d.date AS due_on
    FROM fact_payments AS p
    INNER JOIN dim_date AS d ON p.due_date_key = d.date_key
    WHERE d.date <= CAST($as_of AS DATE) AND p.amount > 0
),
paying AS (
    SELECT
        customer_key,
        COUNT(*) AS payments_due,
        COUNT(CASE WHEN is_late THEN 1 END) AS late_payments,
        COUNT(CASE WHEN is_late AND due_on > CAST($as_of AS DATE) - INTERVAL '365 days' THEN 1 END) AS late_365d,
        SUM(CASE WHEN is_late THEN days_late ELSE 0 END) AS days_late,
        MAX(CASE WHEN is_late THEN days_late END) AS longest_days_late,
        SUM(CASE WHEN is_late AND paid_date_key IS NULL THEN amount ELSE CAST(0 AS DECIMAL(18, 4)) END) AS overdue_amount
    FROM due
    GROUP BY customer_key
),
asking AS (
    SELECT
        t.customer_key,
        COUNT(CASE WHEN d.date > CAST($as_of AS DATE) - INTERVAL '90 days' THEN 1 END) AS tickets_90d,
        COUNT(CASE WHEN d.date > CAST($as_of AS DATE) - INTERVAL '365 days' THEN 1 END) AS tickets_365d,
        COUNT(CASE WHEN t.resolved_date_key IS NULL THEN 1 END) AS open_tickets
    FROM fact_tickets AS t
    INNER JOIN dim_date AS d ON t.opened_date_key = d.date_key
    GROUP BY t.customer_key
),
-- Without a payment and without a ticket anywhere there is nothing to judge anybody by.
evidence AS (
    SELECT COUNT(*) AS rows_seen
    FROM (
        SELECT customer_key FROM paying
        UNION ALL
        SELECT customer_key FROM asking
    ) AS seen
),
measured AS (
    SELECT
        c.customer_key,
        c.region_key,
        COALESCE(p.payments_due, 0) AS payments_due,
        COALESCE(p.late_payments, 0) AS late_payments,
        COALESCE(p.late_365d, 0) AS late_365d,
        CASE WHEN p.payments_due > 0 THEN CAST(p.late_payments AS DOUBLE) / CAST(p.payments_due AS DOUBLE) END AS late_payment_rate,
        CASE WHEN p.late_payments > 0 THEN CAST(p.days_late AS DOUBLE) / CAST(p.late_payments AS DOUBLE) END AS average_days_late,
        p.longest_days_late,
        COALESCE(p.overdue_amount, CAST(0 AS DECIMAL(18, 4))) AS overdue_amount,
        COALESCE(t.tickets_90d, 0) AS tickets_90d,
        COALESCE(t.tickets_365d, 0) AS tickets_365d,
        COALESCE(t.open_tickets, 0) AS open_tickets,
        v.probability_alive
    FROM dim_customer AS c
    CROSS JOIN evidence AS e
    LEFT JOIN paying AS p ON c.customer_key = p.customer_key
    LEFT JOIN asking AS t ON c.customer_key = t.customer_key
    LEFT JOIN customer_clv AS v ON c.customer_key = v.customer_key
    WHERE c.customer_key <> 0 AND e.rows_seen > 0
),
judged AS (
    SELECT
        customer_key,
        region_key,
        payments_due,
        late_payments,
        late_365d,
        late_payment_rate,
        average_days_late,
        longest_days_late,
        overdue_amount,
        tickets_90d,
        tickets_365d,
        open_tickets,
        probability_alive,
        late_365d >= CAST($late_payments AS BIGINT) AS pays_late,
        tickets_90d >= CAST($tickets_90d AS BIGINT) AS asks_much
    FROM measured
)
SELECT
    customer_key,
    region_key,
    CAST(payments_due AS INT) AS payments_due,
    CAST(late_payments AS INT) AS late_payments,
    late_payment_rate,
    average_days_late,
    longest_days_late,
    overdue_amount,
    CAST(tickets_90d AS INT) AS tickets_90d,
    CAST(tickets_365d AS INT) AS tickets_365d,
    CAST(open_tickets AS INT) AS open_tickets,
    pays_late OR asks_much AS is_high_risk,
    -- Half for late payments (full from every second one late), three tenths for tickets (full from five), a fifth for
    -- the chance that the customer has left already.
    50 * LEAST(CAST(1 AS DOUBLE), COALESCE(late_payment_rate, CAST(0 AS DOUBLE)) / CAST(0.5 AS DOUBLE))
        + 30 * LEAST(CAST(1 AS DOUBLE), CAST(tickets_90d AS DOUBLE) / CAST(5 AS DOUBLE))
        + 20 * (1 - COALESCE(probability_alive, CAST(1 AS DOUBLE))) AS risk_score,
    NULLIF(substr(concat(
        CASE WHEN late_payments > 0
            THEN concat('; ', CAST(late_payments AS VARCHAR), ' of ', CAST(payments_due AS VARCHAR), ' payments late, up to ',
                CAST(longest_days_late AS VARCHAR), ' days')
            ELSE '' END,
        CASE WHEN overdue_amount > 0
            THEN concat('; ', CAST(CAST(overdue_amount AS DECIMAL(18, 2)) AS VARCHAR), ' overdue') ELSE '' END,
        CASE WHEN tickets_90d > 0
            THEN concat('; ', CAST(tickets_90d AS VARCHAR), CASE WHEN tickets_90d = 1 THEN ' ticket' ELSE ' tickets' END, ' in 90 days')
            ELSE '' END,
        CASE WHEN open_tickets > 0 THEN concat('; ', CAST(open_tickets AS VARCHAR), ' open') ELSE '' END,
        CASE WHEN probability_alive < 0.5
            THEN concat('; ', CAST(CAST(round(probability_alive * 100) AS INT) AS VARCHAR), ' % likely to be still a customer') ELSE '' END
    ), 3), '') AS risk_reasons
FROM judged
ORDER BY customer_key
