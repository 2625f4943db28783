"""Create, Get, Get Attributes, Get Attribute List, Activate, Revoke, Destroy, Check, Re-key, Query and Discover
Versions, as PyKMIP's client asks for them."""

import pytest
from kmip import enums
from kmip.core.exceptions import StreamNotEmptyError
from kmip.core.messages import payloads
from kmip.core.messages.contents import ProtocolVersion
from kmip.pie.exceptions import KmipOperationFailure

from support.pykmip import (
    AES,
    FUTURE,
    MASK,
    PAST,
    REASON,
    at_least,
    attributes,
    key,
    name,
    name_is_taken,
    retire,
    send,
    state,
    value,
)

STATE = enums.State
WHY = enums.RevocationReasonCode


def refused(reason, call, *args, **kwargs):
    with pytest.raises(KmipOperationFailure) as failure:
        call(*args, **kwargs)
    assert failure.value.status == enums.ResultStatus.OPERATION_FAILED
    assert failure.value.reason == reason, failure.value
    assert failure.value.message


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_a_key_from_its_creation_to_its_end(client, unique, bits):
    uid = client.create(AES, bits, name=unique, cryptographic_usage_mask=[MASK.ENCRYPT])
    assert state(client, uid) == STATE.PRE_ACTIVE
    got = client.get(uid)
    assert got.object_type == enums.ObjectType.SYMMETRIC_KEY
    assert (got.cryptographic_algorithm, got.cryptographic_length) == (AES, bits)
    assert got.key_format_type == enums.KeyFormatType.RAW
    assert len(got.value) == bits // 8 and any(got.value)
    assert client.get(uid).value == got.value
    client.activate(uid)
    assert state(client, uid) == STATE.ACTIVE
    assert value(client, uid, "Activation Date") > PAST
    refused(REASON.PERMISSION_DENIED, client.activate, uid)
    refused(REASON.PERMISSION_DENIED, client.destroy, uid)
    assert client.get(uid).value == got.value
    client.revoke(WHY.CESSATION_OF_OPERATION, uid, "the end of the test")
    assert state(client, uid) == STATE.DEACTIVATED
    assert client.get(uid).value == got.value
    refused(REASON.PERMISSION_DENIED, client.activate, uid)
    client.destroy(uid)
    assert state(client, uid) == STATE.DESTROYED
    refused(REASON.ITEM_NOT_FOUND, client.get, uid)
    assert client.locate(attributes=[name(unique)]) == []


@pytest.mark.parametrize("active", [True, False])
def test_a_key_that_is_compromised(client, active):
    uid = key(client, active=active)
    client.revoke(WHY.KEY_COMPROMISE, uid, compromise_occurrence_date=PAST)
    assert state(client, uid) == STATE.COMPROMISED
    assert value(client, uid, "Compromise Occurrence Date") == PAST
    assert value(client, uid, "Compromise Date") > PAST
    client.destroy(uid)
    assert state(client, uid) == STATE.DESTROYED_COMPROMISED
    assert value(client, uid, "Destroy Date") > PAST


def test_what_cannot_be_created(client, unique):
    refused(REASON.INVALID_FIELD, client.create, AES, 255)
    refused(REASON.INVALID_FIELD, client.create, enums.CryptographicAlgorithm.RSA, 2048)
    uid = key(client, called=unique, active=False)
    refused(name_is_taken(client), client.create, AES, 256, name=unique)
    assert client.locate(attributes=[name(unique)]) == [uid]
    client.destroy(uid)


def test_an_object_that_is_not_there(client):
    missing = "there-is-no-such-object"
    for call in (client.get, client.activate, client.destroy, client.get_attributes):
        refused(REASON.ITEM_NOT_FOUND, call, missing)
    for call in (client.get_attribute_list, client.rekey):
        refused(REASON.ITEM_NOT_FOUND, call, missing)
    refused(REASON.ITEM_NOT_FOUND, client.revoke, WHY.UNSPECIFIED, missing)
    # Without an identifier the placeholder is meant, and a message of one item has none.
    for call in (client.get, client.activate, client.destroy, client.get_attribute_list):
        refused(REASON.ITEM_NOT_FOUND, call)


