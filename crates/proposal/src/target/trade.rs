//! Sales and products.

use super::Target;
use super::Wants::{Date, Id, Number, Text, Whole};

const NOT_THE_ORDER: &str = "\
            ship, shipped, shipping, due, delivery, delivered, deliver, required, updated, update, modified, modify, \
            birth, paid, expiry, expires, promised, versand, liefer, lieferdatum, faellig, geaendert, cancelled, refunded, \
            signup, registered, estimated, first, last, return";

pub(super) const SALES: &[Target] = &[
    Target {
        column: "order_id",
        wants: Id,
        names: "\
            order id, order no, order number, order nr, order num, invoice id, invoice no, invoice number, invoice, \
            transaction id, transaction no, transaction number, receipt id, receipt no, receipt number, basket id, sale \
            id, sales order id, sales order number, sales id, bill no, bill id, order, order key, document no, ticket no, \
            cart id, purchase id, order code, order ref, order reference, bestellnummer, bestellnr, bestell nr, bestell \
            id, bestellung, auftragsnummer, auftragsnr, auftrags nr, auftrag, rechnungsnummer, rechnungsnr, rechnungs nr, \
            rechnung, belegnummer, belegnr, beleg nr, bonnummer, bon nr, bonnr, numero commande, no commande, num \
            commande, id commande, commande, numero facture, facture, numero pedido, id pedido, pedido, numero factura, \
            factura, numero ordine, id ordine, ordine, fattura, bestelnummer, ordernummer, factuurnummer, increment id; name",
        never: "line, item, product, customer, date",
    },
    Target {
        column: "line_number",
        wants: Whole,
        names: "\
            line number, line no, line nr, line num, line id, order line id, order line number, order item id, order \
            detail id, order line, invoice line id, invoice line no, invoice item id, line item id, line item, sale line \
            id, sales line id, order item number, position, positionsnummer, positionsnr, pos nr, posnr, zeilennummer, \
            bestellposition id, numero ligne, numero linea, regelnummer; item no, pos, line, ligne, linea, riga, regel",
        never: "row, product, amount, total, price",
    },
    Target {
        column: "ordered_at",
        wants: Date,
        names: "\
            ordered at, order date, order datetime, order timestamp, order time, order ts, invoice date, sale date, sales \
            date, sold at, sold on, transaction date, transaction time, transaction datetime, purchase date, purchase \
            timestamp, order purchase timestamp, purchased at, receipt date, bill date, posting date, booking date, placed \
            at, date ordered, date of order, order day, bestelldatum, bestellzeit, bestellt am, auftragsdatum, \
            rechnungsdatum, verkaufsdatum, belegdatum, kaufdatum, bondatum, date commande, date de commande, date facture, \
            date vente, date achat, fecha pedido, fecha factura, fecha venta, fecha, data ordine, data fattura, data \
            vendita, data, besteldatum, orderdatum, datum, date, datetime; timestamp, day, tag, zeitpunkt, created at, \
            created on, created, creation date, create date",
        never: NOT_THE_ORDER,
    },
    Target {
        column: "customer_id",
        wants: Id,
        names: "\
            customer id, customer no, customer number, customer nr, customer key, customer code, cust id, cust no, cust \
            key, client id, client no, buyer id, member id, shopper id, account id, account no, user id, customer, contact \
            id, loyalty id, loyalty card, bill to customer id, kundennummer, kundennr, kunden nr, kunden id, kunde id, \
            kunde, kdnr, kd nr, debitor, debitorennummer, id client, numero client, code client, no client, client, id \
            cliente, numero cliente, codice cliente, codigo cliente, cliente, klantnummer, klant id, klant, email, \
            customer email; card number, household key, household id, sold to",
        never: "name, support, rep, employee, segment, unique",
    },
    Target {
        column: "product_id",
        wants: Id,
        names: "\
            product id, product no, product number, product code, product key, product nr, sku, sku id, sku code, stock \
            code, stockcode, article id, article no, article number, article code, item id, item no, item code, item \
            number, track id, ean, upc, gtin, barcode, isbn, variant id, prod id, material, material no, material number, \
            book id, menu item id, lineitem sku, artikelnummer, artikelnr, artikel nr, artikel id, art nr, artnr, produktnummer, produkt \
            nr, produkt id, warennummer, id produit, code produit, reference produit, code article, ref produit, id \
            producto, codigo producto, id prodotto, codice prodotto, codice articolo, artikelcode; product, item, article, \
            artikel, produkt, produit, producto, prodotto, articulo, articolo, reference",
        never: "name, order, category, line, price, count",
    },
    Target {
        column: "quantity",
        wants: Number,
        names: "\
            quantity, qty, quantity ordered, qty ordered, order quantity, order qty, ordered quantity, quantity sold, qty \
            sold, units, units sold, unit sales, pieces, pcs, item quantity, item count, sales quantity, sold quantity, no \
            of units, lineitem quantity, menge, anzahl, stueck, stueckzahl, stk, bestellmenge, verkaufsmenge, quantite, qte, cantidad, cant, \
            quantita, qta, quantidade, aantal, hoeveelheid; count, nombre, number of units",
        never: "stock, available, price, min, max, hand, amount, returned, shipped, id",
    },
    Target {
        column: "unit_price",
        wants: Number,
        names: "\
            unit price, price each, item price, unit selling price, selling price, sale price, sales price, price per \
            unit, product price, price unit, retail price, price, unit amount, lineitem price, einzelpreis, stueckpreis, verkaufspreis, \
            preis, vk preis, vk, e preis, prix unitaire, prix unitaire ht, prix, pu, pu ht, precio unitario, precio, \
            prezzo unitario, prezzo, preco unitario, stuksprijs, prijs, prix de vente, prix vente",
        never: "total, cost, list, extended, net, line, discount, old, original, before, msrp",
    },
    Target {
        column: "net_amount",
        wants: Number,
        names: "\
            net amount, net sales, net revenue, net total, net price total, line total, line amount, line net, net value, \
            extended price, extended amount, line price, sales amount, sales value, sale amount, sales, revenue, turnover, \
            amount, total amount, total price, total sales, total value, total sale, subtotal, sub total, total, item \
            total, line value, spend, spent, sale dollars, sale total, purchase amount, umsatz, nettoumsatz, netto umsatz, \
            nettobetrag, betrag netto, positionsbetrag, zeilenbetrag, gesamtpreis, gesamtbetrag, gesamt, betrag, \
            positionswert, warenwert, montant ht, montant, montant net, total ht, chiffre affaires, importe, importe \
            total, total linea, ventas, monto, importo, totale, ricavo, fatturato, valor total, bedrag, omzet, totaal, \
            prix total, precio total, prezzo totale, preco total, totaalprijs, total net; order total, grand total, order \
            amount, order value, invoice total, invoice amount, gross sales, gross amount, gross total, gross revenue, \
            bruttobetrag, brutto, bruttoumsatz, total ttc, value, valor, ca, netto, summe,  net, amt",
        never: "\
            tax, vat, mwst, discount, shipping, freight, cost, profit, quantity, unit, units, id, tip",
    },
    Target {
        column: "discount",
        wants: Number,
        names: "\
            discount, discount amount, discount rate, discount percent, discount percentage, discount pct, discount value, \
            line discount, item discount, unit price discount, rebate, price reduction, discount applied, promo discount, \
            coupon discount, markdown, rabatt, rabattbetrag, rabattsatz, rabatt prozent, rabatt in prozent, nachlass, \
            remise, reduction, taux remise, descuento, sconto, desconto, korting, rabatt percent, remise percent, \
            descuento percent, sconto percent, disc percent, disc",
        never: "code, id, name, after",
    },
    Target {
        column: "profit",
        wants: Number,
        names: "\
            profit, gross profit, line profit, profit amount, gewinn, deckungsbeitrag, rohertrag, benefice, marge brute, \
            beneficio, ganancia, profitto, lucro, winst; contribution",
        never: "ratio, rate, percent, pct, margin",
    },
    Target {
        column: "cost_amount",
        wants: Number,
        names: "\
            cost amount, total cost, line cost, cost of goods sold, cogs, cost of sales, cost total, extended cost, \
            wareneinsatz, gesamtkosten, cout total, costo total, costo totale",
        never: "unit, shipping",
    },
    Target {
        column: "unit_cost",
        wants: Number,
        names: "\
            unit cost, cost per unit, cost price, purchase price, product cost, item cost, standard cost, einkaufspreis, \
            ek preis, ek, einstandspreis, stueckkosten, cout unitaire, prix achat, costo unitario, coste unitario; cost",
        never: "total, shipping, freight",
    },
    Target {
        column: "region",
        wants: Text,
        names: "\
            region, sales region, region name, order region, store region, sales territory, territory, territory name, \
            gebiet, verkaufsgebiet, regione, regiao, comunidad, regio, ship region, shipping region, billing region; \
            store, store name, store id, branch, branch name, \
            filiale, filialname, shop name, magasin, tienda, negozio, market, zone, area",
        never: "id",
    },
    Target {
        column: "channel",
        wants: Text,
        names: "\
            channel, sales channel, order channel, channel name, order source, platform, sales outlet, marketplace, kanal, \
            vertriebskanal, verkaufskanal, bestellweg, canal, canal de vente, canal venta, canale, kanaal; source, ship \
            mode, order type",
        never: "id, url",
    },
    Target {
        column: "status",
        wants: Text,
        names: "\
            order status, status, invoice status, line status, bestellstatus, auftragsstatus, statut, statut commande, \
            estado pedido, stato ordine, stato",
        never: "date, at, payment, marital",
    },
    Target {
        column: "currency",
        wants: Text,
        names: "\
            currency, currency code, order currency, curr, waehrung, waehrungscode, devise, moneda, valuta, moeda",
        never: "rate",
    },
    Target {
        column: "exchange_rate",
        wants: Number,
        names: "\
            exchange rate, fx rate, currency rate, conversion rate, wechselkurs, umrechnungskurs, kurs, taux de change, \
            tipo de cambio, tasso di cambio",
        never: "",
    },
    Target {
        column: "customer_name",
        wants: Text,
        names: "\
            customer name, client name, buyer name, member name, contact name, cust name, customer full name, kundenname, \
            kunde name, name des kunden, nom client, nombre cliente, nome cliente, klantnaam",
        never: "first, last, id",
    },
    Target { column: "email", wants: Text, names: EMAIL, never: "id, opt" },
    Target { column: "business_segment", wants: Text, names: SEGMENT, never: "id" },
    Target { column: "country", wants: Text, names: COUNTRY, never: "id" },
    Target { column: "city", wants: Text, names: CITY, never: "id" },
    Target {
        column: "product_name",
        wants: Text,
        names: "\
            product name, product title, product description, product desc, item name, item description, item desc, item \
            title, lineitem name, article name, article description, sku name, sku description, track name, prod name, product label, \
            produktname, produktbezeichnung, artikelname, artikelbezeichnung, artikeltext, artikel name, bezeichnung, \
            warenbezeichnung, nom produit, designation, libelle, libelle produit, nombre producto, descripcion, nome \
            prodotto, descrizione, nome produto, omschrijving, productnaam; description, title, product, item, article, \
            artikel, produkt, produit, producto, prodotto",
        never: "id, category, customer, code",
    },
    Target { column: "category", wants: Text, names: CATEGORY, never: "id, sub, customer, subcategory" },
    Target { column: "subcategory", wants: Text, names: SUBCATEGORY, never: "id" },
];

