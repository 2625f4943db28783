"""Modify, Delete and Set Attribute, as PyKMIP's client has them in 1.x and in 2.0."""

import pytest
from kmip import enums
from kmip.core import objects as core
from kmip.core import primitives
from kmip.core.attributes import Name
from kmip.core.exceptions import OperationFailure, VersionNotSupported
from kmip.pie import objects
from kmip.pie.exceptions import KmipOperationFailure

from support.pykmip import (
    FUTURE,
    MASK,
    PAST,
    REASON,
    TYPE,
    at_least,
    attribute,
    attributes,
    key,
    name,
    name_is_taken,
    retire,
    state,
    value,
)


def names(client, uid) -> list[str]:
    return [one.name_value.value for one in attributes(client, uid, "Name").get("Name", [])]


def refused(reason, call, *args, **kwargs):
    with pytest.raises(OperationFailure) as failure:
        call(*args, **kwargs)
    assert failure.value.reason == reason, failure.value


def is_new(client) -> bool:
    return at_least(client, "2.0")


def new_name(text: str) -> Name:
    return Name.create(text, enums.NameType.UNINTERPRETED_TEXT_STRING)


def test_a_name_is_modified(client, unique):
    uid = key(client, called=f"{unique}-before", active=False)
    other = key(client, called=f"{unique}-other", active=False)
    if is_new(client):
        def modify(to):
            return client.modify_attribute(
                uid,
                current_attribute=core.CurrentAttribute(attribute=new_name(f"{unique}-before")),
                new_attribute=core.NewAttribute(attribute=new_name(to)),
            )
    else:
        def modify(to):
            return client.modify_attribute(uid, attribute=name(to, 0))
    refused(name_is_taken(client), modify, f"{unique}-other")
    assert names(client, uid) == [f"{unique}-before"]
    got, answered = modify(f"{unique}-after")
    assert got == uid
    if is_new(client):
        assert answered is None, "2.0 answers the identifier alone"
    else:
        assert answered.attribute_value.name_value.value == f"{unique}-after"
    assert names(client, uid) == [f"{unique}-after"]
    assert client.locate(attributes=[name(f"{unique}-after")]) == [uid]
    assert client.locate(attributes=[name(f"{unique}-before")]) == []
    retire(client, uid, other)


def test_a_name_is_deleted(client, unique):
    given = objects.OpaqueObject(b"with two names", enums.OpaqueDataType.NONE, name=f"{unique}-1")
    given.names.append(f"{unique}-2")
    uid = client.register(given)
    assert sorted(names(client, uid)) == [f"{unique}-1", f"{unique}-2"]
    (first, second) = names(client, uid)
    if is_new(client):
        got, answered = client.delete_attribute(
            uid, current_attribute=core.CurrentAttribute(attribute=new_name(second))
        )
        assert answered is None
    else:
        got, answered = client.delete_attribute(uid, attribute_name="Name", attribute_index=1)
        assert answered.attribute_value.name_value.value == second
    assert got == uid
    assert names(client, uid) == [first]
    if is_new(client):
        # PyKMIP's references are to attributes of vendors alone: those of the standard are enumerations.
        reference = core.AttributeReference(vendor_identification="x", attribute_name="Name")
        refused(REASON.ATTRIBUTE_NOT_FOUND, client.delete_attribute, uid, attribute_reference=reference)
        client.delete_attribute(uid, current_attribute=core.CurrentAttribute(attribute=new_name(first)))
    else:
        client.delete_attribute(uid, attribute_name="Name")
    assert names(client, uid) == []
    client.destroy(uid)


