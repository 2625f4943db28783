//! The time.

use kmip::DateTime;
use time::OffsetDateTime;

/// Now, in whole seconds, as KMIP counts.
pub(crate) fn now() -> DateTime {
    DateTime(OffsetDateTime::now_utc().unix_timestamp())
}
