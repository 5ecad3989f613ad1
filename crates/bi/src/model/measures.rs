//! The measures, in one table without rows and by folders.

mod customers;
mod retention;
mod sales;
mod trust;
mod value;

use super::{MEASURES, published};
use crate::id;
use crate::tmdl::{self, Tmdl};

/// A measure: its text is DAX over the names of [`schema::TABLES`], without a blank before a bracket. A measure whose name is
/// also a column's somewhere is named with its table, since DAX tells neither case nor kind apart.
struct Measure {
    name: &'static str,
    format: &'static str,
    about: &'static str,
    dax: &'static str,
}

const WHOLE: &str = "#,##0";
const MONEY: &str = "#,##0.00";
const SHARE: &str = "0.0%";
/// Text has no format.
const TEXT: &str = "";

const fn measure(name: &'static str, format: &'static str, about: &'static str, dax: &'static str) -> Measure {
    Measure { name, format, about, dax }
}

/// An expression over the customers who bought in the chosen regions: regions reach customers by the bridge alone.
macro_rules! of_buyers {
    ($dax:expr) => {
        concat!("CALCULATE(", $dax, ", TREATAS(VALUES(customer_region[customer_key]), dim_customer[customer_key]))")
    };
}

/// The same, but over all customers, buyers or not, as long as no region is chosen.
macro_rules! of_customers {
    ($dax:expr) => {
        concat!("IF(\n    ISFILTERED(dim_region[region_name]),\n    ", of_buyers!($dax), ",\n    ", $dax, "\n)")
    };
}

use {of_buyers, of_customers};

/// A folder of the field list and what is in it.
const FOLDERS: [(&str, &[Measure]); 7] = [
    ("Sales", sales::SALES),
    ("Customers", customers::CUSTOMERS),
    ("Retention", retention::RETENTION),
    ("Value", value::VALUE),
    ("Basket", value::BASKET),
    ("Risk", value::RISK),
    ("Trust", trust::TRUST),
];

pub(super) fn table() -> String {
    let mut text = Tmdl::default();
    text.about(0, "All measures. It has no rows.").line(0, &format!("table {}", tmdl::name(MEASURES)));
    text.line(1, &format!("lineageTag: {}", id::guid(MEASURES))).gap();
    for (folder, measures) in FOLDERS {
        for one in measures {
            write(&mut text, folder, one, one.dax);
        }
    }
    write(&mut text, "Trust", &trust::SNAPSHOT_CHECK, &trust::snapshot_check(published().map(|table| table.name)));
    text.line(1, "column note").line(2, "dataType: string").line(2, "isHidden");
    text.line(2, &format!("lineageTag: {}", id::guid(&format!("{MEASURES}/note")))).line(2, "summarizeBy: none");
    text.line(2, "sourceColumn: note").gap().line(2, "annotation SummarizationSetBy = User").gap();
    text.line(1, &format!("partition {} = m", tmdl::name(MEASURES))).line(2, "mode: import");
    text.line(2, "source = #table(type table [note = text], {})").gap().line(1, "annotation PBI_ResultType = Table");
    text.finish()
}

fn write(text: &mut Tmdl, folder: &str, measure: &Measure, dax: &str) {
    text.about(1, measure.about).value(1, &format!("measure {}", tmdl::name(measure.name)), dax, 2);
    if !measure.format.is_empty() {
        text.line(2, &format!("formatString: {}", tmdl::text(measure.format)));
    }
    text.line(2, &format!("displayFolder: {folder}"));
    text.line(2, &format!("lineageTag: {}", id::guid(&format!("measure {}", measure.name)))).gap();
}
