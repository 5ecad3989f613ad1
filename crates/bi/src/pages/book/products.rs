use super::{DATES, REGION, SEGMENT};
use crate::pages::field::{column, measure};
use crate::pages::page::Page;
use crate::pages::place::at;
use crate::pages::visual::{Chart, Visual, cards, chart, table};

pub(super) fn page() -> Page {
    Page {
        key: "products",
        title: "Products and baskets",
        question: "What sells, and what is bought together? Rules are of the whole company.",
        slicers: vec![REGION, SEGMENT, DATES],
        visuals: vec![headline(), categories(), products(), rules()],
        choices: vec![("categories", "products")],
    }
}

fn headline() -> Visual {
    cards(
        "headline",
        "Baskets",
        "Units sold, units in an order, the share of money that went back, and the number of rules found.",
        at(0, 0, 12, 3),
        ["Units", "Units per order", "Return rate", "Rules"].map(|name| measure(name).into()).into(),
    )
}

fn categories() -> Visual {
    chart(
        Chart::Bars,
        "categories",
        "Revenue by category",
        "Bars of the revenue of each category, the largest first.",
        at(0, 3, 5, 4),
        column("dim_product", "category").called("Category"),
        vec![measure("Revenue").into()],
    )
    .largest_first(measure("Revenue"))
}

fn products() -> Visual {
    table(
        "products",
        "Products by revenue",
        "A list of products with their revenue, the share of all revenue, units and the share of money that went back, the largest first.",
        at(5, 3, 7, 4),
        vec![
            column("dim_product", "product_name").called("Product"),
            column("dim_product", "category").called("Category"),
            measure("Revenue").into(),
            measure("Revenue share").called("Share"),
            measure("Units").into(),
            measure("Return rate").into(),
        ],
    )
    .largest_first(measure("Revenue"))
}

fn rules() -> Visual {
    table(
        "rules",
        "Bought together, the strongest lift first",
        "A list of rules: who buys the first product also buys the second, with how often, how surely and how much more than by chance.",
        at(0, 7, 12, 5),
        vec![
            column("basket_rules", "antecedent").called("Who buys"),
            column("basket_rules", "consequent").called("also buys"),
            measure("Rule confidence").called("Confidence"),
            measure("Rule lift").called("Lift"),
            measure("Rule support").called("Support"),
        ],
    )
    .largest_first(measure("Rule lift"))
}
