//! The amounts of a line: which of price and total the source gives, and on which side of the discount the total stands.
//! The values of the sample decide wherever they can.

use std::collections::BTreeMap;

use crate::mapped::{Mapping, Remark, Value, both};
use crate::matching::{Found, SURE};
use crate::source::HEAD_ROWS;
use crate::view::{Seen, View};

/// Beginnings of words that say that an amount is the order's.
const OF_THE_ORDER: [&str; 11] =
    ["order", "invoice", "bestell", "auftrag", "rechnung", "commande", "facture", "pedido", "factura", "ordine", "fattura"];
/// Rows that must agree, of those that have all values.
const SHARE: f64 = 0.98;

/// A line of the sample, as far as it has numbers.
#[derive(Debug, Clone, Copy)]
struct Line {
    /// Its place in the sample.
    row: usize,
    quantity: f64,
    price: Option<f64>,
    total: Option<f64>,
    discount: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Discount {
    /// A share of the gross amount, 0 to 1.
    Rate,
    /// A share in percent, 0 to 100.
    Percent,
    Amount,
    /// Money below zero.
    Negative,
}

/// Maps quantity, unit price, net amount, discount and cost, as far as they are there.
pub(crate) fn amounts(mapping: &mut Mapping<'_, '_>) {
    quantity(mapping);
    let lines = lines(mapping);
    let discount = mapping.seen("discount").map(|seen| kind(seen, &lines));
    match (mapping.seen("unit_price"), mapping.seen("net_amount")) {
        (Some(price), None) if is_of_the_line(mapping, &lines) => {
            let totals: Vec<Line> = lines.iter().map(|line| Line { total: line.price, price: None, ..*line }).collect();
            total_alone(mapping, ("unit_price", price), discount, &totals, Some(grows(&price.out)));
        }
        (Some(_), None) => {
            mapping.number("unit_price", None);
            map_discount(mapping, discount, None);
        }
        (Some(price), Some(total)) => price_and_total(mapping, price, total, discount, &lines),
        (None, Some(total)) => total_alone(mapping, ("net_amount", total), discount, &lines, None),
        (None, None) => {}
    }
    cost(mapping);
}

fn quantity(mapping: &mut Mapping<'_, '_>) {
    let turned = sign_of_amount(mapping);
    let Some(seen) = mapping.seen("quantity") else {
        let why = Some(Remark::guess("the source has no quantity, so each row counts as one piece"));
        let (sql, remark) = turned.map_or_else(|| ("1".to_owned(), None), |(sign, remark)| (sign, Some(remark)));
        mapping.push("quantity", Value::Sql(sql), both(why, remark));
        return;
    };
    if let Some((sign, remark)) = turned
        && let Some(pieces) = mapping.number_sql("quantity")
    {
        let remark = both(Some(remark), mapping.doubt("quantity"));
        mapping.push("quantity", Value::Sql(format!("{pieces} * {sign}")), remark);
        return;
    }
    let negative = seen.profile.least < 0.0;
    let remark = negative.then(|| Remark::certain("below zero in some rows: they count as returns (`returns:` below)"));
    let remark = both(remark, mapping.doubt("quantity"));
    mapping.number("quantity", remark);
}

/// SQL for the sign of a line where a source writes returns with a minus before the amount alone: a run takes none of which
/// not both are below zero.
fn sign_of_amount(mapping: &mut Mapping<'_, '_>) -> Option<(String, Remark)> {
    let total = mapping.seen("net_amount").filter(|seen| seen.profile.least < 0.0)?;
    let pieces_too = mapping.seen("quantity").is_some_and(|seen| seen.profile.least < 0.0);
    // A price, a discount or a cost of one piece is reckoned with the quantity as it stands.
    let reckoned = ["unit_price", "discount", "unit_cost"].into_iter().any(|name| mapping.seen(name).is_some());
    if pieces_too || reckoned {
        return None;
    }
    let amount = mapping.number_sql("net_amount")?;
    let why = format!("rows with `{}` below zero are taken for returns (`returns:` below)", total.out);
    let ask = format!("Are rows with `{}` below zero returns?", total.out);
    let remark = Remark::guess(why).asking(ask, &["yes", "no"]);
    Some((format!("CASE WHEN {amount} < 0 THEN -1 ELSE 1 END"), remark))
}

/// Rows in which quantity is there, and price, total and discount where the source has them.
fn lines(mapping: &Mapping<'_, '_>) -> Vec<Line> {
    let column = |name: &str| mapping.seen(name).map(numbers);
    let (quantity, price, total, discount) = (column("quantity"), column("unit_price"), column("net_amount"), column("discount"));
    let rows = [&quantity, &price, &total, &discount].into_iter().flatten().map(Vec::len).max().unwrap_or(0);
    let at = |column: &Option<Vec<Option<f64>>>, row: usize| column.as_ref().and_then(|c| c.get(row).copied().flatten());
    (0..rows)
        .filter_map(|row| {
            let pieces = if quantity.is_some() { at(&quantity, row)? } else { 1.0 };
            Some(Line { row, quantity: pieces, price: at(&price, row), total: at(&total, row), discount: at(&discount, row) })
        })
        .collect()
}

fn numbers(seen: &Seen<'_>) -> Vec<Option<f64>> {
    let read = |value: &Option<String>| seen.profile.numbers.and_then(|n| n.read(value.as_deref()?));
    seen.column.values.iter().map(read).collect()
}

/// Whether a discount is a rate or an amount, by its values and by its name where they leave it open.
fn kind(seen: &Seen<'_>, lines: &[Line]) -> (Discount, Option<Remark>) {
    let profile = &seen.profile;
    let named_rate = seen
        .names
        .iter()
        .flatten()
        .any(|w| ["rate", "percent", "percentage", "pct", "prozent", "rabattsatz", "satz", "taux"].contains(&w.as_str()));
    let said_percent = profile.numbers.is_some_and(|n| n.style == crate::number::NumberStyle::Percent);
    if said_percent {
        return (Discount::Rate, None);
    }
    if profile.seen == 0 || (profile.least >= 0.0 && profile.most <= 0.0) {
        let why = "nothing but zeros was seen, so whether it is a rate or an amount is open";
        return (if named_rate { Discount::Rate } else { Discount::Amount }, Some(Remark::guess(why)));
    }
    if profile.most <= 0.0 {
        let why = "below zero in every row seen, so its sign is turned";
        return (Discount::Negative, Some(Remark::likely(why)));
    }
    let within_one = profile.least >= 0.0 && profile.most <= 1.0;
    let steps = profile.distinct <= 25;
    match (within_one, named_rate) {
        (true, true) => (Discount::Rate, None),
        (true, false) if steps => {
            let why = format!("values from {} to {}: a share of the amount", profile.least, profile.most);
            (Discount::Rate, Some(Remark::likely(why)))
        }
        (false, true) if profile.least >= 0.0 && profile.most <= 100.0 => {
            (Discount::Percent, Some(Remark::likely(format!("values up to {}: percent", profile.most))))
        }
        _ => {
            // An amount is never more than what it is taken off.
            let gross = |line: &Line| line.price.map(|price| (price * line.quantity).abs());
            let over = lines.iter().filter(|l| gross(l).zip(l.discount).is_some_and(|(g, d)| d > g + 0.01)).count();
            let why = if over == 0 {
                format!("values up to {}: money off the line", profile.most)
            } else {
                format!("values up to {}; in {over} rows more than the line is worth", profile.most)
            };
            let remark = if over == 0 { Remark::likely(why) } else { Remark::guess(why) };
            let ask = format!("Is `{}` money off the line, or percent?", seen.out);
            (Discount::Amount, Some(if over == 0 { remark } else { remark.asking(ask, &["money", "percent"]) }))
        }
    }
}

fn map_discount(mapping: &mut Mapping<'_, '_>, discount: Option<(Discount, Option<Remark>)>, also: Option<Remark>) {
    let Some((kind, remark)) = discount else { return };
    let remark = both(both(also, remark), mapping.doubt("discount"));
    let sql = |mapping: &mut Mapping<'_, '_>, after: &str| {
        mapping.number_sql("discount").map(|sql| Value::Sql(format!("{sql} {after}")))
    };
    match kind {
        Discount::Rate => mapping.number_from("discount_rate", "discount", remark),
        Discount::Amount => mapping.number_from("discount_amount", "discount", remark),
        Discount::Percent => {
            if let Some(value) = sql(mapping, "/ 100") {
                mapping.push("discount_rate", value, remark);
            }
        }
        Discount::Negative => {
            if let Some(value) = sql(mapping, "* -1") {
                mapping.push("discount_amount", value, remark);
            }
        }
    }
}

/// What the discount takes off a gross amount.
fn off(kind: Option<Discount>, gross: f64, discount: f64) -> f64 {
    match kind {
        None => 0.0,
        Some(Discount::Rate) => gross * discount,
        Some(Discount::Percent) => gross * discount / 100.0,
        Some(Discount::Amount) => discount,
        Some(Discount::Negative) => -discount,
    }
}

/// Share of the lines for which a total is what a rule says, to a cent or a thousandth; none without any to ask.
#[allow(clippy::cast_precision_loss, reason = "counts of a sample")]
fn agree(lines: &[Line], rule: impl Fn(&Line, f64) -> f64) -> Option<f64> {
    let asked: Vec<(f64, f64)> = lines.iter().filter_map(|l| Some((l.total?, rule(l, l.price?)))).collect();
    let close = asked.iter().filter(|(total, ruled)| (total - ruled).abs() <= 0.0151_f64.max(total.abs() * 0.001)).count();
    (!asked.is_empty()).then(|| close as f64 / asked.len() as f64)
}

fn price_and_total(
    mapping: &mut Mapping<'_, '_>,
    price: &Seen<'_>,
    total: &Seen<'_>,
    discount: Option<(Discount, Option<Remark>)>,
    lines: &[Line],
) {
    let kind = discount.as_ref().map(|(kind, _)| *kind);
    let is_given = lines.iter().any(|l| l.discount.is_some_and(|d| d != 0.0));
    let gross = agree(lines, |l, price| price * l.quantity).is_some_and(|s| s >= SHARE);
    let net = agree(lines, |l, price| price * l.quantity - off(kind, price * l.quantity, l.discount.unwrap_or(0.0)));
    let before = agree(lines, |_, price| price).is_some_and(|s| s >= SHARE);
    let (price, total) = (&price.out, &total.out);
    let without = lines.iter().filter(|l| l.price.is_some() && l.total.is_none()).count();
    if without * 50 > lines.len() {
        let why = format!(
            "`{total}` is empty in {without} of {} rows that have a price: it is the order's, and is not read",
            lines.len()
        );
        mapping.number("unit_price", Some(Remark::likely(why)));
        map_discount(mapping, discount, None);
    } else if net.is_some_and(|s| s >= SHARE) {
        let how = if is_given { "quantity times price less discount" } else { "quantity times price" };
        let exact = lines.iter().all(|l| {
            let gross = l.price.map(|price| price * l.quantity);
            let net = gross.map(|gross| gross - off(kind, gross, l.discount.unwrap_or(0.0)));
            l.total.zip(net).is_none_or(|(total, net)| (total - net).abs() < 0.000_06)
        });
        if exact {
            mapping
                .number("unit_price", Some(Remark::certain(format!("`{total}` is {how} in the rows seen, so it is not read"))));
        } else {
            let why = format!("{how} in the rows seen, rounded: so it is read, for sums as in the books, and `{price}` is not");
            mapping.number("net_amount", Some(Remark::certain(why)));
        }
        map_discount(mapping, discount, None);
    } else if gross && is_given {
        let why = format!("`{total}` is quantity times price, before the discount, so it is not read");
        mapping.number("unit_price", Some(Remark::certain(why)));
        map_discount(mapping, discount, None);
    } else if before {
        mapping
            .number("net_amount", Some(Remark::likely(format!("equal to `{price}` whatever the quantity: the line's amount"))));
        map_discount(mapping, discount, None);
    } else if total_of_order(mapping.view, mapping.found) {
        let why = format!("`{total}` is the same on all lines of an order, so it is the order's and is not read");
        mapping.number("unit_price", Some(Remark::likely(why)));
        map_discount(mapping, discount, None);
    } else {
        let why = format!("`{total}` is not quantity times `{price}` in the rows seen: tax, or a discount that is not there?");
        let ask = format!("What did a customer pay for a line: `{total}`, or quantity times `{price}`?");
        let choices = [total.as_str(), "quantity times price"];
        mapping.number("net_amount", Some(Remark::guess(why).asking(ask, &choices)));
        map_discount(mapping, discount, None);
    }
}

/// Whether what is called a price is the amount of the line: then lines of one product have its share of a piece in common,
/// and not itself.
fn is_of_the_line(mapping: &Mapping<'_, '_>, lines: &[Line]) -> bool {
    let Some(product) = mapping.seen("product_id").or_else(|| mapping.seen("product_name")) else { return false };
    let mut by_product: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.quantity != 0.0) {
        let name = product.column.values.get(line.row).and_then(Option::as_deref);
        if let (Some(name), Some(price)) = (name, line.price.filter(|price| *price != 0.0)) {
            by_product.entry(name).or_default().push((line.quantity, price));
        }
    }
    let (mut piece, mut whole) = (0_u32, 0_u32);
    for pair in by_product.values().flat_map(|sold| sold.windows(2)) {
        let [(pieces, price), (other_pieces, other_price)] = pair else { continue };
        if (pieces - other_pieces).abs() > f64::EPSILON {
            piece += u32::from(same(*price, *other_price));
            whole += u32::from(same(price / pieces, other_price / other_pieces));
        }
    }
    whole >= 5 && whole >= 3 * piece
}

