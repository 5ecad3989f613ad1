//! Makes a shop: customers and their order times first, then line by line in the order of time.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::basket;
use crate::catalogue::{self, Catalogue};
use crate::crowd::Crowd;
use crate::customer;
use crate::earlier::{self, SUMMARY};
use crate::error::{Cause, Error};
use crate::fault::{Fault, FaultPlan};
use crate::order_line::{self, OrderLine};
use crate::part_file::PartFile;
use crate::payment;
use crate::shop::{Format, Shop};
use crate::summary::{Arguments, Rows, Summary};
use crate::table::{Table, WholeTable};
use crate::tally::Tally;
use crate::ticket;

/// How many planted pairs the summary lists.
const LISTED_AFFINITIES: usize = 20;

/// Writes `customers`, `products`, `order_lines`, `payments` and `tickets` in the shop's format and `summary.json`
/// into the folder, which is created where it is missing.
///
/// An earlier shop there is replaced, once all new files are whole; its tables go also where they are in the other format.
/// Files of these names that are not of an earlier shop are an error, and nothing is written. Other files stay.
pub fn generate(shop: &Shop, to: &Path) -> Result<Summary, Error> {
    let lines = shop.checked_lines()?;
    let outlived = earlier::outlived(shop, to)?;
    fs::create_dir_all(to).map_err(|source| Error::CreateFolder { path: to.to_path_buf(), source })?;

    let catalogue = Catalogue::new(shop.seed, lines);
    let mut products = Table::create(to, "products", &catalogue::COLUMNS, shop.format)?;
    catalogue.write(&mut products)?;

    let mut customers = Table::create(to, "customers", &customer::COLUMNS, shop.format)?;
    let crowd = Crowd::gather(shop.seed, lines, &mut customers)?;

    let mut till = Till::open(shop, lines, crowd.customers(), catalogue.len(), to)?;
    let mut payments = Table::create(to, "payments", &payment::COLUMNS, shop.format)?;
    let mut tickets = Table::create(to, "tickets", &ticket::COLUMNS, shop.format)?;
    let mut basket = Vec::new();
    for (&order, order_id) in crowd.orders.iter().zip(1..) {
        let buyer = crowd.buyer(order.customer);
        basket::fill(&mut basket, shop.seed, order_id, order, buyer, &catalogue);
        for line in &basket {
            till.line(line)?;
        }
        let amount = basket.iter().map(OrderLine::net_amount).sum();
        payment::write(&mut payments, shop.seed, order_id, order, buyer, amount)?;
        ticket::write(&mut tickets, shop.seed, order_id, order)?;
    }

    let (order_lines, tally) = till.close()?;
    let tables = Tables {
        customers: customers.finish()?,
        products: products.finish()?,
        order_lines,
        payments: payments.finish()?,
        tickets: tickets.finish()?,
    };
    tables.publish(shop, &tally, &catalogue, &outlived, to)
}

/// Where lines get their faults on the way into the file.
struct Till {
    table: Table,
    plan: FaultPlan,
    tally: Tally,
    format: Format,
    products: u32,
    /// Copies of duplicated lines and from which row on each may be written.
    copies: Vec<(u64, OrderLine)>,
}

impl Till {
    fn open(shop: &Shop, lines: u32, customers: usize, products: u32, to: &Path) -> Result<Self, Error> {
        Ok(Self {
            table: Table::create(to, "order_lines", &order_line::columns(shop), shop.format)?,
            plan: FaultPlan::new(shop, lines),
            tally: Tally::new(customers),
            format: shop.format,
            products,
            copies: Vec::new(),
        })
    }

    fn line(&mut self, line: &OrderLine) -> Result<(), Error> {
        let fault = self.plan.next();
        let mut values = fault.map_or_else(|| line.spoilable(), |fault| self.plan.spoil(line, fault, self.products));
        let planted = match (fault, self.format) {
            // Parquet texts are UTF-8: here the line stays as it was.
            (Some(Fault::WrongEncoding), Format::Parquet) => {
                values = line.spoilable();
                None
            }
            (fault, _) => fault,
        };
        self.tally.count(line, planted);
        self.table.row(&line.cells(&values))?;
        if planted == Some(Fault::DuplicateLine) {
            self.copies.push((self.table.rows() + self.plan.delay(), *line));
        }
        self.write_copies(self.table.rows())
    }

    /// Writes the copies whose row has come.
    fn write_copies(&mut self, row: u64) -> Result<(), Error> {
        for (_, copy) in self.copies.extract_if(.., |(from, _)| *from <= row) {
            self.table.row(&copy.cells(&copy.spoilable()))?;
        }
        Ok(())
    }

    fn close(mut self) -> Result<(WholeTable, Tally), Error> {
        self.write_copies(u64::MAX)?;
        Ok((self.table.finish()?, self.tally))
    }
}

struct Tables {
    customers: WholeTable,
    products: WholeTable,
    order_lines: WholeTable,
    payments: WholeTable,
    tickets: WholeTable,
}

impl Tables {
    /// Gives all files their names. The summary comes last: where it is, the tables it tells of are there too, and no others
    /// of an earlier shop.
    fn publish(
        self,
        shop: &Shop,
        tally: &Tally,
        catalogue: &Catalogue,
        outlived: &[PathBuf],
        to: &Path,
    ) -> Result<Summary, Error> {
        let (summary_file, mut file) = PartFile::create(to, SUMMARY)?;
        let failed = |source: Cause| Error::write(summary_file.path(), source);
        let rows = Rows {
            customers: self.customers.rows,
            products: self.products.rows,
            order_lines: self.order_lines.rows,
            payments: self.payments.rows,
            tickets: self.tickets.rows,
        };
        let tables = [self.customers, self.products, self.order_lines, self.payments, self.tickets];
        let sizes: Result<Vec<u64>, Error> = tables.iter().map(|table| table.file.bytes()).collect();
        let summary = Summary {
            arguments: Arguments::from(shop),
            rows,
            bytes: sizes?.iter().sum(),
            planted: tally.planted,
            expected: tally.expected().map_err(|source| failed(source.into()))?,
            affinities: catalogue.top_affinities(LISTED_AFFINITIES),
        };
        serde_json::to_writer_pretty(&file, &summary).map_err(|source| failed(source.into()))?;
        file.write_all(b"\n").map_err(|source| failed(source.into()))?;
        drop(file);
        for table in tables {
            table.file.publish()?;
        }
        for path in outlived {
            fs::remove_file(path).map_err(|source| Error::Remove { path: path.clone(), source })?;
        }
        summary_file.publish()?;
        Ok(summary)
    }
}
