//! `$currentDate`.

use bson::RawBsonRef;
use document::types::type_name;

use super::{Builder, Effect, Env, Modifier, Target};
use crate::raw::tag;
use crate::update::replacement::timestamp_bytes;
use crate::{Error, Result};

#[derive(Debug)]
enum CurrentDate {
    Date,
    Timestamp,
}

pub(super) fn parse(builder: &mut Builder, path: &str, argument: RawBsonRef<'_>) -> Result<()> {
    let modifier = match argument {
        RawBsonRef::Boolean(_) => CurrentDate::Date,
        RawBsonRef::Document(options) => {
            let mut modifier = None;
            for option in options {
                let Ok((name, value)) = option else { break };
                modifier = match (name.as_str(), value) {
                    ("$type", RawBsonRef::String("date")) => Some(CurrentDate::Date),
                    ("$type", RawBsonRef::String("timestamp")) => Some(CurrentDate::Timestamp),
                    ("$type", _) => None,
                    (name, _) => {
                        return Err(Error::bad_value(format!(
                            "Unrecognized $currentDate option: {name}"
                        )));
                    }
                };
            }
            modifier.ok_or_else(|| {
                Error::bad_value(
                    "The '$type' string field is required to be 'date' or 'timestamp': \
                     {$currentDate: {field : {$type: 'date'}}}",
                )
            })?
        }
        other => {
            return Err(Error::bad_value(format!(
                "{} is not valid type for $currentDate. Please use a boolean ('true') or a $type \
                 expression ({{$type: 'timestamp/date'}}).",
                type_name(&other)
            )));
        }
    };
    let path = builder.path(path)?;
    builder.add(path, modifier);
    Ok(())
}

impl Modifier for CurrentDate {
    fn update(&self, target: &Target<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        self.create(target.env, scratch)
    }

    fn create(&self, env: &Env<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        Ok(Effect::Written(match self {
            Self::Date => {
                scratch.extend_from_slice(&env.now.timestamp_millis().to_le_bytes());
                tag::DATE_TIME
            }
            Self::Timestamp => {
                scratch.extend_from_slice(&timestamp_bytes(env.timestamp));
                tag::TIMESTAMP
            }
        }))
    }

    fn creates(&self, _: &Env<'_>) -> bool {
        true
    }
}
