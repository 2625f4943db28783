//! Looking for objects by Name.

use kmip::{AttributeValue, Attributes, Name};
use kmip_client::{Error, ObjectAttributes, Session};

/// The objects of this Name, of any type. Every hit is verified ([`Session::locate`]).
pub(crate) async fn named(
    session: &mut Session,
    name: Name,
) -> Result<Vec<ObjectAttributes>, Error> {
    let wanted = Attributes::new().with(AttributeValue::Name(name));
    session.locate(&wanted).await
}
