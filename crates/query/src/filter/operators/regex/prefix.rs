//! What every string that a pattern matches begins with: the range of an index to look at.

use super::Options;

/// The literal that an anchored pattern begins with. Empty when in doubt.
pub(super) fn literal_prefix(pattern: &str, options: Options) -> String {
    // Case folding and ignored white space make the text mean something else; with `m`, `^` also
    // matches after a line feed.
    if options.case_insensitive || options.extended || options.multi_line {
        return String::new();
    }
    let Some(rest) = pattern
        .strip_prefix('^')
        .or_else(|| pattern.strip_prefix(r"\A"))
    else {
        return String::new();
    };
    // An alternative to the whole would not need the prefix; groups cannot have set options yet.
    if pattern.contains('|') {
        return String::new();
    }
    let mut prefix = String::new();
    let mut rest = rest.chars().peekable();
    while let Some(next) = rest.next() {
        let literal = match next {
            '\\' => match rest.next() {
                Some(escaped) if !escaped.is_alphanumeric() => escaped,
                _ => break,
            },
            '^' | '$' | '.' | '?' | '*' | '+' | '(' | ')' | '[' | ']' | '{' | '}' => break,
            literal => literal,
        };
        match rest.peek() {
            // The character may be absent.
            Some('*' | '?' | '{') => break,
            Some('+') => {
                prefix.push(literal);
                break;
            }
            _ => prefix.push(literal),
        }
    }
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_the_first_doubt() {
        let prefix = |pattern| literal_prefix(pattern, Options::default());
        assert_eq!(prefix("^abc"), "abc");
        assert_eq!(prefix("^abc.*"), "abc");
        assert_eq!(prefix("^abc*"), "ab");
        assert_eq!(prefix("^abc?d"), "ab");
        assert_eq!(prefix("^abc{0}"), "ab");
        assert_eq!(prefix("^abc+d"), "abc");
        assert_eq!(prefix(r"^a\.b"), "a.b");
        assert_eq!(prefix(r"^a\d"), "a");
        assert_eq!(prefix("^a|b"), "");
        assert_eq!(prefix("^(?i)a"), "");
        assert_eq!(prefix("abc"), "");
        assert_eq!(prefix(r"\Aabc"), "abc");
        assert_eq!(prefix("^\u{e9}t"), "\u{e9}t");
        let insensitive = Options {
            case_insensitive: true,
            ..Options::default()
        };
        assert_eq!(literal_prefix("^abc", insensitive), "");
    }
}
