//! Which table holds the sales, and what its columns are.

use schema::Entity;

use crate::amounts::{amounts, total_of_order};
use crate::mapped::{Mapping, Remark, Value, both};
use crate::matching::{Found, dates, matches};
use crate::proposal::Refusal;
use crate::source::Source;
use crate::target::{NEVER_SALES, is_called, targets};
use crate::view::{Looked, Seen, View};

/// A region that is missing in more than this share of the rows tells less than the country.
pub(crate) const SPARSE: f64 = 0.3;
/// Numbers of a line; a header's total belongs to the whole order.
const OF_THE_LINE: [&str; 9] =
    ["quantity", "unit_price", "net_amount", "discount", "profit", "cost_amount", "unit_cost", "line_number", "product_name"];

#[derive(Debug)]
pub(crate) struct Sales<'a> {
    pub view: View<'a>,
    pub found: Found,
    score: i32,
}

/// The table that is most like sales, with those it refers to.
pub(crate) fn choose<'a>(source: &Source, tables: &[Looked<'a>]) -> Result<Sales<'a>, Box<Refusal>> {
    let follow = source.connection.is_database();
    let mut best: Option<Sales<'a>> = None;
    let mut nearest: Option<Sales<'a>> = None;
    for place in 0..tables.len() {
        let Some(sales) = candidate(tables, place, follow) else { continue };
        let place = if sales.missing().is_empty() { &mut best } else { &mut nearest };
        if place.as_ref().is_none_or(|other| sales.score > other.score) {
            *place = Some(sales);
        }
    }
    match (best, nearest) {
        // Lines without their day beside orders with it: to take the orders would lose what was bought.
        (Some(best), Some(lines)) if !follow && lines.is_lines() && !best.is_lines() => Err(Box::new(apart(&lines, &best))),
        (Some(best), _) => Ok(best),
        (None, nearest) => Err(Box::new(refusal(source, nearest.as_ref()))),
    }
}

fn candidate<'a>(tables: &[Looked<'a>], place: usize, follow: bool) -> Option<Sales<'a>> {
    let view = View::of(tables, place, follow)?;
    let own = |column: &str, seen: &Seen<'_>| seen.hops == 0 || !OF_THE_LINE.contains(&column);
    let mut found = matches(&view, targets(Entity::Sales), &|target, seen| own(target.column, seen));
    // An order's total repeated on its lines is no amount of a line, if there is another.
    if total_of_order(&view, &found) && found.get("unit_price").is_none() {
        let skipped = found.get("net_amount").map(|m| m.place);
        let other = matches(&view, targets(Entity::Sales), &|target, seen| {
            let is_it = skipped.and_then(|place| view.get(place)).is_some_and(|s| s.out == seen.out);
            own(target.column, seen) && !(is_it && target.column == "net_amount")
        });
        if other.get("net_amount").is_some() {
            found = other;
        }
    }
    let points = |column: &str, here: i32, there: i32| match found.seen(&view, column) {
        Some(seen) if seen.hops == 0 => here,
        Some(_) => there,
        None => 0,
    };
    let one = &tables.get(place)?.one;
    let is = |entity| is_called(one, entity);
    let price = points("unit_price", 30, 0).max(points("net_amount", 30, 0));
    let product = points("product_id", 30, 5).max(points("product_name", 20, 0));
    let mut score = points("quantity", 40, 0) + price + product + points("order_id", 20, 0);
    score += points("ordered_at", 20, 15) + points("customer_id", 10, 8);
    score += if is(Entity::Sales) { 20 } else { 0 };
    score -= if is(Entity::Payments) || is(Entity::Tickets) { 15 } else { 0 };
    score -= if is(Entity::Products) || is(Entity::Customers) { 30 } else { 0 };
    score -= if one.iter().any(|w| NEVER_SALES.contains(&w.as_str())) { 60 } else { 0 };
    (score > 30).then_some(Sales { view, found, score })
}

impl Sales<'_> {
    /// What a sale cannot do without, each a sentence.
    fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let has = |column: &str| self.found.get(column).is_some();
        if !has("ordered_at") {
            missing.push(
                "the day of the sale: no column that holds days is called so (such as `order_date`, `Datum`, `InvoiceDate`)"
                    .to_owned(),
            );
        }
        if !has("unit_price") && !has("net_amount") {
            missing.push(
                "a price or an amount: no column of numbers is called so (such as `unit_price`, `sales`, `Betrag`)".to_owned(),
            );
        } else if !has("unit_price") && total_of_order(&self.view, &self.found) {
            missing.push(
                "a price or an amount of the line: the only total is the same on all lines of an order, so it is the order's"
                    .to_owned(),
            );
        }
        if !["order_id", "customer_id", "email", "customer_name"].into_iter().any(has) {
            missing.push(
                "what belongs to one order: neither a number of the order nor a customer \
                 (such as `order_id`, `InvoiceNo`, `Bestellnummer`, `customer_id`)"
                    .to_owned(),
            );
        }
        missing
    }

    fn is_lines(&self) -> bool {
        let own = |column: &str| self.found.seen(&self.view, column).is_some_and(|seen| seen.hops == 0);
        own("order_id") && (own("product_id") || own("product_name")) && (own("quantity") || own("unit_price"))
    }

    fn refused(&self, missing: Vec<String>, help: String) -> Refusal {
        let found = targets(Entity::Sales)
            .iter()
            .filter_map(|t| Some((t.column, self.found.seen(&self.view, t.column)?.out.clone())))
            .collect();
        let columns = self.view.columns.iter().map(|c| c.out.clone()).collect();
        Refusal { nearest: Some(self.view.name.to_owned()), found, missing, columns, help }
    }
}

