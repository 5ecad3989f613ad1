-- Rows whose value lies outside the bounds. A bound that is not given is NULL, and nothing lies outside of it.
SELECT "$columns"
FROM "$table"
WHERE "$filter" AND ("$value" < $min OR "$value" > $max)
