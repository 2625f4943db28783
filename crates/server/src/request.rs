//! A command as it came from a client, with what every command may carry.

use std::time::{Duration, Instant};

use bson::{RawBsonRef, RawDocument};
use document::ErrorCode;
use storage::Durability;

use crate::error::{CommandError, Result};
use crate::field::Field;

/// What a write waits for before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteConcern {
    /// Whether the log must be on the disk.
    pub durability: Durability,
    /// `w: 0`: the client does not look at the answer.
    pub unacknowledged: bool,
}

impl Default for WriteConcern {
    fn default() -> Self {
        Self {
            durability: Durability::Eventual,
            unacknowledged: false,
        }
    }
}

/// A command and its arguments, borrowed from the message.
#[derive(Debug)]
pub struct Request<'a> {
    /// The first field's name: the command.
    pub command: &'a str,
    /// The first field's value, such as the collection's name.
    pub target: RawBsonRef<'a>,
    /// The whole command.
    pub body: &'a RawDocument,
    /// The document sequences of the message.
    pub sequences: Vec<wire::Sequence<'a>>,
    /// `$db`.
    pub database: &'a str,
    /// `writeConcern`.
    pub write_concern: WriteConcern,
    /// When the command has to be done, from `maxTimeMS`.
    pub deadline: Option<Instant>,
    /// `apiStrict`: only commands of the stable API.
    pub api_strict: bool,
}

/// Fields that any command may carry. They are read here, or mean nothing to this server.
const GENERIC: &[&str] = &[
    "$db",
    "$readPreference",
    "$clusterTime",
    "$client",
    "$audit",
    "lsid",
    "comment",
    "maxTimeMS",
    "readConcern",
    "writeConcern",
    "txnNumber",
    "autocommit",
    "startTransaction",
    "apiVersion",
    "apiStrict",
    "apiDeprecationErrors",
];

impl<'a> Request<'a> {
    /// Reads what every command may carry. `database` is where the message itself names it
    /// (`OP_QUERY`); else `$db` does.
    pub fn parse(
        body: &'a RawDocument,
        sequences: Vec<wire::Sequence<'a>>,
        database: Option<&'a str>,
    ) -> Result<Self> {
        let first = Field::all("", body)
            .next()
            .ok_or_else(|| CommandError::failed_to_parse("the command document is empty"))??;
        let mut request = Request {
            command: first.name,
            target: first.value,
            body,
            sequences,
            database: database.unwrap_or_default(),
            write_concern: WriteConcern::default(),
            deadline: None,
            api_strict: false,
        };
        let mut api_version = false;
        let mut named = database.is_some();
        for field in Field::all(first.name, body).skip(1) {
            let field = field?;
            match field.name {
                "$db" => {
                    request.database = field.string()?;
                    named = true;
                }
                "maxTimeMS" => request.deadline = deadline(&field)?,
                "readConcern" => check_read_concern(&field)?,
                "writeConcern" => request.write_concern = parse_write_concern(&field)?,
                "txnNumber" | "startTransaction" | "autocommit" => {
                    return Err(CommandError::new(
                        ErrorCode::IllegalOperation,
                        "Transaction numbers are only allowed on a replica set member or mongos",
                    ));
                }
                "apiVersion" => {
                    api_version = true;
                    if field.string()? != "1" {
                        return Err(CommandError::new(
                            ErrorCode::APIVersionError,
                            "API version must be \"1\"",
                        ));
                    }
                }
                "apiStrict" => request.api_strict = field.bool()?,
                _ => {}
            }
        }
        if request.api_strict && !api_version {
            return Err(CommandError::new(
                ErrorCode::APIVersionError,
                "apiStrict needs apiVersion",
            ));
        }
        if !named {
            return Err(CommandError::new(
                ErrorCode::Location(40571),
                "OP_MSG requests require a $db argument",
            ));
        }
        crate::namespace::check_database(request.database)?;
        Ok(request)
    }

    /// The command's own fields: without its name and without what any command may carry.
    pub fn fields(&self) -> impl Iterator<Item = Result<Field<'a>>> {
        Field::all(self.command, self.body)
            .skip(1)
            .filter(|field| match field {
                Ok(field) => !GENERIC.contains(&field.name),
                Err(_) => true,
            })
    }

    /// The collection that the command names, checked.
    pub fn collection(&self) -> Result<&'a str> {
        let RawBsonRef::String(name) = self.target else {
            return Err(CommandError::new(
                ErrorCode::InvalidNamespace,
                format!(
                    "collection name has invalid type {}",
                    document::types::type_name(&self.target)
                ),
            ));
        };
        crate::namespace::check_collection(self.database, name)?;
        Ok(name)
    }

    /// The documents of a sequence, or of the array field of the same name in the body.
    pub fn documents(&self, name: &'a str) -> Result<Vec<&'a RawDocument>> {
        if let Some(sequence) = self.sequences.iter().find(|s| s.identifier == name) {
            return Ok(sequence.documents.clone());
        }
        let value = self.body.get(name).ok().flatten();
        let value = value.ok_or_else(|| crate::field::missing(self.command, name))?;
        Field {
            place: self.command,
            name,
            value,
        }
        .documents()
    }

    /// Fails with `MaxTimeMSExpired` once the command has taken as long as it may.
    pub fn check_deadline(&self) -> Result<()> {
        check_deadline(self.deadline)
    }
}

