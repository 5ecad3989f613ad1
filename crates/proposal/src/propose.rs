//! The proposal: tables to entities, columns to ours, and the file that says so.

use std::collections::BTreeSet;

use schema::Entity;

use crate::mapped::{Mapping, Remark};
use crate::others::{self, Other};
use crate::page::{Page, in_braces, quoted, scalar};
use crate::proposal::{Proposal, Refusal};
use crate::sales::{self, Apart, Sales};
use crate::source::{ColumnSample, Connection, CsvShape, Encoding, Source, TableSample};
use crate::view::{Looked, Seen, View};
use crate::words::words;

/// Lines of a product that let its pairs be seen; with fewer, groups of products are looked at.
const LINES_A_PRODUCT: u64 = 10;

/// What the source cannot say.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Name of the pipeline; by default that of the folder, file or database.
    pub name: Option<String>,
    /// The store's time zone, such as that of the machine. Default: UTC.
    pub timezone: Option<String>,
    /// Where the JSON Schema lies as seen from the file, for editors; left out where absent.
    pub schema: Option<String>,
}

/// A pipeline file for a source, or why there can be none. Equal arguments give equal text.
pub fn propose(source: &Source, wishes: &Wishes) -> Result<Proposal, Box<Refusal>> {
    let tables = Looked::all(source);
    let sales = sales::choose(source, &tables)?;
    let customers = others::dimension(source, &tables, &sales, Entity::Customers);
    let mut taken: Vec<usize> = std::iter::once(sales.view.base).chain(customers.iter().map(|c| c.view.base)).collect();
    let products = others::dimension(source, &tables, &sales, Entity::Products).filter(|p| !taken.contains(&p.view.base));
    taken.extend(products.iter().map(|p| p.view.base));
    let payments = others::events(source, &tables, &taken, Entity::Payments);
    taken.extend(payments.iter().map(|p| p.view.base));
    let tickets = others::events(source, &tables, &taken, Entity::Tickets);
    taken.extend(tickets.iter().map(|t| t.view.base));

    let whole = Whole { source, tables: &tables, sales: &sales, customers, products, payments, tickets, taken };
    let mut page = Page::default();
    whole.head(&mut page, wishes);
    page.line("extract:");
    whole.sales(&mut page);
    for other in [&whole.customers, &whole.products, &whole.payments, &whole.tickets].into_iter().flatten() {
        whole.other(&mut page, other);
    }
    whole.left_out(&mut page);
    whole.rest(&mut page, wishes);
    Ok(page.finish())
}

struct Whole<'s, 'a> {
    source: &'s Source,
    tables: &'s [Looked<'a>],
    sales: &'s Sales<'a>,
    customers: Option<Other<'a>>,
    products: Option<Other<'a>>,
    payments: Option<Other<'a>>,
    tickets: Option<Other<'a>>,
    /// Places of the tables that an entity is read from.
    taken: Vec<usize>,
}

impl Whole<'_, '_> {
    fn head(&self, page: &mut Page, wishes: &Wishes) {
        if let Some(schema) = &wishes.schema {
            page.line(format!("# yaml-language-server: $schema={schema}"));
        }
        page.comment(
            0,
            "Proposed from the names, the types and a sample of the values of the source. What is not certain has a comment, and \
             CHECK where it is a guess. `consumer360 validate FILE --connect` fits the file to the whole source.",
        );
        page.line("version: 1");
        let name = name(self.source, wishes);
        let changed = wishes.name.as_ref().filter(|given| **given != name).map(|given| {
            Remark::likely(format!("for `{given}`: a name is of at most 64 small letters, digits, `-` and `_` between them"))
        });
        page.remarked(format!("name: {name}"), changed.as_ref());
        let zone = wishes.timezone.as_deref().unwrap_or("UTC");
        page.remarked(format!("timezone: {}", scalar(zone)), Some(&self.zone(wishes)));
        page.remarked("as_of: max(sales.ordered_at)", sales::odd_days(self.sales).as_ref());
        page.line("");
        page.line("connections:");
        page.line(match &self.source.connection {
            Connection::Folder(path) => format!("  {}: {{type: files, url: {}}}", self.connection(), in_braces_path(path)),
            Connection::Sqlite(path) => format!("  {}: {{type: sqlite, path: {}}}", self.connection(), in_braces_path(path)),
            Connection::Postgres(url) => format!("  {}: {{type: postgres, url: {}}}", self.connection(), quoted(url)),
            Connection::Mysql(url) => format!("  {}: {{type: mysql, url: {}}}", self.connection(), quoted(url)),
        });
        page.line("");
    }

