"""PyKMIP's client, with what its own interface leaves out; used to look at servers that are ours."""

import uuid

from kmip import enums
from kmip.core.attributes import CustomAttribute, Name
from kmip.core.factories.attributes import AttributeFactory
from kmip.core.messages import messages
from kmip.core.messages.contents import Operation
from kmip.core.objects import Attribute

VERSIONS = list(enums.KMIPVersion)

MASK = enums.CryptographicUsageMask
AES = enums.CryptographicAlgorithm.AES
TYPE = enums.AttributeType
REASON = enums.ResultReason

# Seconds since 1970: long ago, and long after these tests.
PAST = 1_000_000_000
FUTURE = 4_000_000_000


def at_least(client, version: str) -> bool:
    """Whether the client speaks that version or a later one."""
    return client.kmip_version >= enums.KMIPVersion(float(version))


def name_is_taken(client) -> enums.ResultReason:
    """Why a Name that another object has is refused: 2.0 has a reason of its own for it."""
    return REASON.NON_UNIQUE_NAME_ATTRIBUTE if at_least(client, "2.0") else REASON.INVALID_FIELD


def any_name() -> str:
    """Names are one object's each, and PyKMIP gives every object that it registers one: the same for all of a type,
    unless it is told another."""
    return f"any-{uuid.uuid4()}"


def attribute(kind, value, index=None) -> Attribute:
    return AttributeFactory().create_attribute(kind, value, index)


def name(text: str, index=None) -> Attribute:
    return attribute(TYPE.NAME, Name.create(text, enums.NameType.UNINTERPRETED_TEXT_STRING), index)


def custom(called: str, value: str, index=None) -> Attribute:
    """A custom attribute; the factory knows no names for those."""
    index = None if index is None else Attribute.AttributeIndex(index)
    return Attribute(Attribute.AttributeName(called), index, CustomAttribute(value))


def attributes(client, uid, *names) -> dict[str, list]:
    """What the server says of an object, by the attributes' names of 1.x."""
    got, found = client.get_attributes(uid, list(names) or None)
    assert got == uid
    values: dict[str, list] = {}
    for one in found:
        values.setdefault(one.attribute_name.value, []).append(one.attribute_value)
    return values


def value(client, uid, called: str):
    """The value of the only instance of an attribute."""
    (only,) = attributes(client, uid, called)[called]
    return only.value


def state(client, uid) -> enums.State:
    return value(client, uid, "State")


def retire(client, *uids):
    """Ends the lives of objects, whatever state they are in."""
    for uid in uids:
        if state(client, uid) == enums.State.ACTIVE:
            client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, uid)
        client.destroy(uid)


def key(client, *masks, called=None, active=True, bits=256) -> str:
    """A new AES key."""
    uid = client.create(AES, bits, name=called, cryptographic_usage_mask=list(masks))
    if active:
        client.activate(uid)
    return uid


def send(client, operation, payload):
    """An operation for which the client has a payload and no method; the batch item."""
    proxy = client.proxy
    item = messages.RequestBatchItem(operation=Operation(operation), request_payload=payload)
    request = proxy._build_request_message(None, [item])
    (answer,) = proxy._send_and_receive_message(request).batch_items
    return answer
