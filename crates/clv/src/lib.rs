//! Customer lifetime value: how often a customer will buy again, whether they still do, and what that is worth.
