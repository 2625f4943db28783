//! "Did you mean …?" for misspelt options.

use super::known::{self, OPTIONS};

/// The key that a misspelt key most likely stands for.
pub(super) fn key(given: &str) -> Option<String> {
    let lower = given.to_ascii_lowercase();
    let last = lower.rsplit('.').next().unwrap_or(&lower);
    let same_name = |path: &str| {
        path.rsplit('.')
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(last))
    };
    // The right name in the wrong section or case, or the flag's name used as a key.
    let named = OPTIONS
        .iter()
        .find(|known| known.path.eq_ignore_ascii_case(given))
        .or_else(|| {
            let mut hits = OPTIONS.iter().filter(|known| {
                same_name(known.path)
                    || (!known.flag.is_empty() && known.flag.eq_ignore_ascii_case(last))
            });
            // Two candidates are no help.
            hits.next().filter(|_| hits.next().is_none())
        });
    named
        .map(|known| known.path)
        .or_else(|| nearest(&lower, OPTIONS.iter().map(|k| k.path)))
        .map(str::to_owned)
}

/// The flag that a misspelt flag (without dashes) most likely stands for, dashes included.
pub(super) fn flag(given: &str) -> Option<String> {
    let flags = || {
        OPTIONS
            .iter()
            .map(|known| known.flag)
            .filter(|flag| !flag.is_empty())
    };
    flags()
        .find(|flag| flag.eq_ignore_ascii_case(given))
        .or_else(|| {
            known::by_path(given)
                .map(|known| known.flag)
                .filter(|flag| !flag.is_empty())
        })
        .or_else(|| nearest(&given.to_ascii_lowercase(), flags()))
        .map(|flag| format!("--{flag}"))
}

/// The candidate at the smallest edit distance, if that is small for the length of the word.
fn nearest<'a>(given: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (given.len() / 5).clamp(1, 3);
    candidates
        .map(|candidate| (distance(given, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, in bytes; words beyond any option's length are not compared.
fn distance(a: &str, b: &str) -> usize {
    const LONGEST: usize = 100;
    if a.len() > LONGEST || b.len() > LONGEST {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = i + 1;
        next.push(left);
        for (y, pair) in b.bytes().zip(row.windows(2)) {
            if let [diagonal, above] = *pair {
                left = (diagonal + usize::from(x != y))
                    .min(above + 1)
                    .min(left + 1);
                next.push(left);
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        for (given, meant) in [
            ("security.kmip.servername", Some("security.kmip.serverName")),
            ("security.serverCAFile", Some("security.kmip.serverCAFile")),
            (
                "security.kmip.kmipServerName",
                Some("security.kmip.serverName"),
            ),
            (
                "security.enableEncrypton",
                Some("security.enableEncryption"),
            ),
            ("storage.dbpath", Some("storage.dbPath")),
            ("completely.different", None),
        ] {
            assert_eq!(key(given).as_deref(), meant, "{given}");
        }
        assert_eq!(flag("dbPath").as_deref(), Some("--dbpath"));
        assert_eq!(flag("kmipServerNme").as_deref(), Some("--kmipServerName"));
        assert_eq!(flag("net.port").as_deref(), Some("--port"));
        assert_eq!(flag("zzzzzz"), None);
    }

    #[test]
    fn distance_is_the_number_of_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
