//! Customers, payments and tickets.

use super::Target;
use super::Wants::{Date, Id, Number, Text, Whole};
use super::trade::{CITY, COUNTRY, EMAIL, SEGMENT};

const CUSTOMER_KEY: &str = "\
            customer id, customer no, customer number, customer nr, customer key, customer code, cust id, cust no, client \
            id, buyer id, member id, account id, account no, user id, contact id, customer, kundennummer, kundennr, kunden \
            nr, kunden id, kunde id, kunde, kdnr, kd nr, debitor, debitorennummer, id client, numero client, code client, \
            client, id cliente, numero cliente, codigo cliente, codice cliente, cliente, klantnummer, klant id, klant, \
            requester id";
const OWN_KEY: &str = "id, code, key, nr, nummer, number, no";

pub(super) const CUSTOMERS: &[Target] = &[
    Target { column: "customer_id", wants: Id, names: CUSTOMER_KEY, never: "name, rep, support, segment, type" },
    // A key that says no more than that it is one.
    Target { column: "own_key", wants: Id, names: OWN_KEY, never: "postal, zip, phone" },
    Target {
        column: "customer_name",
        wants: Text,
        names: "\
            customer name, name, full name, client name, display name, contact name, kundenname, nom complet, nom client, \
            nombre cliente, nome cliente, klantnaam, company name, company, firma, firmenname",
        never: "first, last, given, user, id",
    },
    Target {
        column: "first_name",
        wants: Text,
        names: "\
            first name, firstname, given name, forename, fname, vorname, prenom, nombre, nome, voornaam",
        never: "",
    },
    Target {
        column: "last_name",
        wants: Text,
        names: "\
            last name, lastname, surname, family name, lname, nachname, familienname, name, nom, nom de famille, apellido, \
            apellidos, cognome, sobrenome, achternaam",
        never: "first, full, company",
    },
    Target { column: "email", wants: Text, names: EMAIL, never: "id, opt" },
    Target { column: "business_segment", wants: Text, names: SEGMENT, never: "id" },
    Target {
        column: "company",
        wants: Text,
        names: "\
            company, company name, organisation, organization, firma, firmenname, unternehmen, societe, entreprise, empresa, \
            azienda, bedrijf",
        never: "id",
    },
    Target {
        column: "region",
        wants: Text,
        names: "region, region name, sales region, territory, area, zone, gebiet, regione, regiao, regio",
        never: "id",
    },
    Target {
        column: "state",
        wants: Text,
        names: "\
            state, state province, province, state name, canton, kanton, bundesland, departement, provincia, provincie, \
            county",
        never: "id, order",
    },
    Target { column: "country", wants: Text, names: COUNTRY, never: "id" },
    Target { column: "city", wants: Text, names: CITY, never: "id" },
    Target {
        column: "birth_on",
        wants: Date,
        names: "\
            birth on, birth date, birthdate, date of birth, dob, birthday, geburtsdatum, geburtstag, date naissance, date de \
            naissance, fecha nacimiento, data nascita, data di nascita, geboortedatum",
        never: "",
    },
    Target { column: "age", wants: Whole, names: "age, customer age, alter, edad, eta, leeftijd", never: "group, band, range" },
    Target {
        column: "signup_on",
        wants: Date,
        names: "\
            signup on, signup date, sign up date, signed up at, registered at, registered on, registration date, register \
            date, join date, joined at, member since, customer since, created at, created on, created, creation date, date \
            created, account created, anmeldedatum, registriert am, registrierungsdatum, kunde seit, angelegt am, date \
            inscription, fecha alta, fecha registro, data registrazione;  since, seit",
        never: "birth, updated, last",
    },
];

