-- Tickets opened after as_of are not part of the picture.
WITH published AS (
    SELECT COUNT(*) AS rows_out FROM fact_tickets
),
later AS (
    SELECT COUNT(*) AS filtered_rows FROM tickets WHERE CAST(opened_at AS DATE) > CAST($as_of AS DATE)
)
SELECT p.rows_out, l.filtered_rows
FROM published AS p
CROSS JOIN later AS l
