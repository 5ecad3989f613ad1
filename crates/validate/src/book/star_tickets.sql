-- Tickets opened after as_of are not part of the picture; the calendar of complete periods knows as_of's year only,
-- so they are counted as what is missing from the fact by its key.
WITH published AS (
    SELECT COUNT(*) AS rows_out FROM fact_tickets
),
later AS (
    SELECT COUNT(*) AS filtered_rows
    FROM tickets AS t
    LEFT ANTI JOIN fact_tickets AS f ON t.ticket_id = f.ticket_id
)
SELECT p.rows_out, l.filtered_rows
FROM published AS p
CROSS JOIN later AS l