fn grows(price: &str) -> Remark {
    let why = format!(
        "`{price}` grows with the quantity, so it is taken as the amount of the line; if it is that of one piece, write \
         `unit_price: {price}` instead"
    );
    Remark::likely(why).asking(format!("Is `{price}` the amount of the line, or of one piece?"), &["the line", "one piece"])
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 0.0051_f64.max(a.abs() * 0.002)
}

/// Maps an amount of the line, which was found under the name beside it.
fn total_alone(
    mapping: &mut Mapping<'_, '_>,
    (found, total): (&'static str, &Seen<'_>),
    discount: Option<(Discount, Option<Remark>)>,
    lines: &[Line],
    also: Option<Remark>,
) {
    let is_given = lines.iter().any(|l| l.discount.is_some_and(|d| d != 0.0));
    let kind = discount.as_ref().map(|(kind, _)| *kind);
    let spread = kind.filter(|_| is_given).and_then(|kind| before_or_after(mapping, lines, kind));
    let own = total.names.first().map_or(&[][..], Vec::as_slice);
    let named_gross = own.iter().any(|w| w == "gross") || own.windows(2).any(|w| w == ["before", "discount"]);
    let before = match spread {
        Some(side) => side == Side::Before,
        None => named_gross && discount.is_some(),
    };
    let name = total.out.clone();
    let tax = own.iter().any(|w| ["brutto", "bruttobetrag", "bruttoumsatz", "ttc"].contains(&w.as_str()));
    let tax = tax.then(|| Remark::guess("its name says that tax is in it, and revenue is then with tax"));
    if before && let (Some(amount), Some(pieces)) = (mapping.number_sql(found), mapping.number_sql("quantity")) {
        let how = if spread.is_some() { "prices of a product agree best if it is" } else { "its name says it is" };
        let why = format!("`{name}` taken as before the discount, for {how}; if it is after, write `net_amount: {name}` instead");
        let ask = format!("Is `{name}` before or after the discount?");
        let remark = Remark::likely(why).asking(ask, &["before", "after"]);
        mapping.push("unit_price", Value::Sql(format!("{amount} / {pieces}")), both(also, Some(remark)));
        map_discount(mapping, discount, None);
        return;
    }
    let remark = match (spread, is_given) {
        (_, false) => None,
        (Some(_), true) => Some(Remark::likely("after the discount: prices of a product agree only so")),
        (None, true) => {
            let why = "taken as after the discount; if it is before, write `unit_price: '\"amount\" / \"quantity\"'` instead";
            Some(Remark::guess(why).asking(format!("Is `{name}` before or after the discount?"), &["after", "before"]))
        }
    };
    let remark = both(both(also, both(remark, tax)), mapping.doubt(found));
    mapping.number_from("net_amount", found, remark);
    map_discount(mapping, discount, None);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// On which side of the discount a total stands. A product's price before discount is mostly one; so the reading is right
/// that makes more lines of a product with different discounts agree.
fn before_or_after(mapping: &Mapping<'_, '_>, lines: &[Line], kind: Discount) -> Option<Side> {
    let products = &mapping.seen("product_id").or_else(|| mapping.seen("product_name"))?.column.values;
    if lines.len() != products.len() {
        return None;
    }
    let mut by_product: BTreeMap<&str, Vec<(f64, f64, f64)>> = BTreeMap::new();
    for (line, product) in lines.iter().zip(products) {
        let (Some(product), Some(total), Some(discount)) = (product.as_deref(), line.total, line.discount) else { continue };
        if line.quantity == 0.0 || total == 0.0 {
            continue;
        }
        // Undoing the discount of an amount after it gives the price that a line would have had.
        let gross = match kind {
            Discount::Rate if discount < 1.0 => total / (1.0 - discount),
            Discount::Percent if discount < 100.0 => total / (1.0 - discount / 100.0),
            Discount::Amount => total + discount,
            Discount::Negative => total - discount,
            Discount::Rate | Discount::Percent => continue,
        };
        by_product.entry(product).or_default().push((total / line.quantity, gross / line.quantity, discount));
    }
    let (mut before, mut after) = (0_u32, 0_u32);
    for prices in by_product.values() {
        for pair in prices.windows(2) {
            let [(plain, undone, one), (other_plain, other_undone, other)] = pair else { continue };
            if (one - other).abs() > f64::EPSILON {
                before += u32::from(same(*plain, *other_plain));
                after += u32::from(same(*undone, *other_undone));
            }
        }
    }
    match (before, after) {
        (b, a) if b >= 5 && b >= 3 * a => Some(Side::Before),
        (b, a) if a >= 5 && a >= 3 * b => Some(Side::After),
        _ => None,
    }
}

/// A total that is equal on all lines of each order is the order's, not the line's: counted by line it would count many times.
pub(crate) fn total_of_order(view: &View<'_>, found: &Found) -> bool {
    let column = |name: &str| found.seen(view, name).filter(|seen| seen.hops == 0);
    let (Some(order), Some(total)) = (column("order_id"), column("net_amount")) else { return false };
    let mut orders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (order, total) in order.column.values.iter().zip(&total.column.values).take(HEAD_ROWS) {
        if let (Some(order), Some(total)) = (order, total) {
            orders.entry(order).or_default().push(total);
        }
    }
    let several: Vec<&Vec<&str>> = orders.values().filter(|totals| totals.len() > 1).collect();
    let equal = several.iter().filter(|totals| totals.windows(2).all(|w| matches!(w, [a, b] if a == b))).count();
    // Lines that all cost the same say nothing: totals of orders differ from one another.
    let different: std::collections::BTreeSet<&str> = several.iter().filter_map(|totals| totals.first().copied()).collect();
    let own = total.names.first().map_or(&[][..], Vec::as_slice);
    let named = own.iter().any(|word| OF_THE_ORDER.iter().any(|begins| word.starts_with(begins)));
    // A name that says so needs fewer orders to bear it out.
    let enough = if named { 3 } else { 8 };
    let vary = different.len() > 1 && different.len() * 3 >= several.len();
    several.len() >= enough && equal * 100 >= several.len() * 95 && vary
}

fn cost(mapping: &mut Mapping<'_, '_>) {
    if mapping.seen("cost_amount").is_some() {
        mapping.number("cost_amount", None);
        return;
    }
    if mapping.has("net_amount")
        && mapping.found.get("profit").is_some_and(|m| m.score >= SURE)
        && let (Some(net), Some(profit)) = (mapping.number_sql("net_amount"), mapping.number_sql("profit"))
    {
        let why = "what is left of the amount when the profit is taken off";
        mapping.push("cost_amount", Value::Sql(format!("{net} - {profit}")), Some(Remark::likely(why)));
        return;
    }
    if mapping.seen("quantity").is_some()
        && mapping.seen("unit_cost").is_some_and(|seen| seen.hops == 0)
        && let (Some(pieces), Some(cost)) = (mapping.number_sql("quantity"), mapping.number_sql("unit_cost"))
    {
        let why = "taken as what one piece costs";
        mapping.push("cost_amount", Value::Sql(format!("{pieces} * {cost}")), Some(Remark::likely(why)));
    }
}
