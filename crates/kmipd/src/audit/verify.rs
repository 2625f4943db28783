//! Proving a log whole, or naming the first line that is not as it was written.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use thiserror::Error;

use super::file::{head_path, read_head};
use super::line::{self, ChainKey, GENESIS, Link, MAX_LINE_BYTES};

/// What has been proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// How many lines there are.
    pub lines: u64,
    /// The number of the first; 1 unless older files were not given.
    pub first_seq: u64,
    /// The number of the last.
    pub last_seq: u64,
    /// When the first was written.
    pub first_time: String,
    /// When the last was written.
    pub last_time: String,
    /// Lines that a crash cut off, and that the line behind them accounts for.
    pub torn: u64,
    /// The end of the last file is half a line: a crash, or a line that is being written.
    pub unfinished: bool,
    /// Whether the end was compared with the `.head` file.
    pub head: bool,
}

/// The log is not whole.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Broken {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A line is not as it was written, or not where it was.
    #[error("{}, line {number}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        number: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The log ends before its `.head` file says.
    #[error(
        "{} ends with line number {got}, but the log had come to {expected} ({}): its end is missing", path.display(), head.display()
    )]
    Truncated {
        /// The last file.
        path: PathBuf,
        /// The `.head` file.
        head: PathBuf,
        /// The last line that is there.
        got: u64,
        /// The last line that was there.
        expected: u64,
    },
    /// There is no line at all.
    #[error("there is no line in the files given")]
    Empty,
}

/// The walk through the lines of all files.
struct Walk<'a> {
    key: &'a ChainKey,
    last: Option<Link>,
    /// A line that makes no sense: a crash, if the next one says so.
    torn: Option<Torn>,
    proof: Proof,
    head: Option<Link>,
}

struct Torn {
    sha256: String,
    path: PathBuf,
    number: u64,
    problem: String,
}

/// Walks through the files, in the order of their lines whatever order they are given in.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(paths: &[PathBuf], key: &ChainKey) -> Result<Proof, Broken> {
    let mut files = Vec::new();
    for path in paths {
        // A file that is empty has no place in the order, and nothing to prove.
        if let Some(seq) = first_seq(path)? {
            files.push((seq, path));
        }
    }
    files.sort();
    let head = paths.iter().find_map(|path| {
        let link = read_head(path)?;
        Some((path.clone(), link))
    });
    let mut walk = Walk {
        key,
        last: None,
        torn: None,
        proof: Proof {
            lines: 0,
            first_seq: 0,
            last_seq: 0,
            first_time: String::new(),
            last_time: String::new(),
            torn: 0,
            unfinished: false,
            head: false,
        },
        head: head.as_ref().map(|(_, link)| link.clone()),
    };
    for (index, (_, path)) in files.iter().enumerate() {
        walk.file(path, index + 1 == files.len())?;
    }
    walk.no_torn_left()?;
    let last = walk.last.as_ref().ok_or(Broken::Empty)?;
    if let Some((path, head)) = head {
        if head.seq > last.seq {
            return Err(Broken::Truncated {
                head: head_path(&path),
                path: files
                    .last()
                    .map(|(_, path)| (*path).clone())
                    .unwrap_or(path),
                got: last.seq,
                expected: head.seq,
            });
        }
        walk.proof.head = head.seq >= walk.proof.first_seq;
    }
    Ok(walk.proof)
}

fn open(path: &Path) -> Result<BufReader<File>, Broken> {
    let file = File::open(path).map_err(|source| unreadable(path, source))?;
    Ok(BufReader::new(file))
}

fn unreadable(path: &Path, source: std::io::Error) -> Broken {
    Broken::Unreadable {
        path: path.to_owned(),
        source,
    }
}