pub(super) const EMAIL: &str = "\
            email, e mail, email address, mail, customer email, mail address, e mail adresse, emailadresse, courriel, \
            correo, correo electronico, posta elettronica";
pub(super) const SEGMENT: &str = "\
            segment, customer segment, business segment, customer type, customer group, customer category, client type, \
            account type, member type, membership, kundensegment, kundengruppe, kundentyp, kundenart, segment client, type \
            client, segmento, tipo cliente, klantgroep, klanttype";
pub(super) const COUNTRY: &str = "\
            country, country name, country code, billing country, shipping country, ship country, customer country, \
            nation, land, laendercode, pays, pais, paese";
pub(super) const CITY: &str = "\
            city, town, billing city, shipping city, ship city, customer city, city name, stadt, ort, wohnort, ville, \
            ciudad, citta, cidade, plaats, stad, woonplaats";
const CATEGORY: &str = "\
            category, product category, category name, product category name, item category, product group, product line, \
            product type, department, department name, product family, main category, genre, genre name, item group, \
            commodity desc, class, kategorie, produktkategorie, warengruppe, warengruppenname, warengruppe name, \
            hauptwarengruppe, produktgruppe, artikelgruppe, sortiment, categorie, categorie produit, famille, rayon, \
            categoria, familia, categoria prodotto, reparto, productgroep; group, gruppe, groupe, grupo";
