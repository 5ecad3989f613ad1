//! Names of tables and columns as words, however they are spelt: `InvoiceLineId`, `INVOICE_LINE_ID`, `Invoice line ID`.

/// Prefixes that warehouses give their tables.
const TABLE_PREFIXES: [&str; 5] = ["tbl", "dim", "fact", "stg", "t"];

/// The words of a name in small letters, accents folded (`Größe` is `groesse`, `prénom` is `prenom`).
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let letters: Vec<char> = name.chars().collect();
    for (place, letter) in letters.iter().copied().enumerate() {
        if !letter.is_alphanumeric() {
            close(&mut words, &mut word);
            // `Discount %` is another column than `Discount`.
            if letter == '%' {
                words.push("percent".to_owned());
            }
            continue;
        }
        let before = place.checked_sub(1).and_then(|p| letters.get(p)).copied();
        let after = letters.get(place + 1).copied();
        // A hump begins a word: `orderId`, and the last capital of `SKUCode`.
        let hump = letter.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit())
                || before.is_some_and(char::is_uppercase) && after.is_some_and(char::is_lowercase));
        if hump {
            close(&mut words, &mut word);
        }
        fold(letter, &mut word);
    }
    close(&mut words, &mut word);
    words
}

fn close(words: &mut Vec<String>, word: &mut String) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

fn fold(letter: char, word: &mut String) {
    for small in letter.to_lowercase() {
        let plain = match small {
            'ä' | 'æ' => "ae",
            'ö' | 'ø' | 'œ' => "oe",
            'ü' => "ue",
            'ß' => "ss",
            'à' | 'á' | 'â' | 'ã' | 'å' => "a",
            'è' | 'é' | 'ê' | 'ë' => "e",
            'ì' | 'í' | 'î' | 'ï' => "i",
            'ò' | 'ó' | 'ô' | 'õ' => "o",
            'ù' | 'ú' | 'û' => "u",
            'ç' => "c",
            'ñ' => "n",
            other => {
                word.push(other);
                continue;
            }
        };
        word.push_str(plain);
    }
}

/// The words run together, so that `Order ID`, `order_id` and `orderid` are one.
pub(crate) fn squeezed(words: &[String]) -> String {
    words.concat()
}

/// The words of one row of a table: `tbl_Customers` holds a `customer`, `public.order_items` an `order item`.
pub(crate) fn one_of(table: &str) -> Vec<String> {
    let bare = table.rsplit_once('/').map_or(table, |(_, file)| file);
    let bare = match bare.split_once('.') {
        // `shop.orders` is a table of a schema, `orders.csv.gz` a file.
        Some((stem, rest)) if ["csv", "tsv", "txt"].iter().any(|e| rest.starts_with(e)) => stem,
        Some((_, rest)) => rest,
        None => bare,
    };
    let mut words = words(bare);
    words.retain(|w| !w.chars().all(|c| c.is_ascii_digit()));
    if words.len() > 1 && words.first().is_some_and(|w| TABLE_PREFIXES.contains(&w.as_str())) {
        words.remove(0);
    }
    if let Some(last) = words.last_mut() {
        let shorter = match last.as_str() {
            w if w.ends_with("ies") => format!("{}y", w.trim_end_matches("ies")),
            w if w.ends_with("ses") || w.ends_with("xes") => w.trim_end_matches("es").to_owned(),
            w if w.ends_with('s') && !w.ends_with("ss") && w.len() > 3 => w.trim_end_matches('s').to_owned(),
            w => w.to_owned(),
        };
        *last = shorter;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_one() {
        for name in ["InvoiceLineId", "INVOICE_LINE_ID", "invoice line-id", "invoiceLineID"] {
            assert_eq!(words(name), ["invoice", "line", "id"], "{name}");
        }
        assert_eq!(words("Straße Größe"), ["strasse", "groesse"]);
        assert_eq!(words("SKUCode2"), ["sku", "code2"]);
        assert_eq!(squeezed(&words("Sub-Category")), "subcategory");
    }

    #[test]
    fn a_table_holds_many_of_one() {
        for (table, one) in [
            ("tbl_Customers", "customer"),
            ("public.order_items", "order item"),
            ("exports/orders_2024*.csv.gz", "order"),
            ("Addresses", "address"),
            ("categories", "category"),
            ("InvoiceLine", "invoice line"),
        ] {
            assert_eq!(one_of(table).join(" "), one);
        }
    }
}