/// The next line, and whether it has an end; `None` behind the last.
fn next_line(
    reader: &mut BufReader<File>,
    path: &Path,
    number: u64,
) -> Result<Option<(Vec<u8>, bool)>, Broken> {
    let mut text = Vec::new();
    reader
        .by_ref()
        .take(MAX_LINE_BYTES as u64 + 1)
        .read_until(b'\n', &mut text)
        .map_err(|source| unreadable(path, source))?;
    if text.is_empty() {
        return Ok(None);
    }
    let has_end = text.last() == Some(&b'\n');
    if has_end {
        text.pop();
    } else if text.len() > MAX_LINE_BYTES {
        return Err(Broken::Line {
            path: path.to_owned(),
            number,
            problem: "it is longer than any line of an audit log".to_owned(),
        });
    }
    Ok(Some((text, has_end)))
}

/// The number of the first line that can be read, for the order of the files; 0 if none can.
fn first_seq(path: &Path) -> Result<Option<u64>, Broken> {
    let mut reader = open(path)?;
    let mut is_empty = true;
    let mut number = 0;
    while let Some((text, _)) = next_line(&mut reader, path, number)? {
        is_empty = false;
        number += 1;
        if let Ok(parsed) = line::parse(&text) {
            return Ok(Some(parsed.seq));
        }
    }
    Ok((!is_empty).then_some(0))
}

