-- Everybody with a purchase; without a segment where segments are left out.
SELECT m.customer_key, r.segment
FROM rfm_measures AS m
LEFT JOIN customer_rfm AS r ON m.customer_key = r.customer_key
ORDER BY m.customer_key
