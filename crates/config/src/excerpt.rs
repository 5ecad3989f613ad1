//! The line a problem shows: no tabs, no password, and not wider than a terminal.

/// Characters of a line that are shown, when it has more.
const WIDTH: usize = 120;

/// Keys whose value is never shown.
const KEYS: [&str; 6] = ["password", "passwd", "pwd", "secret", "token", "access_key"];

/// A line as it is shown, and how many characters of it stand before `column` (from 1).
pub(crate) fn excerpt(line: &str, column: u64) -> (String, usize) {
    // A tab would move the caret; it shows as one space.
    let line = line.replace('\t', " ");
    let before: String = line.chars().take(usize::try_from(column.saturating_sub(1)).unwrap_or_default()).collect();
    let caret = redact(&before).chars().count();
    let shown = redact(&line);
    if shown.chars().count() <= WIDTH {
        return (shown, caret);
    }
    let start = caret.saturating_sub(WIDTH / 2);
    let part: String = shown.chars().skip(start).take(WIDTH).collect();
    let (left, shift) = if start == 0 { ("", 0) } else { ("…", 1) };
    let right = if start + WIDTH < shown.chars().count() { "…" } else { "" };
    (format!("{left}{part}{right}"), caret - start + shift)
}

/// The text with `***` for every password of a url and for every value behind a key such as `password`.
pub(crate) fn redact(text: &str) -> String {
    KEYS.iter().fold(urls(text), |text, key| values(&text, key))
}

/// `scheme://user:***@host`. Where a url may hold a blank or an `@`, too much is hidden rather than too little.
fn urls(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let word = after.get(..end).unwrap_or(after);
        let end = match (word.rfind('@'), word.contains(':')) {
            (Some(at), _) => at,
            (None, true) => after.rfind('@').unwrap_or_default(),
            (None, false) => 0,
        };
        let (login, behind) = after.split_at_checked(end).unwrap_or(("", after));
        match login.split_once(':') {
            Some((user, _)) => {
                shown.push_str(user);
                shown.push_str(":***");
            }
            None => shown.push_str(login),
        }
        rest = behind;
    }
    shown + rest
}

/// `key: ***` and `key=***`.
fn values(text: &str, key: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    // Lowering ASCII alone moves no byte, so a place found in one text is good in the other.
    while let Some(place) = rest.to_ascii_lowercase().find(key) {
        let (before, behind) = rest.split_at_checked(place + key.len()).unwrap_or((rest, ""));
        shown.push_str(before);
        let value = behind.trim_start_matches(['"', '\'', ' ']);
        let separator = value.chars().next().filter(|c| matches!(c, ':' | '='));
        let Some(separator) = separator else {
            rest = behind;
            continue;
        };
        let value = value.trim_start_matches([':', '=', ' ']);
        shown.push_str(behind.strip_suffix(value).unwrap_or_default());
        // A plain value of a block mapping goes to the end of its line, whatever stands in it.
        let block = separator == ':' && !before.contains(['{', '?']);
        // In a driver's connection string it may hold anything but the `;` behind it, and even that in braces.
        let block = block || (separator == '=' && rest.contains(';'));
        let end = match value.chars().next() {
            None => 0,
            Some(quote @ ('"' | '\'')) => {
                value.char_indices().skip(1).find(|(_, c)| *c == quote).map_or(value.len(), |(i, _)| i + 1)
            }
            Some(_) if block => value.len(),
            Some(_) => value.find([',', '}', '&', '"', '\'', '`', ' ']).unwrap_or(value.len()),
        };
        if end > 0 {
            shown.push_str("***");
        }
        rest = value.get(end..).unwrap_or_default();
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, excerpt, redact};

    #[test]
    fn passwords_are_hidden_wherever_they_stand() {
        for (text, shown) in [
            ("url: postgres://shop:pw@db/shop", "url: postgres://shop:***@db/shop"),
            ("url: \"postgres://shop:p@w:x/y@db/shop\", a: b", "url: \"postgres://shop:***@db/shop\", a: b"),
            ("url: 'postgres://shop:p w@db/shop'", "url: 'postgres://shop:***@db/shop'"),
            ("postgres://shop@db:5432/shop", "postgres://shop@db:5432/shop"),
            ("postgres://db:5432/shop", "postgres://db:5432/shop"),
            ("a://u:p@h b://u:p@h", "a://u:***@h b://u:***@h"),
            ("url: host=db password=pw user=shop", "url: host=db password=*** user=shop"),
            ("{password: pw, port: 1}", "{password: ***, port: 1}"),
            ("{\"password\": \"p, w\", port: 1}", "{\"password\": ***, port: 1}"),
            ("  db_Password: a}b, c", "  db_Password: ***"),
            ("postgres://db/shop?user=a&password=pw&x=1", "postgres://db/shop?user=a&password=***&x=1"),
            ("url: \"${env:DB_PASSWORD}\"", "url: \"${env:DB_PASSWORD}\""),
            ("url: ${file:/run/secrets/db}", "url: ${file:/run/secrets/db}"),
            ("password:", "password:"),
            ("connection: \"Driver={X};UID=shop;PWD={p w;,}}d};Port=1\"", "connection: \"Driver={X};UID=shop;PWD=***"),
            ("connection: \"Driver=X;Password=p w", "connection: \"Driver=X;Password=***"),
        ] {
            assert_eq!(redact(text), shown);
        }
    }

    #[test]
    fn the_caret_follows_what_is_hidden_and_cut() {
        assert_eq!(excerpt("{url: a://u:secret-word@h, b: 1}", 28), ("{url: a://u:***@h, b: 1}".to_owned(), 19));
        let long = format!("{}x{}", "a".repeat(500), "b".repeat(500));
        let (shown, caret) = excerpt(&long, 501);
        assert_eq!(shown.chars().nth(caret), Some('x'));
        assert_eq!(shown.chars().count(), WIDTH + 2);
        assert_eq!(excerpt("\tx", 2), (" x".to_owned(), 1));
    }
}