fn apart(lines: &Sales<'_>, orders: &Sales<'_>) -> Refusal {
    let (lines_name, orders_name) = (lines.view.name, orders.view.name);
    let help = format!(
        "the lines are in {lines_name}, their day and customer in {orders_name}, and a pipeline joins no files: \
         load both into a SQLite database and propose from that, or export them as one file"
    );
    lines.refused(lines.missing(), help)
}

fn refusal(source: &Source, nearest: Option<&Sales<'_>>) -> Refusal {
    let unnamed = source.tables.iter().any(|t| t.csv.as_ref().is_some_and(|csv| !csv.header));
    let help = if unnamed {
        "the file has no line that names its columns: add one, or write the pipeline file by hand \
         with `csv: {header: false}` and column_1, column_2, …"
    } else {
        "if the source has it under another name, give a view or an export in which the column is called as above"
    };
    let help = source.passed_over.iter().map(String::as_str).chain([help]).collect::<Vec<_>>().join("\n           ");
    match nearest {
        Some(nearest) => nearest.refused(nearest.missing(), help),
        None => Refusal {
            nearest: None,
            found: Vec::new(),
            missing: vec!["a table with a day, a price or an amount, and an order or a customer in each row".to_owned()],
            columns: source.tables.iter().flat_map(|t| t.columns.iter().map(|c| format!("{}.{}", t.name, c.name))).collect(),
            help,
        },
    }
}

/// What else is read from tables of their own, and so not from sales.
pub(crate) struct Apart {
    pub customers: bool,
    pub products: bool,
}

/// Every column of the sales that something was found for.
pub(crate) fn map<'v, 'a>(sales: &'v Sales<'a>, apart: &Apart, key: &[String]) -> Mapping<'v, 'a> {
    let mut mapping = Mapping::new(&sales.view, &sales.found);
    order(&mut mapping);
    line_number(&mut mapping, key);
    mapping.date(&["ordered_at"]);
    customer(&mut mapping);
    product(&mut mapping, apart);
    amounts(&mut mapping);
    region(&mut mapping);
    mapping.plain(&["channel"]);
    status(&mut mapping);
    mapping.plain(&["currency"]);
    mapping.number("exchange_rate", None);
    if !apart.customers {
        mapping.plain(&["customer_name", "email", "business_segment", "country", "city"]);
    }
    if !apart.products {
        mapping.plain(&["category", "subcategory"]);
    }
    mapping
}

fn order(mapping: &mut Mapping<'_, '_>) {
    if mapping.seen("order_id").is_some() {
        mapping.needed("order_id");
        return;
    }
    let customer = ["customer_id", "email", "customer_name"].into_iter().find(|c| mapping.seen(c).is_some());
    let (Some(name), Some(day)) = (customer, mapping.seen("ordered_at")) else { return };
    let Some(buyer) = mapping.seen(name) else { return };
    let sql = format!("concat({}, ' ', {})", who(name, buyer), day.sql());
    let why = "the source numbers no orders: what a customer bought at one time counts as one";
    let ask = "Is there a number of the order or receipt in another column or table?";
    mapping.push("order_id", Value::Sql(sql), Some(Remark::guess(why).asking(ask, &[])));
    mapping.reads(name);
    mapping.reads("ordered_at");
}

/// A number of the line by its name, or the key of a table of lines.
fn line_number(mapping: &mut Mapping<'_, '_>, key: &[String]) {
    if mapping.seen("line_number").is_some() {
        mapping.plain(&["line_number"]);
        return;
    }
    let [key] = key else { return };
    let own = mapping.view.columns.iter().position(|c| c.hops == 0 && c.column.name == *key);
    let Some((place, seen)) = own.and_then(|place| Some((place, mapping.view.get(place)?))) else { return };
    let is_order = mapping.found.get("order_id").is_some_and(|m| m.place == place);
    if !is_order && seen.profile.all_whole && seen.profile.most < 2_147_483_648.0 {
        mapping.push("line_number", Value::of(seen), Some(Remark::certain("the key of the table")));
        mapping.used.insert(place);
    }
}