# By version, what an AES key with a Name has.
ATTRIBUTES = {
    "1.0": {
        "Unique Identifier",
        "Name",
        "Object Type",
        "Cryptographic Algorithm",
        "Cryptographic Length",
        "Cryptographic Usage Mask",
        "Digest",
        "Lease Time",
        "State",
        "Initial Date",
        "Last Change Date",
        "Activation Date",
        "Operation Policy Name",
    },
    "1.1": {"Fresh"},
    "1.2": {"Original Creation Date"},
    "1.3": {"Random Number Generator"},
    "1.4": {"Sensitive", "Always Sensitive", "Extractable", "Never Extractable"},
}


def test_the_attributes_of_a_key(client, unique):
    # 2.0 has taken away policies, and PyKMIP does not send their names there.
    policy = None if at_least(client, "2.0") else "default"
    uid = client.create(AES, 256, operation_policy_name=policy, name=unique)
    client.activate(uid)
    expected = set()
    for since, names in ATTRIBUTES.items():
        if at_least(client, since):
            expected |= names
    if policy is None:
        expected.remove("Operation Policy Name")
    listed = set(client.get_attribute_list(uid))
    if at_least(client, "2.0"):
        # The tags of 2.0, and more of them.
        assert expected - {"Random Number Generator"} <= listed
    else:
        assert listed == expected
    assert value(client, uid, "Unique Identifier") == uid
    assert value(client, uid, "Object Type") == enums.ObjectType.SYMMETRIC_KEY
    assert value(client, uid, "Cryptographic Algorithm") == AES
    assert value(client, uid, "Cryptographic Length") == 256
    assert value(client, uid, "Cryptographic Usage Mask") == MASK.ENCRYPT.value | MASK.DECRYPT.value
    assert value(client, uid, "Lease Time") == 3600
    (own,) = attributes(client, uid, "Name")["Name"]
    assert own.name_value.value == unique
    for date in ("Initial Date", "Last Change Date", "Activation Date"):
        assert PAST < value(client, uid, date) < FUTURE
    if policy is not None:
        assert value(client, uid, "Operation Policy Name") == policy
    # One that it has not, and one that is none, are left out.
    assert attributes(client, uid, "Archive Date", "State").keys() == {"State"}
    retire(client, uid)


def test_check(client):
    """PyKMIP wants a list of masks, be it an empty one, and takes every answer for a success."""
    uid = key(client, MASK.ENCRYPT)
    assert client.check(uid, cryptographic_usage_mask=[]) == uid
    assert client.check(uid, cryptographic_usage_mask=[MASK.ENCRYPT]) == uid
    assert client.check(uid, cryptographic_usage_mask=[], lease_time=60) == uid
    # What does not hold is said in the answer, which is a success (KMIP 1.4, section 4.10).
    answer = client.proxy.check(uid, None, [MASK.SIGN], None)
    assert answer["result_status"] == enums.ResultStatus.SUCCESS
    assert answer["cryptographic_usage_mask"]
    answer = client.proxy.check(uid, None, [], 100_000)
    assert answer["result_status"] == enums.ResultStatus.SUCCESS
    assert 0 < answer["lease_time"] <= 3600
    for request, reason in (
        (payloads.CheckRequestPayload(unique_identifier="nowhere"), REASON.ITEM_NOT_FOUND),
        (payloads.CheckRequestPayload(), REASON.ITEM_NOT_FOUND),
    ):
        refusal = send(client, enums.Operation.CHECK, request)
        assert refusal.result_reason.value == reason
    retire(client, uid)


def test_re_keying(client, unique):
    old = key(client, called=unique)
    new = client.rekey(old)
    assert new != old
    assert client.get(new).value != client.get(old).value
    # The name goes over; the dates too, so that it is in use at once.
    assert client.locate(attributes=[name(unique)]) == [new]
    assert state(client, new) == STATE.ACTIVE
    assert value(client, new, "Cryptographic Length") == 256
    later = client.rekey(new, offset=3600)
    assert state(client, later) == STATE.PRE_ACTIVE
    assert client.locate(attributes=[name(unique)]) == [later]
    # Dates of its own, and one that cannot be with them.
    dated = client.rekey(later, activation_date=FUTURE, deactivation_date=FUTURE + 10)
    assert value(client, dated, "Activation Date") == FUTURE
    assert value(client, dated, "Deactivation Date") == FUTURE + 10
    assert state(client, dated) == STATE.PRE_ACTIVE
    retire(client, old, new, later, dated)


