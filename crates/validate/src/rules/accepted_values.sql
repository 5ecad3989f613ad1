-- Rows whose value is not in the list; no value is none of these.
SELECT "$columns"
FROM "$table"
WHERE "$filter" AND CAST("$value" AS VARCHAR) NOT IN ("$accepted")
