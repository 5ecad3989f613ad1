-- Keys that several rows have. Rows without a value in the key are nobody's twin.
SELECT "$keys", COUNT(*) AS rows_of_key
FROM "$table"
WHERE "$filter" AND "$present"
GROUP BY "$keys"
HAVING COUNT(*) > 1