const SUBCATEGORY: &str = "\
            subcategory, sub category, product subcategory, subcategory name, sub category name, product sub category, \
            subclass, sub department, product subgroup, media type name, media type, unterkategorie, untergruppe, \
            unterwarengruppe, sous categorie, sous famille, subcategoria, sottocategoria, subcategorie, sub commodity \
            desc; type";

pub(super) const PRODUCTS: &[Target] = &[
    Target { column: "product_id", wants: Id, names: PRODUCT_KEY, never: "name, category, order, price" },
    Target {
        column: "product_name",
        wants: Text,
        names: "\
            product name, name, product title, item name, article name, track name, product description, item description, \
            label, produktname, artikelname, bezeichnung, artikelbezeichnung, produktbezeichnung, nom, nom produit, \
            designation, libelle, nombre, nombre producto, descripcion, nome, nome prodotto, descrizione, naam, \
            productnaam, omschrijving; description, title",
        never: "\
            id, category, genre, brand, artist, supplier, vendor, manufacturer, album, type, group",
    },
    Target { column: "category", wants: Text, names: CATEGORY, never: "id, sub, subcategory" },
    Target { column: "subcategory", wants: Text, names: SUBCATEGORY, never: "id" },
    Target {
        column: "brand",
        wants: Text,
        names: "\
            brand, brand name, manufacturer, manufacturer name, maker, producer, artist, artist name, author, author name, \
            publisher, publisher name, marke, markenname, hersteller, herstellername, marque, fabricant, marca, \
            fabricante, produttore, merk, supplier company name, vendor company name, manufacturer company name; \
            label, vendor, vendor name, supplier, supplier name, lieferant",
        never: "id",
    },
    Target {
        column: "list_price",
        wants: Number,
        names: "\
            list price, unit price, price, retail price, rrp, msrp, standard price, selling price, sale price, catalog \
            price, buy price, listenpreis, verkaufspreis, vk preis, vk, preis, uvp, einzelpreis, prix, prix de vente, \
            precio, precio venta, prezzo, prezzo di listino, preco, prijs, verkoopprijs",
        never: "cost, purchase, total",
    },
    Target {
        column: "unit_cost",
        wants: Number,
        names: "\
            unit cost, cost price, purchase price, standard cost, product cost, buying price, wholesale price, \
            einkaufspreis, ek preis, ek, einstandspreis, selbstkosten, prix achat, cout, coste, costo, custo, inkoopprijs, \
            kostprijs; cost",
        never: "shipping, total",
    },
];

const PRODUCT_KEY: &str = "\
            product id, product no, product number, product code, product key, sku, sku id, stock code, article id, \
            article no, article number, item id, item no, item code, track id, ean, upc, gtin, barcode, isbn, book id, \
            material no, artikelnummer, artikelnr, artikel nr, artikel id, art nr, produkt id, produktnummer, produkt nr, \
            id produit, code produit, reference, id producto, codigo producto, id prodotto, codice prodotto, id, code, \
            key, nr, nummer";
