//! Market baskets: which products are bought together, and what to offer beside them.