    fn zone(&self, wishes: &Wishes) -> Remark {
        let instants = self.sales.found.seen(&self.sales.view, "ordered_at").is_some_and(|seen| {
            let declared = seen.column.declared_type.as_deref().unwrap_or_default().to_lowercase();
            let offset = seen.profile.dates.as_ref().is_some_and(|d| d.has_offset);
            // MySQL keeps a TIMESTAMP as an instant and shows it without its offset.
            let is_instant = matches!(self.source.connection, Connection::Mysql(_)) && declared == "timestamp";
            offset || is_instant || declared.contains("with time zone") || declared == "timestamptz"
        });
        if !instants {
            return Remark::certain("the times seen are local ones, which no zone moves; a schedule goes by it");
        }
        let remark = Remark::guess("the times seen are instants and become local times of this zone, which decides their day");
        if wishes.timezone.is_some() { remark } else { remark.asking("In which time zone is the store?", &["UTC"]) }
    }

    fn connection(&self) -> &'static str {
        if self.source.connection.is_database() { "shop" } else { "drop" }
    }

    fn table(&self, place: usize) -> Option<&TableSample> {
        self.tables.get(place).map(|t| t.sample)
    }

    fn sales(&self, page: &mut Page) {
        let apart = Apart { customers: self.customers.is_some(), products: self.products.is_some() };
        let table = self.table(self.sales.view.base);
        let key = table.map(|t| t.primary_key.clone()).unwrap_or_default();
        let mapping = sales::map(self.sales, &apart, &key);
        page.line("  sales:");
        self.entity(page, &mapping);
        if !mapping.has("customer_id") {
            let text = "no column says who bought: every sale is anonymous, and all figures of customers stay empty";
            page.said(6, &Remark::guess(text).asking("Which column, or which other table, says who bought?", &[]));
        }
        if let Some(table) = table {
            repeats(page, table);
        }
        page.remarked(
            "    rejects: {warn: 0.1%, fail: 1%}",
            Some(&Remark::certain("shares of the records; above `fail` nothing is published")),
        );
    }

    fn other(&self, page: &mut Page, other: &Other<'_>) {
        page.line(format!("  {}:", other.entity));
        self.entity(page, &others::map(other));
    }

    fn entity(&self, page: &mut Page, mapping: &Mapping<'_, '_>) {
        page.line(format!("    from: {}", self.connection()));
        let view = mapping.view;
        match view.query(self.tables, &mapping.used, &self.source.connection) {
            Some(query) => {
                let guessed = view
                    .joins
                    .iter()
                    .any(|j| !j.declared && mapping.used.iter().any(|p| view.get(*p).is_some_and(|c| c.from > 0)));
                if guessed {
                    page.said(
                        4,
                        &Remark::likely("the database states not all of these references; they follow from names and values"),
                    );
                }
                page.line("    query: |");
                for line in query {
                    page.line(format!("      {line}"));
                }
            }
            None if self.source.connection.is_database() => page.line(format!("    table: {}", scalar(view.name))),
            None => {
                page.remarked(format!("    path: {}", scalar(view.name)), several_files(view.name).as_ref());
                if let Some(csv) = self.table(view.base).and_then(|t| t.csv.as_ref()) {
                    written(page, csv, view.name);
                }
            }
        }
        for remark in words_or_nothing(view) {
            page.said(4, &remark);
        }
        for remark in mixed_currencies(mapping).into_iter().chain(of_several(mapping)) {
            page.said(4, &remark);
        }
        page.line("    columns:");
        for mapped in &mapping.mapped {
            page.mapping(mapped);
        }
        let unread: Vec<&str> = view
            .columns
            .iter()
            .enumerate()
            .filter(|(place, seen)| seen.from == 0 && !mapping.used.contains(place))
            .map(|(_, seen)| seen.column.name.as_str())
            .collect();
        if !unread.is_empty() {
            page.comment(6, &format!("not read: {}", unread.join(", ")));
        }
    }

    /// What the source has beside, so that nobody has to wonder.
    fn left_out(&self, page: &mut Page) {
        let all = [&self.customers, &self.products, &self.payments, &self.tickets];
        let joined: BTreeSet<usize> = std::iter::once(&self.sales.view)
            .chain(all.into_iter().flatten().map(|other| &other.view))
            .flat_map(|view| view.joins.iter().map(|j| j.table))
            .collect();
        // A table that stands in a query is an entity's part already.
        let passed: Vec<usize> = self.taken.iter().chain(&joined).copied().collect();
        for (entity, found) in [(Entity::Payments, &self.payments), (Entity::Tickets, &self.tickets)] {
            if let Some(remark) = found.is_none().then(|| others::nearly(self.tables, &passed, entity)).flatten() {
                page.said(2, &remark);
            }
        }
        for (entity, found) in [(Entity::Customers, &self.customers), (Entity::Products, &self.products)] {
            if let Some(remark) = found.is_none().then(|| others::repeated(self.tables, &passed, entity)).flatten() {
                page.said(2, &remark);
            }
        }
        let free: Vec<&TableSample> =
            (0..self.tables.len()).filter(|place| !passed.contains(place)).filter_map(|p| self.table(p)).collect();
        for own in self.taken.iter().filter_map(|place| self.table(*place)) {
            if let Some(remark) = alike(own, &free, &self.source.connection) {
                page.said(2, &remark);
            }
        }
        let names: Vec<&str> = free.iter().map(|t| t.name.as_str()).collect();
        let unread = format!("not read: {}", names.join(", "));
        if !names.is_empty() && self.source.connection.is_database() {
            page.comment(2, &unread);
        } else if !names.is_empty() {
            page.said(2, &Remark::likely(unread));
        }
        for text in &self.source.passed_over {
            page.said(2, &Remark::likely(text));
        }
        page.line("");
    }

    fn rest(&self, page: &mut Page, wishes: &Wishes) {
        page.line("transform:");
        page.remarked("  returns: net", Some(&Remark::certain("or: exclude, which leaves lines below zero out")));
        let (basket, remark) = self.basket();
        page.remarked(basket, Some(&remark));
        page.line("");
        if let Some(columns) = sales::personal_ids(self.sales) {
            let why = "made of addresses or names, so masked like those on pages, terminals and in messages";
            page.remarked(format!("pii: [{}]", columns.join(", ")), Some(&Remark::certain(why)));
            page.line("");
        }
        page.line(format!("publish: {{to: out/{}, keep: 12}}", name(self.source, wishes)));
        page.line("");
        page.line("# When it runs by itself, in the time zone above, under `serve` or `run --slot`:");
        page.line("# schedule: {cron: \"0 6 * * MON\"}");
    }

    /// Products that are sold too rarely to meet twice tell nothing of baskets; their groups do.
    fn basket(&self) -> (String, Remark) {
        let view = &self.sales.view;
        let lines = self.table(view.base).and_then(|t| t.rows_hint);
        let from_table = self.products.as_ref().and_then(|p| self.table(p.view.base)).and_then(|t| t.rows_hint);
        let id = ["product_id", "product_name"].into_iter().find_map(|c| self.sales.found.seen(view, c));
        let seen = id.map(|seen| (seen.profile.seen as u64, seen.profile.distinct as u64));
        // A sample of which every second row brings a new product has not seen them all.
        let rare = match (lines, from_table, seen) {
            (Some(lines), Some(products), _) => products > 0 && lines / products < LINES_A_PRODUCT,
            (_, _, Some((rows, distinct))) => rows >= 200 && distinct * 2 > rows,
            _ => false,
        };
        let groups = ["subcategory", "category"].into_iter().filter_map(|column| {
            let other = self.products.as_ref().and_then(|p| p.found.seen(&p.view, column));
            let seen = other.or_else(|| self.sales.found.seen(view, column))?;
            Some((seen.profile.distinct, column))
        });
        // The finer of the two that still has few enough.
        let group = groups.filter(|(distinct, _)| (2..=200).contains(distinct)).max();
        match group {
            Some((distinct, column)) if rare => {
                let why = format!("products are sold too rarely to meet twice; there are {distinct} groups. Or: product");
                (format!("  basket: {{items: {column}, min_support: 1%, min_confidence: 10%}}"), Remark::likely(why))
            }
            _ => {
                let why = "or: subcategory, category. A lower support finds rarer pairs";
                ("  basket: {items: product, min_support: 0.2%, min_confidence: 20%}".to_owned(), Remark::certain(why))
            }
        }
    }
}

