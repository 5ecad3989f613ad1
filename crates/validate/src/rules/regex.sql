-- Rows whose text the pattern does not match.
SELECT "$columns"
FROM "$table"
WHERE "$filter" AND NOT regexp_like("$value", $pattern)
