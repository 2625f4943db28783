//! What is printed for people: lines, pairs and tables, wiped when dropped.

use std::fmt::{self, Write as _};

use zeroize::Zeroizing;

/// Text of a peer with its control characters escaped (and those that turn the direction of writing).
pub(crate) fn escaped(text: &str) -> Escaped<'_> {
    Escaped(text)
}

/// See [`escaped`].
pub(crate) struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            let turns = matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
            if c.is_control() || turns || c == '\u{2028}' || c == '\u{2029}' {
                write!(f, "{}", c.escape_default())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// Where a long list goes on in the next line, in columns.
const LINE: usize = 98;

/// A page of text.
///
/// Whoever writes something secret reserves the room for it first ([`Page::with_room`]), so that no copy stays behind.
#[derive(Default)]
pub(crate) struct Page {
    text: Zeroizing<String>,
}

impl Page {
    pub(crate) fn with_room(bytes: usize) -> Self {
        Self {
            text: Zeroizing::new(String::with_capacity(bytes)),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// One line of our own.
    pub(crate) fn line(&mut self, line: impl fmt::Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    /// Lines that are secret: as they are.
    pub(crate) fn verbatim(&mut self, text: &str) {
        self.text.push_str(text);
        if !text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Names and values in two columns; a value that is empty leaves its line out, and a long list goes on below its
    /// beginning.
    pub(crate) fn pairs(&mut self, pairs: &[(&str, String)]) {
        let pairs: Vec<_> = pairs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let width = pairs
            .iter()
            .map(|(name, _)| width(name))
            .max()
            .unwrap_or_default();
        for (name, value) in pairs {
            let name = escaped(name).to_string();
            let gap = " ".repeat(width.saturating_sub(self::width(&name)));
            let _ = write!(self.text, "{name}{gap}  ");
            let value = escaped(value).to_string();
            let mut column = width;
            for (n, word) in value.split_inclusive(", ").enumerate() {
                if n > 0 && column + self::width(word.trim_end()) > LINE {
                    let line = self.text.trim_end().len();
                    self.text.truncate(line);
                    let _ = write!(self.text, "\n{}", " ".repeat(width + 2));
                    column = width;
                }
                self.text.push_str(word);
                column += self::width(word);
            }
            self.text.push('\n');
        }
    }

    /// A table with a head; columns are as wide as what is in them.
    pub(crate) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        let rows: Vec<Vec<String>> =
            std::iter::once(head.iter().map(ToString::to_string).collect())
                .chain(
                    rows.iter()
                        .map(|row| row.iter().map(|cell| escaped(cell).to_string()).collect()),
                )
                .collect();
        let mut widths = vec![0_usize; head.len()];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(self::width(cell));
            }
        }
        for row in &rows {
            let mut line = String::new();
            for (width, cell) in widths.iter().zip(row) {
                let _ = write!(
                    line,
                    "{cell}{}  ",
                    " ".repeat(width.saturating_sub(self::width(cell)))
                );
            }
            self.line(line.trim_end());
        }
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Words one after another.
pub(crate) fn words<T: ToString>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_draw_on_the_terminal() {
        let text = escaped("a\u{1b}[2J\r\nb\u{202e}c\u{9b}é漢").to_string();
        assert_eq!(text, "a\\u{1b}[2J\\r\\nb\\u{202e}c\\u{9b}é漢");
    }

    #[test]
    fn long_lists_go_on_in_the_next_line() {
        let mut page = Page::default();
        let list = words(["abcdefgh"; 12]);
        page.pairs(&[("Some", list.clone()), ("Long", "x".repeat(200))]);
        let mut lines = page.as_str().lines();
        assert_eq!(
            lines.next().unwrap(),
            format!("Some  {}", words(["abcdefgh"; 9]) + ",")
        );
        assert_eq!(
            lines.next().unwrap(),
            format!("      {}", words(["abcdefgh"; 3]))
        );
        assert_eq!(lines.next().unwrap(), format!("Long  {}", "x".repeat(200)));
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn columns_line_up() {
        let mut page = Page::default();
        page.pairs(&[
            ("Name", "é\n".to_owned()),
            ("Left out", String::new()),
            ("Unique Identifier", "7".to_owned()),
        ]);
        page.table(
            &["ID", "STATE", "NAMES"],
            &[
                vec!["1".into(), "Pre-Active".into(), String::new()],
                vec!["22222".into(), "-".into(), "a, b".into()],
            ],
        );
        let expected = "\
Name               é\\n
Unique Identifier  7
ID     STATE       NAMES
1      Pre-Active
22222  -           a, b
";
        assert_eq!(page.as_str(), expected);
    }
}