/// What is to be said of a glob whose files or folders have nothing in common by their names.
fn several_files(path: &str) -> Option<Remark> {
    let why = "files with the same columns, read as one table; where they do not belong together, name one of them";
    path.split('/').any(|part| part.starts_with('*')).then(|| Remark::guess(why))
}

/// Tables that could be further parts of one that is read, whose rows would be missing without a word.
fn alike(own: &TableSample, free: &[&TableSample], connection: &Connection) -> Option<Remark> {
    // Without a header, the columns of all tables have the same names.
    let has_header = |table: &TableSample| table.csv.as_ref().is_none_or(|csv| csv.header);
    let same = |table: &TableSample| columns(table) == columns(own);
    let parts: Vec<&TableSample> =
        free.iter().copied().filter(|table| has_header(table) && (same(table) || has_grown(own, table))).collect();
    let names: Vec<String> = parts.iter().map(|table| format!("`{}`", table.name)).collect();
    let alike = if parts.iter().all(|table| same(table)) { "the same" } else { "nearly the same" };
    let how = if connection.is_database() {
        "a `query:` with UNION ALL reads several tables as one"
    } else {
        "a glob in `path:`, such as `*.csv` of a folder of their own, reads several files as one"
    };
    let why = format!(
        "not read, though with {alike} columns as `{}`, so their rows are in no figure: {}. Where they belong to it, {how}",
        own.name,
        names.join(", ")
    );
    (!names.is_empty() && has_header(own)).then(|| Remark::guess(why))
}