/// Fails with `MaxTimeMSExpired` once `deadline` has passed.
pub fn check_deadline(deadline: Option<Instant>) -> Result<()> {
    match deadline {
        Some(deadline) if Instant::now() >= deadline => Err(CommandError::new(
            ErrorCode::MaxTimeMSExpired,
            "operation exceeded time limit",
        )),
        _ => Ok(()),
    }
}

fn deadline(field: &Field<'_>) -> Result<Option<Instant>> {
    let millis = field.i64()?;
    match u64::try_from(millis) {
        Ok(0) => Ok(None),
        Ok(millis) if millis <= i32::MAX as u64 => {
            Ok(Instant::now().checked_add(Duration::from_millis(millis)))
        }
        _ => Err(CommandError::bad_value(format!(
            "{millis} value for maxTimeMS is out of range [0, {}]",
            i32::MAX
        ))),
    }
}

fn check_read_concern(field: &Field<'_>) -> Result<()> {
    for field in Field::all("readConcern", field.document()?) {
        let field = field?;
        match (field.name, field.value) {
            // One server holds all there is: what is local is what the majority has.
            ("level", RawBsonRef::String("local" | "available" | "majority")) => {}
            ("level", RawBsonRef::String("linearizable" | "snapshot")) => {
                return Err(CommandError::new(
                    ErrorCode::NotAReplicaSet,
                    "node needs to be a replica set member to use this read concern",
                ));
            }
            ("level", _) => {
                return Err(CommandError::failed_to_parse(
                    "readConcern.level must be one of local, available, majority, linearizable, \
                     snapshot",
                ));
            }
            ("provenance", _) => {}
            ("afterClusterTime" | "atClusterTime" | "afterOpTime", _) => {
                return Err(CommandError::new(
                    ErrorCode::IllegalOperation,
                    format!(
                        "Cannot specify {} readConcern without replication",
                        field.name
                    ),
                ));
            }
            _ => return Err(field.unknown()),
        }
    }
    Ok(())
}

fn parse_write_concern(field: &Field<'_>) -> Result<WriteConcern> {
    let mut concern = WriteConcern::default();
    for field in Field::all("writeConcern", field.document()?) {
        let field = field?;
        match (field.name, field.value) {
            ("w", RawBsonRef::String("majority")) => {
                concern.durability = Durability::Immediate;
            }
            ("w", RawBsonRef::String(_) | RawBsonRef::Document(_)) => {
                return Err(CommandError::bad_value(
                    "cannot use non-majority 'w' mode when a host is not a member of a replica set",
                ));
            }
            ("w", _) => match field.i64()? {
                0 => concern.unacknowledged = true,
                1 => {}
                _ => {
                    return Err(CommandError::bad_value(
                        "cannot use 'w' > 1 when a host is not replicated",
                    ));
                }
            },
            ("j" | "fsync", _) => {
                if field.bool()? {
                    concern.durability = Durability::Immediate;
                }
            }
            ("wtimeout" | "wtimeoutMS" | "provenance", _) => {}
            _ => return Err(field.unknown()),
        }
    }
    Ok(concern)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::rawdoc;

    fn parse(body: &RawDocument) -> Result<Request<'_>> {
        Request::parse(body, Vec::new(), None)
    }

    #[test]
    fn reads_what_any_command_may_carry() {
        let body = rawdoc! {
            "insert": "c", "ordered": true, "$db": "d", "lsid": {}, "maxTimeMS": 1000,
            "writeConcern": { "w": "majority", "wtimeout": 5 },
        };
        let request = parse(&body).unwrap();
        assert_eq!((request.command, request.database), ("insert", "d"));
        assert_eq!(request.collection().unwrap(), "c");
        assert_eq!(request.write_concern.durability, Durability::Immediate);
        assert!(request.deadline.is_some());
        let names: Vec<_> = request.fields().map(|field| field.unwrap().name).collect();
        assert_eq!(names, ["ordered"]);
    }

    #[test]
    fn refuses_what_it_does_not_enforce() {
        let code = |body: &RawDocument| parse(body).unwrap_err().code;
        assert_eq!(code(&rawdoc! {}), ErrorCode::FailedToParse);
        assert_eq!(code(&rawdoc! { "ping": 1 }), ErrorCode::Location(40571));
        assert_eq!(
            code(&rawdoc! { "ping": 1, "$db": "a b" }),
            ErrorCode::InvalidNamespace
        );
        let txn = rawdoc! { "insert": "c", "$db": "d", "txnNumber": 1_i64 };
        assert_eq!(code(&txn), ErrorCode::IllegalOperation);
        let w = rawdoc! { "insert": "c", "$db": "d", "writeConcern": { "w": 2 } };
        assert_eq!(code(&w), ErrorCode::BadValue);
        let level = rawdoc! { "find": "c", "$db": "d", "readConcern": { "level": "snapshot" } };
        assert_eq!(code(&level), ErrorCode::NotAReplicaSet);
        let time = rawdoc! { "find": "c", "$db": "d", "maxTimeMS": -1 };
        assert_eq!(code(&time), ErrorCode::BadValue);
    }
}
