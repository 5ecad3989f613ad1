-- Every day any fact names, as seen on as_of, from the first year's 1 January to the last year's 31 December, as_of's year included.
WITH named AS (
    SELECT MIN(ordered_on) AS first_day, MAX(ordered_on) AS last_day FROM orders
    UNION ALL
    SELECT MIN(due_on) AS first_day, MAX(due_on) AS last_day FROM payments
    UNION ALL
    SELECT MIN(paid_on) AS first_day, MAX(paid_on) AS last_day FROM payments WHERE paid_on <= CAST($as_of AS DATE)
    UNION ALL
    SELECT CAST(MIN(opened_at) AS DATE) AS first_day, CAST(MAX(opened_at) AS DATE) AS last_day
    FROM tickets
    WHERE CAST(opened_at AS DATE) <= CAST($as_of AS DATE)
    UNION ALL
    SELECT CAST(MIN(resolved_at) AS DATE) AS first_day, CAST(MAX(resolved_at) AS DATE) AS last_day
    FROM tickets
    WHERE CAST(opened_at AS DATE) <= CAST($as_of AS DATE) AND CAST(resolved_at AS DATE) <= CAST($as_of AS DATE)
    UNION ALL
    SELECT CAST($as_of AS DATE) AS first_day, CAST($as_of AS DATE) AS last_day FROM (VALUES (1)) AS today
),
bounds AS (
    SELECT
        CAST(CAST(date_trunc('year', MIN(first_day)) AS DATE) AS INT) AS first_number,
        -- The day before the 1 January that follows.
        CAST(CAST(date_trunc('year', MAX(last_day)) + INTERVAL '1 year' AS DATE) AS INT) - 1 AS last_number
    FROM named
),
digits AS (
    SELECT column1 AS digit FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS ten
),
-- Two hundred thousand days are more than the years that any date may lie in. Thousands of them that lie beyond the last year
-- are left out before their days are counted.
thousands AS (
    SELECT
        CAST(b.first_number + n.number AS INT) AS first_number,
        b.last_number
    FROM (
        SELECT h.digit * 100000 + a.digit * 10000 + b.digit * 1000 AS number
        FROM digits AS h
        CROSS JOIN digits AS a
        CROSS JOIN digits AS b
        WHERE h.digit < 2
    ) AS n
    INNER JOIN bounds AS b ON b.first_number + n.number <= b.last_number
),
numbers AS (
    SELECT
        CAST(t.first_number + n.number AS INT) AS day_number,
        t.last_number
    FROM thousands AS t
    CROSS JOIN (
        SELECT a.digit * 100 + b.digit * 10 + c.digit AS number
        FROM digits AS a
        CROSS JOIN digits AS b
        CROSS JOIN digits AS c
    ) AS n
),
days AS (
    SELECT
        day_number,
        CAST(day_number AS DATE) AS date,
        -- 1970-01-01 was a Thursday.
        (day_number + 3 + 7 * 200000) % 7 + 1 AS day_of_week
    FROM numbers
    WHERE day_number <= last_number
),
-- The ISO week of a day is that of its Thursday.
weeks AS (
    SELECT
        date,
        day_of_week,
        CAST(day_number - day_of_week + 1 AS DATE) AS week_start,
        CAST(day_number - day_of_week + 4 AS DATE) AS thursday,
        CAST(date_trunc('month', date) AS DATE) AS month_start,
        CAST(date_trunc('month', date) + INTERVAL '1 month' AS DATE) AS next_month_start
    FROM days
)
SELECT
    date_key(date) AS date_key,
    date,
    CAST(date_part('year', date) AS INT) AS year,
    CAST(date_part('quarter', date) AS INT) AS quarter,
    CAST(date_part('month', date) AS INT) AS month,
    CASE CAST(date_part('month', date) AS INT)
        WHEN 1 THEN 'January' WHEN 2 THEN 'February' WHEN 3 THEN 'March' WHEN 4 THEN 'April'
        WHEN 5 THEN 'May' WHEN 6 THEN 'June' WHEN 7 THEN 'July' WHEN 8 THEN 'August'
        WHEN 9 THEN 'September' WHEN 10 THEN 'October' WHEN 11 THEN 'November' ELSE 'December'
    END AS month_name,
    CAST(date_part('year', date) * 100 + date_part('month', date) AS INT) AS year_month,
    month_start,
    week_start,
    CAST(date_part('year', thursday) AS INT) AS iso_year,
    CAST((date_part('doy', thursday) - 1) / 7 + 1 AS INT) AS iso_week,
    CAST(date_part('day', date) AS INT) AS day_of_month,
    CAST(day_of_week AS INT) AS day_of_week,
    CASE CAST(day_of_week AS INT)
        WHEN 1 THEN 'Monday' WHEN 2 THEN 'Tuesday' WHEN 3 THEN 'Wednesday' WHEN 4 THEN 'Thursday'
        WHEN 5 THEN 'Friday' WHEN 6 THEN 'Saturday' ELSE 'Sunday'
    END AS day_name,
    day_of_week >= 6 AS is_weekend,
    next_month_start <= CAST($as_of AS DATE) + INTERVAL '1 day' AS is_complete_month
FROM weeks
ORDER BY date_key
