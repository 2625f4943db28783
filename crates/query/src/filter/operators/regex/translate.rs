//! From PCRE's syntax to that of `fancy-regex`, where one text means different things.
//!
//! PCRE without `(*UCP)` knows only ASCII in `\d`, `\w` and `\s`; `\h` and `\v` are kinds of white
//! space; `\Q…\E` quotes; a class holds no classes and no set operations; and `$` also matches
//! before a line feed that ends the text. Source: pcre2pattern(3).

use std::iter::Peekable;
use std::str::Chars;

use super::Options;

const LETTERS: &str = "A-Za-z0-9_";
const SPACE: &str = r"\t\n\x0b\x0c\r\x20";
const HORIZONTAL: &str = r"\t\x20\x{a0}";
const VERTICAL: &str = r"\n\x0b\x0c\r\x{85}\x{2028}\x{2029}";

/// Rewrites `pattern`. What is not understood is left alone for the compiler to judge.
pub(super) fn translate(pattern: &str, options: Options) -> String {
    let (pattern, unicode) = strip_verbs(pattern);
    let mut translator = Translator {
        rest: pattern.chars().peekable(),
        out: String::with_capacity(pattern.len() + 16),
        unicode,
        extended: options.extended,
        // Inline options may turn the meaning of `$` within the pattern: leave it then.
        dollar: !options.multi_line && !has_inline_multi_line(pattern),
    };
    translator.run();
    translator.out
}

/// Start-of-pattern options: `(*UTF8)` is a matter of course, `(*UCP)` asks for Unicode's classes.
fn strip_verbs(mut pattern: &str) -> (&str, bool) {
    let mut unicode = false;
    loop {
        let verb = ["(*UTF8)", "(*UTF)", "(*UCP)"]
            .into_iter()
            .find(|verb| pattern.starts_with(verb));
        let Some(verb) = verb else {
            return (pattern, unicode);
        };
        unicode |= verb == "(*UCP)";
        pattern = pattern.strip_prefix(verb).unwrap_or_default();
    }
}

fn has_inline_multi_line(pattern: &str) -> bool {
    pattern.split("(?").skip(1).any(|group| {
        group
            .chars()
            .take_while(|letter| letter.is_ascii_alphabetic() || *letter == '-')
            .any(|letter| letter == 'm')
    })
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    unicode: bool,
    extended: bool,
    dollar: bool,
}

impl Translator<'_> {
    fn run(&mut self) {
        while let Some(next) = self.rest.next() {
            match next {
                '\\' => self.escape(false),
                '[' => self.class(),
                '$' if self.dollar => self.out.push_str(r"(?:\n?\z)"),
                '#' if self.extended => self.comment(),
                next => self.out.push(next),
            }
        }
    }

    /// A comment of the extended syntax: to the end of the line.
    fn comment(&mut self) {
        if self.rest.by_ref().any(|next| next == '\n') {
            self.out.push('\n');
        }
    }

    fn escape(&mut self, in_class: bool) {
        let Some(next) = self.rest.next() else {
            self.out.push('\\');
            return;
        };
        let ascii = !self.unicode;
        match next {
            'Q' => self.quoted(in_class),
            // Without a `\Q` it ends nothing.
            'E' => {}
            'd' if ascii => self.set("0-9", false, in_class),
            'D' if ascii => self.set("0-9", true, in_class),
            'w' if ascii => self.set(LETTERS, false, in_class),
            'W' if ascii => self.set(LETTERS, true, in_class),
            's' if ascii => self.set(SPACE, false, in_class),
            'S' if ascii => self.set(SPACE, true, in_class),
            'h' => self.set(HORIZONTAL, false, in_class),
            'H' => self.set(HORIZONTAL, true, in_class),
            'v' => self.set(VERTICAL, false, in_class),
            'V' => self.set(VERTICAL, true, in_class),
            'N' if !in_class => self.out.push_str(r"[^\n]"),
            'R' if !in_class => {
                self.out.push_str(r"(?:\r\n|[");
                self.out.push_str(VERTICAL);
                self.out.push_str("])");
            }
            'e' => self.out.push_str(r"\x1b"),
            next => {
                self.out.push('\\');
                self.out.push(next);
            }
        }
    }

    /// A set of characters, standing alone or inside a class.
    fn set(&mut self, members: &str, negated: bool, in_class: bool) {
        if in_class && !negated {
            self.out.push_str(members);
        } else {
            self.out.push_str(if negated { "[^" } else { "[" });
            self.out.push_str(members);
            self.out.push(']');
        }
    }

    /// `\Q…\E`: all of it means itself.
    fn quoted(&mut self, in_class: bool) {
        while let Some(next) = self.rest.next() {
            if next == '\\' && self.rest.peek() == Some(&'E') {
                self.rest.next();
                return;
            }
            self.literal(next, in_class);
        }
    }

    fn literal(&mut self, character: char, in_class: bool) {
        let special = if in_class {
            "\\[]^-&~"
        } else {
            "\\^$.|?*+()[]{}# "
        };
        if special.contains(character) {
            self.out.push('\\');
        }
        self.out.push(character);
    }

    /// A class, after its `[`.
    fn class(&mut self) {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        // A bracket that comes first is a member.
        if self.rest.next_if_eq(&']').is_some() {
            self.out.push_str(r"\]");
        }
        while let Some(next) = self.rest.next() {
            match next {
                ']' => {
                    self.out.push(']');
                    return;
                }
                '\\' => self.escape(true),
                '[' if self.posix_class() => {}
                '[' | '&' | '~' => {
                    self.out.push('\\');
                    self.out.push(next);
                }
                // White space is a member even in the extended syntax.
                ' ' | '#' if self.extended => {
                    self.out.push('\\');
                    self.out.push(next);
                }
                next => self.out.push(next),
            }
        }
    }

    /// `[:alpha:]` inside a class, after its `[`: copied.
    fn posix_class(&mut self) -> bool {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some(':') {
            return false;
        }
        let mut name = String::from("[:");
        while let Some(letter) =
            ahead.next_if(|letter| letter.is_ascii_lowercase() || *letter == '^')
        {
            name.push(letter);
        }
        if ahead.next() != Some(':') || ahead.next() != Some(']') {
            return false;
        }
        name.push_str(":]");
        self.out.push_str(&name);
        self.rest = ahead;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(pattern: &str) -> String {
        translate(pattern, Options::default())
    }

    #[test]
    fn rewrites_what_pcre_means_differently() {
        assert_eq!(plain(r"\d+"), "[0-9]+");
        assert_eq!(plain(r"[\d.]"), "[0-9.]");
        assert_eq!(plain(r"[^\D]"), "[^[^0-9]]");
        assert_eq!(plain("[[a]"), r"[\[a]");
        assert_eq!(plain("[]a]"), r"[\]a]");
        assert_eq!(plain("[[:alpha:]&&b]"), r"[[:alpha:]\&\&b]");
        assert_eq!(plain(r"\Qa.b\E."), r"a\.b.");
        assert_eq!(plain("a$"), r"a(?:\n?\z)");
        assert_eq!(plain("(?m)a$"), "(?m)a$");
        assert_eq!(plain(r"(*UCP)\d"), r"\d");
        assert_eq!(plain(r"a\"), r"a\");
    }

    #[test]
    fn leaves_comments_of_the_extended_syntax_out() {
        let extended = Options {
            extended: true,
            ..Options::default()
        };
        assert_eq!(translate("a # [ \n b", extended), "a \n b");
    }
}
