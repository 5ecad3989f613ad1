-- Where the last fits ended is where the next ones start.
SELECT model, p1, p2, p3, p4
FROM previous_clv_model
ORDER BY model
