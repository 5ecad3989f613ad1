-- As seen on as_of: later tickets are left out, and what was resolved later is still open.
WITH seen AS (
    SELECT
        ticket_id,
        customer_id,
        opened_at,
        CASE WHEN CAST(resolved_at AS DATE) <= CAST($as_of AS DATE) THEN resolved_at END AS resolved_at,
        category,
        priority,
        satisfaction
    FROM tickets
    WHERE CAST(opened_at AS DATE) <= CAST($as_of AS DATE)
)
SELECT
    ticket_id,
    surrogate_key(customer_id) AS customer_key,
    date_key(opened_at) AS opened_date_key,
    date_key(resolved_at) AS resolved_date_key,
    category,
    priority,
    -- Nothing takes less than no time.
    CASE
        WHEN resolved_at >= opened_at
            THEN CAST(CAST(resolved_at AS BIGINT) - CAST(opened_at AS BIGINT) AS DOUBLE) / CAST(3600000000 AS DOUBLE)
    END AS resolution_hours,
    satisfaction
FROM seen
ORDER BY ticket_id