fn columns(table: &TableSample) -> Vec<&str> {
    table.columns.iter().map(|c| c.name.as_str()).collect()
}

/// Whether one of two files may be the other with columns that the export had not yet, or has in another order.
fn has_grown(one: &TableSample, other: &TableSample) -> bool {
    let (one_has, other_has): (BTreeSet<&str>, BTreeSet<&str>) =
        (columns(one).into_iter().collect(), columns(other).into_iter().collect());
    let common = one_has.intersection(&other_has).count();
    let (fewer, more) = (one_has.len().min(other_has.len()), one_has.len().max(other_has.len()));
    // Tables of a database are their own names, and one that is small is a part of many by chance.
    one.csv.is_some() && common == fewer && fewer * 2 > more
}

/// Rows that came twice: to drop them takes money off, to keep them may count it twice.
fn repeats(page: &mut Page, table: &TableSample) {
    let Some(repeats) = &table.repeats else { return };
    if repeats.exact > 0 {
        let why = format!(
            "{} of {} rows equal an earlier one in every column. They count, as two pieces of a thing on two lines would; if the \
             source exports rows twice, take the `#` off the next line",
            repeats.exact, repeats.rows
        );
        let ask = "Are equal rows two sales, or one that was exported twice?";
        page.said(4, &Remark::guess(why).asking(ask, &["two sales", "one"]));
        page.line("    # deduplicate: {exact: true}");
    } else if let Some((column, rows)) = repeats.but_for.as_ref().filter(|(_, rows)| *rows > 0) {
        let rows =
            if *rows == 1 { "1 row equals an earlier one".to_owned() } else { format!("{rows} rows equal an earlier one") };
        let why = format!(
            "{rows} in all but `{column}`, which numbers the rows: both count. Where that is an export gone wrong: \
             deduplicate: {{exact: true}}"
        );
        page.said(4, &Remark::likely(why));
    }
}

/// How the files are written, as far as the reader does not take it so by itself, and what is not certain of it.
fn written(page: &mut Page, csv: &CsvShape, path: &str) {
    let remark = match csv.encoding {
        Encoding::Cp1252 => {
            let why = "the text is not UTF-8 and taken as Windows-1252; where names come out wrong, export the file as UTF-8";
            Some(Remark::guess(why))
        }
        Encoding::Utf8 if csv.garbled => {
            Some(Remark::likely("some of the text is not UTF-8, as the rest is: the rows with it will be set aside"))
        }
        Encoding::Utf8 | Encoding::Utf16 => None,
    };
    match (csv_options(csv, path), remark) {
        (Some(options), remark) => page.remarked(format!("    csv: {{{options}}}"), remark.as_ref()),
        (None, Some(remark)) => page.said(4, &remark),
        (None, None) => {}
    }
}