fn customer(mapping: &mut Mapping<'_, '_>) {
    if let Some(seen) = mapping.seen("customer_id") {
        let share = seen.profile.share_empty() * 100.0;
        let anonymous =
            (share > 0.0).then(|| Remark::certain(format!("empty in {share:.1} % of the rows seen: anonymous sales")));
        mapping.push("customer_id", Value::of(seen), both(anonymous, mapping.doubt("customer_id")));
        mapping.reads("customer_id");
        return;
    }
    for (name, why) in [
        ("email", "the source numbers no customers; who has the same address is one"),
        ("customer_name", "the source numbers no customers; who has the same name counts as one, and namesakes, too"),
    ] {
        if let Some(seen) = mapping.seen(name) {
            let ask = "Is there a customer number in another column or table?";
            let value = if name == "email" { Value::Sql(who(name, seen)) } else { Value::of(seen) };
            mapping.push("customer_id", value, Some(Remark::guess(why).asking(ask, &[])));
            mapping.reads(name);
            return;
        }
    }
}

/// SQL for who bought: an address is the same in large and in small letters.
fn who(name: &str, seen: &Seen<'_>) -> String {
    if name == "email" { format!("lower({})", seen.sql()) } else { seen.sql() }
}

/// Identifiers that are made of what tells of a person, as they are where a source numbers no customers.
pub(crate) fn personal_ids(sales: &Sales<'_>) -> Option<Vec<&'static str>> {
    let has = |column: &str| sales.found.get(column).is_some();
    let is_personal = !has("customer_id") && (has("email") || has("customer_name"));
    let ids = ["customer_id", "order_id"].into_iter().filter(|id| !has(id));
    is_personal.then(|| ids.collect())
}

fn product(mapping: &mut Mapping<'_, '_>, apart: &Apart) {
    let id = mapping.seen("product_id").is_some();
    if id {
        mapping.needed("product_id");
    } else if let Some(seen) = mapping.seen("product_name") {
        let why = "the source numbers no products, so each name is one";
        mapping.push("product_id", Value::of(seen), Some(Remark::likely(why)));
        mapping.reads("product_name");
    } else if let Some((name, seen)) = ["subcategory", "category"].into_iter().find_map(|c| Some((c, mapping.seen(c)?))) {
        let why = "the source names no products; the finest group it has stands for them";
        mapping.push("product_id", Value::of(seen), Some(Remark::guess(why)));
        mapping.reads(name);
    } else {
        let why = "the source says nothing of what was bought: every row gets the same product, and baskets stay empty";
        let ask = "Is there a table of order lines elsewhere?";
        mapping.push("product_id", Value::Sql("'(not known)'".to_owned()), Some(Remark::guess(why).asking(ask, &[])));
    }
    if !apart.products {
        mapping.plain(&["product_name"]);
    }
}

/// The region, or the next larger place that varies.
fn region(mapping: &mut Mapping<'_, '_>) {
    let varies = |seen: &&Seen<'_>| seen.profile.distinct > 1;
    let country = mapping.seen("country").filter(varies);
    let region = mapping.seen("region");
    let sparse = region.filter(|seen| seen.profile.share_empty() > SPARSE);
    if region.is_some() && (sparse.is_none() || country.is_none()) {
        mapping.plain(&["region"]);
    } else if let Some(seen) = country {
        let why = match sparse {
            Some(region) => format!("`{}` is mostly empty, so countries stand for regions", region.out),
            None => "the source has no regions, so countries stand for them".to_owned(),
        };
        mapping.push("region", Value::of(seen), Some(Remark::likely(why)));
        mapping.reads("country");
    }
}

/// Orders that came to nothing have a state that says so; to leave them out is for the user to decide.
fn status(mapping: &mut Mapping<'_, '_>) {
    let Some(seen) = mapping.seen("status") else { return };
    let void = ["cancel", "storn", "void", "annul", "refund", "reject", "fail", "pending", "draft"];
    let values: std::collections::BTreeSet<&str> = seen.column.values.iter().flatten().map(String::as_str).collect();
    let odd: Vec<&str> = values.into_iter().filter(|v| void.iter().any(|w| v.to_lowercase().contains(w))).take(5).collect();
    let remark = (!odd.is_empty()).then(|| {
        let list = odd.join("`, `");
        let why = format!("`{list}` count as sales unless a `where:` leaves them out");
        Remark::likely(why).asking(format!("Do orders with the state `{list}` count as sales?"), &["yes", "no"])
    });
    mapping.push("status", Value::of(seen), both(remark, mapping.doubt("status")));
    mapping.reads("status");
}

/// First and last day that was seen, if one is out of the world.
pub(crate) fn odd_days(sales: &Sales<'_>) -> Option<Remark> {
    let seen = sales.found.seen(&sales.view, "ordered_at")?;
    let (first, last) = dates(seen)?.span?;
    let odd = chrono::Datelike::year(&last) >= 2100 || chrono::Datelike::year(&first) <= 1970;
    odd.then(|| {
        Remark::guess(format!("days from {first} to {last} were seen; one that stands for nothing would be the last sale of all"))
            .asking("From which day are all figures to be seen?", &["max(sales.ordered_at)", "slot"])
    })
}