pub(super) const PAYMENTS: &[Target] = &[
    Target {
        column: "payment_id",
        wants: Id,
        names: "\
            payment id, payment no, payment number, payment key, installment id, receivable id, billing id, invoice id, \
            invoice no, invoice number, transaction id, document no, zahlungsnummer, zahlungs nr, zahlungs id, zahlung id, \
            belegnummer, rechnungsnummer, rechnungsnr, id paiement, numero facture, id pago, id pagamento, id",
        never: "customer, order, type, method",
    },
    Target { column: "customer_id", wants: Id, names: CUSTOMER_KEY, never: "name" },
    Target {
        column: "order_id",
        wants: Id,
        names: "\
            order id, order no, order number, order, sale id, bestellnummer, bestellnr, auftragsnummer, auftrag, numero \
            commande, id pedido, id ordine, ordernummer, invoice id, invoice no",
        never: "line, date",
    },
    Target {
        column: "due_on",
        wants: Date,
        names: "\
            due on, due date, due, payment due, date due, payable by, maturity date, faellig am, faelligkeit, \
            faelligkeitsdatum, faellig, zahlbar bis, date echeance, echeance, fecha vencimiento, vencimiento, scadenza, data \
            scadenza, vervaldatum",
        never: "paid",
    },
    Target {
        column: "paid_on",
        wants: Date,
        names: "\
            paid on, paid date, paid at, payment date, date paid, settled on, settled at, cleared on, received on, bezahlt \
            am, zahlungsdatum, zahldatum, eingegangen am, zahlungseingang, date paiement, paye le, fecha pago, data \
            pagamento, betaald op, betaaldatum",
        never: "due",
    },
    Target {
        column: "amount",
        wants: Number,
        names: "\
            amount, payment amount, amount due, due amount, amount paid, paid amount, payment value, total, total amount, \
            invoice amount, value, betrag, zahlbetrag, rechnungsbetrag, summe, montant, importe, monto, importo, valor, \
            bedrag",
        never: "tax, open, discount, fee",
    },
    Target {
        column: "status",
        wants: Text,
        names: "status, payment status, state, zahlungsstatus, statut, estado, stato",
        never: "date, order",
    },
];

pub(super) const TICKETS: &[Target] = &[
    Target {
        column: "ticket_id",
        wants: Id,
        names: "\
            ticket id, ticket no, ticket number, case id, case no, case number, issue id, complaint id, incident id, request \
            id, ticketnummer, ticket nr, vorgangsnummer, fallnummer, anfrage id, id",
        never: "customer, order",
    },
    Target { column: "customer_id", wants: Id, names: CUSTOMER_KEY, never: "name" },
    Target {
        column: "opened_at",
        wants: Date,
        names: "\
            opened at, opened on, open date, opened, created at, created on, created, creation date, date opened, ticket \
            date, received at, submitted at, reported at, date, eroeffnet am, erstellt am, eingegangen am, datum, date \
            ouverture, fecha apertura, data apertura",
        never: "resolved, closed, updated, due",
    },
    Target {
        column: "resolved_at",
        wants: Date,
        names: "\
            resolved at, resolved on, resolved date, resolution date, resolved, closed at, closed on, close date, date \
            closed, closed, solved at, completed at, geloest am, geschlossen am, erledigt am, date cloture, fecha cierre, \
            data chiusura",
        never: "",
    },
    Target {
        column: "category",
        wants: Text,
        names: "\
            category, ticket category, type, ticket type, topic, subject, reason, issue type, complaint type, kategorie, \
            thema, grund, categorie, motif, categoria, motivo",
        never: "id",
    },
    Target {
        column: "priority",
        wants: Text,
        names: "\
            priority, ticket priority, severity, urgency, prioritaet, dringlichkeit, priorite, prioridad, priorita, \
            prioriteit",
        never: "",
    },
    Target {
        column: "satisfaction",
        wants: Number,
        names: "\
            satisfaction, satisfaction score, satisfaction rating, csat, rating, score, stars, nps, zufriedenheit, \
            bewertung, note, satisfaccion, valoracion, soddisfazione, tevredenheid",
        never: "id",
    },
];

pub(super) const USERS: &[Target] = &[
    Target {
        column: "user_principal_name",
        wants: Text,
        names: "user principal name, upn, sign in name, login, login name, user email, user",
        never: "",
    },
    Target { column: "region", wants: Text, names: "region, region name, sales region", never: "" },
];
