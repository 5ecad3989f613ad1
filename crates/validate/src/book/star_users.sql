-- Two grants of the same region under two spellings of a sign-in name are one.
WITH published AS (
    SELECT COUNT(*) AS rows_out FROM security_user_region
),
granted AS (
    SELECT COUNT(*) AS grants FROM users
),
spelt_alike AS (
    SELECT COUNT(*) AS grants FROM (SELECT DISTINCT lower(user_principal_name) AS name, region FROM users) AS once
)
SELECT p.rows_out, g.grants - s.grants AS filtered_rows
FROM published AS p
CROSS JOIN granted AS g
CROSS JOIN spelt_alike AS s
