-- One row a customer: of each attribute the latest value that is not NULL, ties by the value itself.
SELECT
    customer_id,
    first_value(customer_name ORDER BY ordered_at DESC, customer_name) FILTER (WHERE customer_name IS NOT NULL) AS customer_name,
    first_value(email ORDER BY ordered_at DESC, email) FILTER (WHERE email IS NOT NULL) AS email,
    first_value(business_segment ORDER BY ordered_at DESC, business_segment) FILTER (WHERE business_segment IS NOT NULL) AS business_segment,
    -- The region of a sale is not the customer's own; dim_customer takes that of the latest order.
    CAST(NULL AS VARCHAR) AS region,
    first_value(country ORDER BY ordered_at DESC, country) FILTER (WHERE country IS NOT NULL) AS country,
    first_value(city ORDER BY ordered_at DESC, city) FILTER (WHERE city IS NOT NULL) AS city,
    CAST(NULL AS DATE) AS birth_on,
    CAST(NULL AS INT) AS age,
    CAST(NULL AS DATE) AS signup_on
FROM sales
WHERE customer_id IS NOT NULL
GROUP BY customer_id
