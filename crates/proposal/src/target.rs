//! Our columns, and what sources call them, in the order of how well a name fits.

use schema::{ENTITIES, Entity};

use crate::words::squeezed;

mod people;
mod trade;

/// What the values of a column must be to be taken for one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// An identifier: no date, no fraction.
    Id,
    /// Words.
    Text,
    Number,
    Whole,
    Date,
}

/// One of our columns.
#[derive(Debug)]
pub(crate) struct Target {
    pub column: &'static str,
    pub wants: Wants,
    /// Names in small letters, the best first, with commas between them; accents folded as `words` does. Behind a semicolon
    /// stand those that may as well mean something else.
    pub names: &'static str,
    /// Words that say it is something else.
    pub never: &'static str,
}

/// The entries of a list that is written with commas.
pub(crate) fn listed(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split([',', ';']).map(str::trim).filter(|entry| !entry.is_empty())
}

/// Columns that are matched in this order where two would take the same one. Beside ours they hold working names, such
/// as `profit`, of what only stands in an expression.
pub(crate) fn targets(entity: Entity) -> &'static [Target] {
    match entity {
        Entity::Sales => trade::SALES,
        Entity::Customers => people::CUSTOMERS,
        Entity::Products => trade::PRODUCTS,
        Entity::Payments => people::PAYMENTS,
        Entity::Tickets => people::TICKETS,
        Entity::Users => people::USERS,
    }
}

/// What tables of an entity are called, one row of them.
pub(crate) fn table_names(entity: Entity) -> &'static str {
    match entity {
        Entity::Sales => {
            "\
            order line, order item, order detail, order product, line item, invoice line, invoice item, sale, sale line, \
            sale item, sale detail, transaction, transaction line, transaction item, order, invoice, purchase, receipt line, \
            receipt, basket item, orderline, orderitem, bestellposition, auftragsposition, rechnungsposition, bestellung, \
            auftrag, rechnung, verkauf, verkaeufe, umsatz, kassenbon, position, commande, ligne commande, vente, venta, \
            pedido, linea pedido, vendita, ordine, superstore"
        }
        Entity::Customers => {
            "\
            customer, client, buyer, shopper, consumer, member, account, contact, user, kunde, kunden, kundenstamm, cliente, \
            klant, crm customer, customer master"
        }
        Entity::Products => {
            "\
            product, article, item, sku, track, good, merchandise, catalog, catalogue, artikel, produkt, produkte, \
            artikelstamm, ware, produit, producto, prodotto, articulo, articolo, product master, book"
        }
        Entity::Payments => {
            "\
            payment, installment, instalment, receivable, open item, dunning, billing, invoice, zahlung, zahlungen, rate, \
            forderung, offener posten, paiement, pago, pagamento, betaling"
        }
        Entity::Tickets => {
            "\
            ticket, support ticket, case, support case, issue, complaint, incident, service request, helpdesk ticket, \
            anfrage, beschwerde, reklamation, supportfall, stoerung, reclamation, queja"
        }
        Entity::Users => "user region, region access, report access, report user",
    }
}

/// Tables whose rows look like sales and are none.
pub(crate) const NEVER_SALES: [&str; 19] = [
    "stock",
    "inventory",
    "return",
    "cart",
    "wishlist",
    "budget",
    "forecast",
    "shipment",
    "supplier",
    "log",
    "playlist",
    "quote",
    "lager",
    "bestand",
    "warenkorb",
    "angebot",
    "lieferant",
    "retoure",
    "refund",
];

/// Whether a table is called as those of an entity are, by the words of one row of it.
pub(crate) fn is_called(one: &[String], entity: Entity) -> bool {
    let name = squeezed(one);
    listed(table_names(entity)).any(|n| n.replace(' ', "") == name)
}

/// Whether its name alone tells a table from others, as `products` and `returns` do and `north` does not.
pub(crate) fn says_what_it_holds(one: &[String]) -> bool {
    ENTITIES.iter().any(|entity| is_called(one, *entity)) || one.iter().any(|word| NEVER_SALES.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use schema::entity;

    use super::*;
    use crate::words::words;

    #[test]
    fn every_column_of_an_entity_has_names() {
        for of in ENTITIES {
            // Whether a discount is a rate or an amount is for its values to say.
            for column in entity(of).columns.iter().filter(|c| !c.name.starts_with("discount_")) {
                assert!(targets(of).iter().any(|t| t.column == column.name), "{of}.{}", column.name);
            }
        }
    }

    #[test]
    fn names_are_written_as_they_are_compared() {
        for of in ENTITIES {
            for name in targets(of).iter().flat_map(|t| listed(t.names).chain(listed(t.never))).chain(listed(table_names(of))) {
                assert_eq!(words(name).join(" "), name, "{of}");
            }
        }
    }
}