/// Marks that stand for nothing in some columns of the table and are kept as words in others, which may be wrong.
fn words_or_nothing(view: &View<'_>) -> Vec<Remark> {
    let marks: BTreeSet<&String> = view.columns.iter().flat_map(|seen| &seen.column.nulls).collect();
    let remark = |mark: &String| {
        let nothing = columns_that(view, |column| column.nulls.contains(mark));
        let words = columns_that(view, |column| column.values.iter().flatten().any(|value| value == mark));
        let words = if words.is_empty() { "other columns".to_owned() } else { words };
        let why = format!(
            "`{mark}` stands for nothing in {nothing} and is kept as a word in {words}; if it is nothing there, too, write \
             `csv: {{null_values: [{}]}}`",
            quoted(mark)
        );
        Remark::guess(why).asking(format!("Is `{mark}` in {words} a word, or nothing?"), &["a word", "nothing"])
    };
    marks.into_iter().map(remark).collect()
}

fn columns_that(view: &View<'_>, are: impl Fn(&ColumnSample) -> bool) -> String {
    let names: Vec<String> = view.columns.iter().filter(|s| are(s.column)).map(|s| format!("`{}`", s.out)).collect();
    names.join(", ")
}

/// Amounts of which only those in one currency are read: a sum of several means nothing.
fn mixed_currencies(mapping: &Mapping<'_, '_>) -> Vec<Remark> {
    let remark = |seen: &Seen<'_>| {
        let numbers = seen.profile.numbers?;
        let (own, other) = (numbers.currency?.signs.first()?, numbers.other_currency?.signs.first()?);
        let why = format!(
            "`{}` holds amounts in {own} and in {other}: those in {own} are read, and the rows of all others set aside; export \
             it in one currency",
            seen.out
        );
        Some(Remark::guess(why))
    };
    mapping.used.iter().filter_map(|place| remark(mapping.view.get(*place)?)).collect()
}

/// Columns that share their name with others of the file: which of them is meant, only its maker knows.
fn of_several(mapping: &Mapping<'_, '_>) -> Vec<Remark> {
    let remark = |seen: &Seen<'_>| {
        let header = seen.column.header.as_ref()?;
        let why = format!("`{}` is one of several columns that are called `{header}`, numbered from the left", seen.out);
        Some(Remark::guess(why))
    };
    mapping.used.iter().filter_map(|place| remark(mapping.view.get(*place)?)).collect()
}

/// Only what differs from what the reader takes by itself.
fn csv_options(csv: &CsvShape, path: &str) -> Option<String> {
    let mut options = Vec::new();
    let usual = if path.contains(".tsv") { '\t' } else { ',' };
    if csv.delimiter != usual {
        options.push(format!(
            "delimiter: {}",
            if csv.delimiter == '\t' { "tab".to_owned() } else { format!("\"{}\"", csv.delimiter) }
        ));
    }
    if csv.encoding != Encoding::Utf8 {
        options.push(format!("encoding: {}", csv.encoding.name()));
    }
    if !csv.header {
        options.push("header: false".to_owned());
    }
    if !csv.null_values.is_empty() {
        let values: Vec<String> = csv.null_values.iter().map(|v| quoted(v)).collect();
        options.push(format!("null_values: [{}]", values.join(", ")));
    }
    (!options.is_empty()).then(|| options.join(", "))
}

/// A path bare where it holds nothing that YAML reads.
fn in_braces_path(path: &str) -> String {
    let plain = path.chars().all(|c| c.is_alphanumeric() || "_-./".contains(c)) && path.starts_with(char::is_alphabetic);
    if plain { path.to_owned() } else { in_braces(path) }
}

/// Small letters, digits, `-` and `_`, as runs and locks carry it.
fn name(source: &Source, wishes: &Wishes) -> String {
    let address = match &source.connection {
        Connection::Folder(path) | Connection::Sqlite(path) => path.as_str(),
        Connection::Postgres(_) | Connection::Mysql(_) => "shop",
    };
    let last = address.trim_end_matches('/').rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = if source.connection.is_database() { last.split('.').next().unwrap_or_default() } else { last };
    let given = wishes.name.as_deref().unwrap_or(stem);
    let slug = given.split('_').map(|part| words(part).join("-")).collect::<Vec<_>>().join("_");
    let slug: String =
        slug.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(*c)).take(64).collect();
    let slug = slug.trim_matches(['-', '_']).to_owned();
    if slug.is_empty() { "shop".to_owned() } else { slug }
}