impl Walk<'_> {
    fn file(&mut self, path: &Path, is_last: bool) -> Result<(), Broken> {
        let mut reader = open(path)?;
        let mut number = 0;
        while let Some((text, has_end)) = next_line(&mut reader, path, number + 1)? {
            number += 1;
            if !has_end {
                if !is_last {
                    return Err(Broken::Line {
                        path: path.to_owned(),
                        number,
                        problem: "it has no end, and another file follows".to_owned(),
                    });
                }
                self.no_torn_left()?;
                self.proof.unfinished = true;
                return Ok(());
            }
            self.line(path, number, &text)?;
        }
        Ok(())
    }

    fn line(&mut self, path: &Path, number: u64, text: &[u8]) -> Result<(), Broken> {
        let broken = |problem: String| Broken::Line {
            path: path.to_owned(),
            number,
            problem,
        };
        let parsed = match line::parse(text) {
            Ok(parsed) => parsed,
            Err(problem) => {
                self.no_torn_left()?;
                self.torn = Some(Torn {
                    sha256: hex::encode(digest(&SHA256, text)),
                    path: path.to_owned(),
                    number,
                    problem,
                });
                return Ok(());
            }
        };
        line::check(self.key, text, &parsed).map_err(broken)?;
        match &self.last {
            None if parsed.seq == 1 && parsed.prev != GENESIS => {
                return Err(broken(
                    "it is the first line, and says that it follows another".to_owned(),
                ));
            }
            None => {}
            Some(last) if parsed.seq != last.seq + 1 => {
                return Err(broken(format!(
                    "it has the number {}, expected {}: lines are missing, or in another order",
                    parsed.seq,
                    last.seq + 1
                )));
            }
            Some(last) if parsed.prev != last.hash => {
                return Err(broken(
                    "it does not follow the line before it: that one has been replaced".to_owned(),
                ));
            }
            Some(_) => {}
        }
        if let Some(torn) = self.torn.take() {
            if parsed.event != "torn" || parsed.sha256.as_ref() != Some(&torn.sha256) {
                self.torn = Some(torn);
                return self.no_torn_left();
            }
            self.proof.torn += 1;
        }
        if let Some(head) = &self.head
            && head.seq == parsed.seq
            && head.hash != parsed.hash
        {
            return Err(broken(
                "its hash is not the one that the .head file has: the log has been written anew"
                    .to_owned(),
            ));
        }
        if self.proof.lines == 0 {
            self.proof.first_seq = parsed.seq;
            self.proof.first_time.clone_from(&parsed.time);
        }
        self.proof.lines += 1;
        self.proof.last_seq = parsed.seq;
        self.proof.last_time = parsed.time;
        self.last = Some(Link {
            seq: parsed.seq,
            hash: parsed.hash,
        });
        Ok(())
    }

    /// A line that makes no sense is damage unless the next one accounts for it.
    fn no_torn_left(&mut self) -> Result<(), Broken> {
        match self.torn.take() {
            None => Ok(()),
            Some(torn) => Err(Broken::Line {
                path: torn.path,
                number: torn.number,
                problem: torn.problem,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::super::file::AuditFile;
    use super::*;

    struct Rig {
        directory: tempfile::TempDir,
        key: ChainKey,
    }

    impl Rig {
        fn new() -> Self {
            Self {
                directory: tempfile::tempdir().unwrap(),
                key: ChainKey::hmac(&[1; 32]),
            }
        }

        fn path(&self) -> PathBuf {
            self.directory.path().join("audit.log")
        }

        fn open(&self, rotate_bytes: u64) -> AuditFile {
            AuditFile::open(&self.path(), self.key.clone(), rotate_bytes).unwrap()
        }

        /// Writes that many lines and closes the file.
        fn write(&self, lines: usize) {
            let file = self.open(0);
            append(&file, lines);
            file.write_head().unwrap();
        }

        fn verify(&self) -> Result<Proof, Broken> {
            verify(&[self.path()], &self.key)
        }

        fn lines(&self) -> Vec<String> {
            let text = fs::read_to_string(self.path()).unwrap();
            text.lines().map(str::to_owned).collect()
        }

        fn put(&self, lines: &[String]) {
            fs::write(self.path(), format!("{}\n", lines.join("\n"))).unwrap();
        }

        /// The line that is named as the first that is wrong.
        fn broken_line(&self) -> u64 {
            match self.verify().unwrap_err() {
                Broken::Line { number, .. } => number,
                other => panic!("{other}"),
            }
        }
    }

    fn append(file: &AuditFile, lines: usize) {
        for n in 0..lines {
            file.append(&format!(r#"{{"time":"t{n}","event":"operation","n":{n}}}"#))
                .unwrap();
        }
        file.sync().unwrap();
    }

    #[test]
    fn whole() {
        let rig = Rig::new();
        rig.write(3);
        rig.write(2);
        let proof = rig.verify().unwrap();
        assert_eq!((proof.lines, proof.first_seq, proof.last_seq), (5, 1, 5));
        assert!(proof.head && !proof.unfinished && proof.torn == 0);
        // Without the key, or with another one, nothing is proved.
        verify(&[rig.path()], &ChainKey::none()).unwrap_err();
        verify(&[rig.path()], &ChainKey::hmac(&[2; 32])).unwrap_err();
    }

    #[test]
    fn changed() {
        let rig = Rig::new();
        rig.write(5);
        let whole = rig.lines();

        let mut lines = whole.clone();
        lines[2] = lines[2].replace("\"n\":2", "\"n\":9");
        rig.put(&lines);
        assert_eq!(rig.broken_line(), 3);

        let mut lines = whole.clone();
        lines.remove(1);
        rig.put(&lines);
        assert_eq!(rig.broken_line(), 2);

        let mut lines = whole.clone();
        lines.swap(2, 3);
        rig.put(&lines);
        assert_eq!(rig.broken_line(), 3);

        let mut lines = whole.clone();
        lines.insert(3, "rubbish".to_owned());
        rig.put(&lines);
        assert_eq!(rig.broken_line(), 4);

        let mut lines = whole.clone();
        lines.insert(3, lines[2].clone());
        rig.put(&lines);
        assert_eq!(rig.broken_line(), 4);

        rig.put(&whole[..4]);
        assert!(matches!(
            rig.verify(),
            Err(Broken::Truncated {
                got: 4,
                expected: 5,
                ..
            })
        ));
        rig.put(&whole);
        rig.verify().unwrap();
    }

    /// Somebody who can compute the hashes writes the end of the log anew: the note of its end tells.
    #[test]
    fn written_anew() {
        let rig = Rig {
            key: ChainKey::none(),
            ..Rig::new()
        };
        rig.write(3);
        let head = fs::read(head_path(&rig.path())).unwrap();
        fs::remove_file(rig.path()).unwrap();
        fs::remove_file(head_path(&rig.path())).unwrap();
        let file = rig.open(0);
        for _ in 0..4 {
            file.append(r#"{"time":"t","event":"forged"}"#).unwrap();
        }
        drop(file);
        fs::write(head_path(&rig.path()), head).unwrap();
        assert_eq!(rig.broken_line(), 3);
    }

    #[test]
    fn cut_off_by_a_crash() {
        let rig = Rig::new();
        rig.write(3);
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(rig.path())
            .unwrap();
        file.write_all(b"{\"seq\":4,\"ti").unwrap();
        assert!(rig.verify().unwrap().unfinished);
        rig.write(1);
        let proof = rig.verify().unwrap();
        assert_eq!((proof.lines, proof.torn, proof.unfinished), (5, 1, false));
        // Only what the crash left is accounted for.
        let mut lines = rig.lines();
        lines[3].push('x');
        rig.put(&lines);
        assert_eq!(rig.broken_line(), 4);
    }

    #[test]
    fn the_end_is_gone_when_the_server_starts() {
        let rig = Rig::new();
        rig.write(5);
        rig.put(&rig.lines()[..3]);
        rig.write(1);
        assert!(
            rig.lines()[3].contains("\"event\":\"gap\""),
            "{:?}",
            rig.lines()
        );
        assert_eq!(rig.broken_line(), 4);
    }

    #[test]
    fn over_several_files() {
        let rig = Rig::new();
        let file = rig.open(600);
        append(&file, 20);
        file.write_head().unwrap();
        drop(file);
        // Renamed by somebody else while nobody writes.
        let moved = rig.directory.path().join("older");
        fs::rename(rig.path(), &moved).unwrap();
        append(&rig.open(0), 3);
        let mut files: Vec<PathBuf> = fs::read_dir(rig.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_none_or(|extension| extension != "head"))
            .collect();
        assert!(files.len() > 3, "{files:?}");
        files.sort();
        files.reverse();
        let proof = verify(&files, &rig.key).unwrap();
        assert_eq!((proof.lines, proof.first_seq, proof.last_seq), (23, 1, 23));
        // A file in the middle is missing.
        let middle = rig.directory.path().join("audit.log.000000000001");
        let without: Vec<_> = files
            .iter()
            .filter(|file| **file != moved)
            .cloned()
            .collect();
        verify(&without, &rig.key).unwrap_err();
        // The oldest are missing: said, but no damage.
        let newer: Vec<_> = files
            .iter()
            .filter(|file| **file != middle)
            .cloned()
            .collect();
        assert!(verify(&newer, &rig.key).unwrap().first_seq > 1);
    }

    #[test]
    fn renamed_while_it_is_written() {
        let rig = Rig::new();
        let file = rig.open(0);
        append(&file, 2);
        let moved = rig.directory.path().join("older");
        fs::rename(rig.path(), &moved).unwrap();
        append(&file, 1);
        file.reopen().unwrap();
        append(&file, 1);
        file.reopen().unwrap();
        append(&file, 1);
        let proof = verify(&[rig.path(), moved], &rig.key).unwrap();
        assert_eq!(proof.lines, 5);
    }

    #[test]
    fn the_disk_was_full_and_is_not_any_longer() {
        let rig = Rig::new();
        let file = rig.open(0);
        append(&file, 2);
        for part in [&b"{\"seq\":3,"[..], b""] {
            file.break_off(part);
            assert!(file.is_broken());
            append(&file, 2);
            assert!(!file.is_broken());
        }
        let proof = rig.verify().unwrap();
        assert_eq!((proof.lines, proof.torn), (7, 1));
    }

    #[test]
    fn one_writer_at_a_time() {
        let rig = Rig::new();
        let _file = rig.open(0);
        assert!(AuditFile::open(&rig.path(), rig.key.clone(), 0).is_err());
    }

    #[test]
    fn nothing_to_prove() {
        let rig = Rig::new();
        assert!(matches!(rig.verify(), Err(Broken::Unreadable { .. })));
        fs::write(rig.path(), "").unwrap();
        assert!(matches!(rig.verify(), Err(Broken::Empty)));
        fs::write(rig.path(), "a letter\nto a friend\n").unwrap();
        assert_eq!(rig.broken_line(), 1);
    }
}
