-- Days on which a ticket was opened.
SELECT DISTINCT opened_date_key AS day_key
FROM fact_tickets
ORDER BY day_key
