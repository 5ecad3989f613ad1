-- Two grants of the same region under two spellings of a sign-in name are one.
WITH published AS (
    SELECT COUNT(*) AS rows_out FROM security_user_region
),
granted AS (
    SELECT COUNT(*) AS grants FROM users
)
SELECT p.rows_out, g.grants - p.rows_out AS filtered_rows
FROM published AS p
CROSS JOIN granted AS g
