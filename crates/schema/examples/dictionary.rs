//! Prints the table dictionary of the README: what stands between its two dictionary marks.

fn main() {
    print!("{}", schema::dictionary_markdown());
}
