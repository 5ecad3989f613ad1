//! What sells best, in all and in each group: the advice where no rule has any.

use crate::baskets::Baskets;

/// An item and the share of the baskets, or of the customers, that hold it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seller {
    pub item: u32,
    pub share: f64,
}

/// Items by their share, the most sold first, then by number.
///
/// The score of a best seller is below that of any rule, and one of the own group is above any other: the share less 1 in
/// the own group, the share less 2 among all. So a list that begins with rules and ends with best sellers never rises.
#[derive(Debug, Clone, Default)]
pub struct BestSellers {
    groups: Vec<Vec<Seller>>,
    overall: Vec<Seller>,
}

impl BestSellers {
    /// Lists made elsewhere: one for each group, and that of all.
    pub fn new(groups: Vec<Vec<Seller>>, overall: Vec<Seller>) -> Self {
        Self { groups, overall }
    }

    /// The best sellers among the baskets of each group, such as the products of each segment's customers. What nobody in a group
    /// bought is not in its list; among all every eligible item is, those that nobody bought at the end.
    pub fn of_baskets(baskets: &Baskets, group_of_basket: &[Option<u32>], eligible: &[bool]) -> Self {
        let groups = group_of_basket.iter().flatten().max().map_or(0, |group| *group as usize + 1);
        let mut overall = Tally::new(eligible.len());
        let mut tallies = vec![Tally::new(eligible.len()); groups];
        for (at, basket) in baskets.iter().enumerate() {
            overall.add(basket);
            if let Some(tally) = group_of_basket.get(at).copied().flatten().and_then(|group| tallies.get_mut(group as usize)) {
                tally.add(basket);
            }
        }
        let is_sold = |tally: &Tally, item: u32| tally.orders.get(item as usize).is_some_and(|orders| *orders > 0);
        let sellers = |tally: &Tally| tally.sellers(|item| is_true(eligible, item) && is_sold(tally, item));
        let groups = tallies.iter().map(sellers).collect();
        Self { groups, overall: overall.sellers(|item| is_true(eligible, item)) }
    }

    /// The best sellers among the items of each group, such as those of each category.
    pub(crate) fn of_items(baskets: u64, orders: &[u64], group_of_item: &[Option<u32>], eligible: &[bool]) -> Self {
        let groups = group_of_item.iter().flatten().max().map_or(0, |group| *group as usize + 1);
        let tally = Tally { baskets, orders: orders.to_vec() };
        let overall = tally.sellers(|item| is_true(eligible, item));
        let mut lists = vec![Vec::new(); groups];
        for seller in overall.iter().filter(|seller| seller.share > 0.0) {
            let group = group_of_item.get(seller.item as usize).copied().flatten();
            if let Some(list) = group.and_then(|group| lists.get_mut(group as usize)) {
                list.push(*seller);
            }
        }
        Self { groups: lists, overall }
    }

    /// One more than the largest item in any list.
    pub(crate) fn width(&self) -> usize {
        let lists = self.groups.iter().chain([&self.overall]);
        lists.flatten().map(|seller| seller.item as usize + 1).max().unwrap_or(0)
    }

    /// Best sellers with their scores, the group's own first; an item of both lists comes twice.
    pub(crate) fn of_group(&self, group: Option<u32>) -> impl Iterator<Item = (u32, f64)> {
        let own = group.and_then(|group| self.groups.get(group as usize)).map_or(&[][..], Vec::as_slice);
        let scored = |less: f64| move |seller: &Seller| (seller.item, seller.share - less);
        own.iter().map(scored(1.0)).chain(self.overall.iter().map(scored(2.0)))
    }
}

fn is_true(flags: &[bool], at: u32) -> bool {
    flags.get(at as usize).copied().unwrap_or(false)
}

/// Baskets of each item.
#[derive(Debug, Clone)]
struct Tally {
    baskets: u64,
    orders: Vec<u64>,
}

impl Tally {
    fn new(items: usize) -> Self {
        Self { baskets: 0, orders: vec![0; items] }
    }

    fn add(&mut self, basket: &[u32]) {
        self.baskets += 1;
        for item in basket {
            if let Some(orders) = self.orders.get_mut(*item as usize) {
                *orders += 1;
            }
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of baskets are far below 2^52")]
    fn sellers(&self, is_eligible: impl Fn(u32) -> bool) -> Vec<Seller> {
        let mut order: Vec<(u64, u32)> = self.orders.iter().copied().zip(0..).filter(|(_, item)| is_eligible(*item)).collect();
        order.sort_unstable_by_key(|(orders, item)| (std::cmp::Reverse(*orders), *item));
        let share = |orders: u64| if self.baskets == 0 { 0.0 } else { orders as f64 / self.baskets as f64 };
        order.into_iter().map(|(orders, item)| Seller { item, share: share(orders) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_baskets() {
        let owned: Baskets = [vec![0, 1], vec![1, 2], vec![1, 3], vec![]].into_iter().collect();
        let sellers = BestSellers::of_baskets(&owned, &[Some(1), Some(1), None, Some(0)], &[true, true, true, false]);
        let list = |group| sellers.of_group(group).collect::<Vec<_>>();
        assert_eq!(list(Some(1))[..3], [(1, 0.0), (0, -0.5), (2, -0.5)]);
        // Those of group 0 have bought nothing, so it is what all buy.
        assert_eq!(list(None), [(1, -1.25), (0, -1.75), (2, -1.75)]);
        assert_eq!(list(Some(0)), list(None));
        assert_eq!(list(Some(9)), list(None));
    }

    #[test]
    fn groups_of_items() {
        let sellers = BestSellers::of_items(4, &[1, 4, 2, 2], &[Some(0), None, Some(2), Some(0)], &[true; 4]);
        let items = |group| sellers.of_group(group).map(|(item, _)| item).collect::<Vec<_>>();
        assert_eq!((items(Some(0)), items(Some(1))), (vec![3, 0, 1, 2, 3, 0], vec![1, 2, 3, 0]));
        assert_eq!(BestSellers::of_items(0, &[], &[], &[]).of_group(None).count(), 0);
        let unsold = BestSellers::of_items(4, &[0, 4], &[Some(0), Some(1)], &[true; 2]);
        assert_eq!(unsold.of_group(Some(0)).map(|(item, _)| item).collect::<Vec<_>>(), [1, 0]);
    }
}
