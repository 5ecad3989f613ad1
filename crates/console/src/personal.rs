//! Whose values are masked, and what stands in their place.

use crate::view::PiiPolicy;

/// What is shown in place of a personal value. Its length says nothing of the value's.
pub const MASK: &str = "••••••";

impl PiiPolicy {
    /// Whether values of this column are masked.
    pub fn masks(&self, column: &str) -> bool {
        let is_named = || self.also_personal.iter().any(|name| name.eq_ignore_ascii_case(column));
        !self.show_personal && (schema::is_personal(column) || is_named())
    }

    /// Whether values of a column of a check's failing rows are masked. A query may call its columns anything, so what the
    /// contract does not know is taken for personal.
    pub fn masks_kept(&self, column: &str) -> bool {
        let is_published = schema::TABLES.iter().any(|table| table.column(column).is_some());
        let is_known = is_published || column == "rows_of_key";
        if is_known { self.masks(column) } else { self.masks_raw(column) }
    }

    /// Whether a raw value of a record that was set aside is masked. A column that the contract does not know may hold
    /// anything, so it is taken for personal.
    pub fn masks_raw(&self, column: &str) -> bool {
        let known = schema::ENTITIES.iter().any(|e| schema::entity(*e).columns.iter().any(|c| c.name == column));
        self.masks(column) || (!self.show_personal && !known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_are_masked_unless_the_policy_shows_them() {
        let policy = PiiPolicy { also_personal: vec!["loyalty_card".to_owned()], ..PiiPolicy::default() };
        assert!(policy.masks("email") && policy.masks("Customer_Name") && policy.masks("loyalty_card"));
        assert!(!policy.masks("net_amount") && !policy.masks_raw("quantity") && policy.masks_raw("whole record"));
        assert!(policy.masks_kept("email") && policy.masks_kept("whom") && !policy.masks_kept("customer_key"));
        assert!(!policy.masks_kept("rows_of_key"));
        assert!(!PiiPolicy { show_personal: true, ..policy }.masks("email"));
    }
}