def test_what_is_not_a_clients_to_change(client):
    uid = key(client, active=False)
    date = primitives.DateTime(PAST, enums.Tags.INITIAL_DATE)
    if is_new(client):
        refused(
            REASON.PERMISSION_DENIED,
            client.modify_attribute,
            uid,
            new_attribute=core.NewAttribute(attribute=date),
        )
    else:
        changed = attribute(TYPE.INITIAL_DATE, PAST)
        refused(REASON.PERMISSION_DENIED, client.modify_attribute, uid, attribute=changed)
        refused(REASON.PERMISSION_DENIED, client.delete_attribute, uid, attribute_name="Initial Date")
        refused(REASON.PERMISSION_DENIED, client.delete_attribute, uid, attribute_name="State")
        absent = attribute(TYPE.CONTACT_INFORMATION, "nobody")
        refused(REASON.ITEM_NOT_FOUND, client.modify_attribute, uid, attribute=absent)
        refused(
            REASON.ITEM_NOT_FOUND, client.delete_attribute, uid, attribute_name="Contact Information"
        )
    assert value(client, uid, "Initial Date") > PAST
    refused(
        REASON.ITEM_NOT_FOUND,
        client.delete_attribute,
        "there-is-no-such-object",
        **(
            {"current_attribute": core.CurrentAttribute(attribute=new_name("any"))}
            if is_new(client)
            else {"attribute_name": "Name"}
        ),
    )
    client.destroy(uid)


def test_dates_that_bring_states(client):
    uid = key(client, active=False)
    if is_new(client):
        def set_date(tag, date):
            client.set_attribute(uid, attribute_name=tag, attribute_value=date)
    else:
        # 1.x modifies what is there: it was made with both dates.
        client.destroy(uid)
        from kmip.core.objects import TemplateAttribute

        template = TemplateAttribute(
            attributes=[
                attribute(TYPE.CRYPTOGRAPHIC_ALGORITHM, enums.CryptographicAlgorithm.AES),
                attribute(TYPE.CRYPTOGRAPHIC_LENGTH, 256),
                attribute(TYPE.CRYPTOGRAPHIC_USAGE_MASK, [MASK.ENCRYPT]),
                attribute(TYPE.ACTIVATION_DATE, FUTURE),
                attribute(TYPE.DEACTIVATION_DATE, FUTURE + 1),
            ]
        )
        uid = client.proxy.create(enums.ObjectType.SYMMETRIC_KEY, template).uuid

        def set_date(tag, date):
            client.modify_attribute(uid, attribute=attribute(enums.AttributeType(tag), date))
    assert state(client, uid) == enums.State.PRE_ACTIVE
    set_date("Activation Date", PAST)
    assert state(client, uid) == enums.State.ACTIVE
    refused(REASON.PERMISSION_DENIED, set_date, "Activation Date", FUTURE)
    set_date("Deactivation Date", PAST + 1)
    assert state(client, uid) == enums.State.DEACTIVATED
    refused(REASON.PERMISSION_DENIED, set_date, "Deactivation Date", FUTURE)
    assert state(client, uid) == enums.State.DEACTIVATED
    client.destroy(uid)


def test_set_attribute(client):
    uid = key(client, active=False)
    if not is_new(client):
        # Of 2.0: PyKMIP does not send it in an older version.
        with pytest.raises(VersionNotSupported):
            client.set_attribute(uid, attribute_name="Sensitive", attribute_value=True)
        client.destroy(uid)
        return
    assert client.set_attribute(uid, attribute_name="Sensitive", attribute_value=True) == uid
    assert value(client, uid, "Sensitive") is True
    with pytest.raises(KmipOperationFailure) as failure:
        client.get(uid)
    assert failure.value.reason.name == "SENSITIVE"
    client.set_attribute(uid, attribute_name="Sensitive", attribute_value=False)
    assert len(client.get(uid).value) == 32
    for called, given in (("Cryptographic Length", 128), ("State", enums.State.ACTIVE)):
        refused(REASON.PERMISSION_DENIED, client.set_attribute, uid, attribute_name=called, attribute_value=given)
    assert value(client, uid, "Cryptographic Length") == 256
    client.destroy(uid)
