-- How many rows are looked at.
SELECT COUNT(*) AS rows_checked
FROM "$table"
WHERE "$filter"
