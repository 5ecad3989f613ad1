-- Days on which an account was opened.
SELECT DISTINCT
    CAST(date_part('year', signup_on) * 10000 + date_part('month', signup_on) * 100 + date_part('day', signup_on) AS INTEGER) AS day_key
FROM dim_customer
WHERE signup_on IS NOT NULL
ORDER BY day_key
