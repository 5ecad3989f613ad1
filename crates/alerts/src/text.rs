//! Text made fit to be shown elsewhere.

const CUT: &str = "… (cut)";

/// The text with every character replaced by what `escape` says, cut so that it has at most `limit` bytes and says so.
/// Characters of control but the newline are left out, and no escape is cut in two.
pub fn fit(text: &str, limit: usize, escape: fn(char) -> Option<&'static str>) -> String {
    let mut out = String::new();
    // Where the text ends if it has to be cut.
    let mut keep = 0;
    for letter in text.chars().filter(|letter| *letter == '\n' || !letter.is_control()) {
        if out.len() + CUT.len() <= limit {
            keep = out.len();
        }
        match escape(letter) {
            Some(text) => out.push_str(text),
            None => out.push(letter),
        }
        if out.len() > limit {
            out.truncate(keep);
            out.push_str(CUT);
            break;
        }
    }
    out
}

/// For places that take text as it is.
pub fn plain(_: char) -> Option<&'static str> {
    None
}

/// For Slack's mrkdwn, where these three begin mentions, links and entities.
pub fn mrkdwn(letter: char) -> Option<&'static str> {
    match letter {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

pub fn html(letter: char) -> Option<&'static str> {
    match letter {
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        '\n' => Some("<br>"),
        letter => mrkdwn(letter),
    }
}

/// The text as one line: what would end a line, in a header or elsewhere, becomes a space.
pub fn line(text: &str, limit: usize) -> String {
    let spaced: String =
        text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect();
    fit(&spaced, limit, plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_says_so_and_splits_no_escape() {
        assert_eq!(fit("a<b>&c\u{7}\r\nd", 100, mrkdwn), "a&lt;b&gt;&amp;c\nd");
        for limit in 20..60 {
            let cut = fit(&"<é".repeat(50), limit, mrkdwn);
            assert!(cut.len() <= limit && cut.ends_with(CUT), "{cut}");
            assert_eq!(cut.matches('&').count(), cut.matches("&lt;").count());
        }
        assert_eq!(fit("12345678901", 11, plain), "12345678901");
    }

    #[test]
    fn a_line_has_no_line_ends() {
        assert_eq!(line("a\r\nBcc: x\u{2028}y", 50), "a  Bcc: x y");
    }
}