def test_query(client):
    functions = [
        enums.QueryFunction.QUERY_OPERATIONS,
        enums.QueryFunction.QUERY_OBJECTS,
        enums.QueryFunction.QUERY_SERVER_INFORMATION,
        enums.QueryFunction.QUERY_APPLICATION_NAMESPACES,
    ]
    if at_least(client, "1.1"):
        functions += [
            enums.QueryFunction.QUERY_EXTENSION_LIST,
            enums.QueryFunction.QUERY_EXTENSION_MAP,
        ]
    if at_least(client, "1.2"):
        functions.append(enums.QueryFunction.QUERY_ATTESTATION_TYPES)
    if at_least(client, "1.3"):
        functions += [
            enums.QueryFunction.QUERY_RNGS,
            enums.QueryFunction.QUERY_VALIDATIONS,
            enums.QueryFunction.QUERY_PROFILES,
            enums.QueryFunction.QUERY_CLIENT_REGISTRATION_METHODS,
        ]
    if at_least(client, "2.0"):
        functions.append(enums.QueryFunction.QUERY_DEFAULTS_INFORMATION)
        # PyKMIP knows neither the Quantum Safe Capability among the others, nor that Protection Storage Masks are a
        # structure.
        for unreadable in (
            enums.QueryFunction.QUERY_CAPABILITIES,
            enums.QueryFunction.QUERY_STORAGE_PROTECTION_MASKS,
        ):
            with pytest.raises(StreamNotEmptyError):
                client.proxy.query(query_functions=[unreadable])
    elif at_least(client, "1.3"):
        functions.append(enums.QueryFunction.QUERY_CAPABILITIES)
    result = client.proxy.query(query_functions=functions)
    assert result.result_status.value == enums.ResultStatus.SUCCESS
    offered = set(result.operations)
    expected = {
        "1.0": {
            "CREATE", "CREATE_KEY_PAIR", "REGISTER", "REKEY", "DERIVE_KEY", "LOCATE", "CHECK", "GET",
            "GET_ATTRIBUTES", "GET_ATTRIBUTE_LIST", "ADD_ATTRIBUTE", "MODIFY_ATTRIBUTE",
            "DELETE_ATTRIBUTE", "OBTAIN_LEASE", "GET_USAGE_ALLOCATION", "ACTIVATE", "REVOKE", "DESTROY",
            "ARCHIVE", "RECOVER", "QUERY",
        },
        "1.1": {"REKEY_KEY_PAIR", "DISCOVER_VERSIONS"},
        "1.2": {
            "ENCRYPT", "DECRYPT", "SIGN", "SIGNATURE_VERIFY", "MAC", "MAC_VERIFY", "RNG_RETRIEVE",
            "RNG_SEED", "HASH",
        },
        "1.4": {"IMPORT", "EXPORT"},
        "2.0": {"LOG", "ADJUST_ATTRIBUTE", "SET_ATTRIBUTE", "INTEROP"},
    }  # fmt: skip
    wanted = set()
    for since, names in expected.items():
        if at_least(client, since):
            wanted |= {enums.Operation[one] for one in names}
    assert offered == wanted
    types = set(result.object_types)
    assert {
        enums.ObjectType.CERTIFICATE,
        enums.ObjectType.SYMMETRIC_KEY,
        enums.ObjectType.PUBLIC_KEY,
        enums.ObjectType.PRIVATE_KEY,
        enums.ObjectType.SPLIT_KEY,
        enums.ObjectType.SECRET_DATA,
        enums.ObjectType.OPAQUE_DATA,
    } <= types
    assert (enums.ObjectType.TEMPLATE in types) == (not at_least(client, "2.0"))
    assert (enums.ObjectType.PGP_KEY in types) == at_least(client, "1.2")
    assert "Strongroom" in result.vendor_identification


def test_discover_versions(client):
    if not at_least(client, "1.1"):
        # Of 1.1. PyKMIP's method takes the payload of a refusal for one, so without it.
        answer = send(
            client,
            enums.Operation.DISCOVER_VERSIONS,
            payloads.DiscoverVersionsRequestPayload(),
        )
        assert answer.result_reason.value == REASON.OPERATION_NOT_SUPPORTED
        return
    result = client.proxy.discover_versions()
    assert result.result_status.value == enums.ResultStatus.SUCCESS
    found = [str(version) for version in result.protocol_versions]
    assert found == ["2.1", "2.0", "1.4", "1.3", "1.2", "1.1", "1.0"], "the newest first"
    asked = [ProtocolVersion(1, 2), ProtocolVersion(9, 9), ProtocolVersion(1, 0)]
    result = client.proxy.discover_versions(protocol_versions=asked)
    found = {str(version) for version in result.protocol_versions}
    assert found == {"1.2", "1.0"}
