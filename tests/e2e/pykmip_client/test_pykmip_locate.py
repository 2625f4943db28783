"""Locate by everything that PyKMIP can ask for."""

import pytest
from kmip import enums
from kmip.core.factories.payloads.response import ResponsePayloadFactory
from kmip.core.messages import payloads
from kmip.core.objects import TemplateAttribute
from kmip.pie import objects
from kmip.pie.exceptions import KmipOperationFailure

from support.pykmip import (
    AES,
    FUTURE,
    MASK,
    PAST,
    REASON,
    TYPE,
    at_least,
    attribute,
    custom,
    key,
    name,
    retire,
    send,
    value,
)


@pytest.fixture
def three(client, unique):
    """An AES key that is active, one of 128 bits that is not, and a secret."""
    ids = {
        "active": key(client, MASK.ENCRYPT, called=f"{unique}-active"),
        "small": key(client, MASK.MAC_GENERATE, called=f"{unique}-small", active=False, bits=128),
        "secret": client.register(
            objects.SecretData(
                b"swordfish", enums.SecretDataType.PASSWORD, masks=[MASK.DERIVE_KEY], name=f"{unique}-secret"
            )
        ),
    }
    yield ids, unique
    retire(client, *ids.values())


def found(client, ids, *wanted, **options) -> set[str]:
    """Which of the three, by what they are called here."""
    got = client.locate(attributes=list(wanted), **options)
    assert len(got) == len(set(got))
    return {called for called, uid in ids.items() if uid in got}


def test_by_one_attribute(client, three):
    ids, unique = three
    everything = set(ids)
    for wanted, expected in [
        (name(f"{unique}-active"), {"active"}),
        (name(f"{unique}-acti"), set()),
        (attribute(TYPE.OBJECT_TYPE, enums.ObjectType.SYMMETRIC_KEY), {"active", "small"}),
        (attribute(TYPE.OBJECT_TYPE, enums.ObjectType.SECRET_DATA), {"secret"}),
        (attribute(TYPE.OBJECT_TYPE, enums.ObjectType.CERTIFICATE), set()),
        (attribute(TYPE.STATE, enums.State.ACTIVE), {"active"}),
        (attribute(TYPE.STATE, enums.State.PRE_ACTIVE), {"small", "secret"}),
        (attribute(TYPE.STATE, enums.State.DESTROYED), set()),
        (attribute(TYPE.CRYPTOGRAPHIC_ALGORITHM, AES), {"active", "small"}),
        (attribute(TYPE.CRYPTOGRAPHIC_LENGTH, 128), {"small"}),
        (attribute(TYPE.CRYPTOGRAPHIC_USAGE_MASK, [MASK.MAC_GENERATE]), {"small"}),
        (attribute(TYPE.CRYPTOGRAPHIC_USAGE_MASK, [MASK.ENCRYPT]), {"active", "small"}),
        (attribute(TYPE.UNIQUE_IDENTIFIER, ids["secret"]), {"secret"}),
    ]:
        assert found(client, ids, wanted) == expected, wanted
    assert found(client, ids) == everything


def test_by_several_attributes(client, three):
    ids, _ = three
    algorithm = attribute(TYPE.CRYPTOGRAPHIC_ALGORITHM, AES)
    assert found(client, ids, algorithm, attribute(TYPE.CRYPTOGRAPHIC_LENGTH, 256)) == {"active"}
    assert found(client, ids, algorithm, attribute(TYPE.STATE, enums.State.PRE_ACTIVE)) == {"small"}
    secrets = attribute(TYPE.OBJECT_TYPE, enums.ObjectType.SECRET_DATA)
    assert found(client, ids, algorithm, secrets) == set()


def test_by_dates(client, three):
    ids, _ = three
    made = value(client, ids["active"], "Initial Date")
    for dates, expected in [
        ([PAST, FUTURE], set(ids)),
        ([FUTURE, PAST], set(ids)),
        ([PAST, PAST + 1], set()),
        ([FUTURE], set()),
    ]:
        wanted = [attribute(TYPE.INITIAL_DATE, date) for date in dates]
        assert found(client, ids, *wanted) == expected, dates
    assert "active" in found(client, ids, attribute(TYPE.INITIAL_DATE, made))
    activated = [attribute(TYPE.ACTIVATION_DATE, date) for date in (PAST, FUTURE)]
    assert found(client, ids, *activated) == {"active"}


def test_pages(client, three):
    ids, _ = three
    # Nobody else has such keys.
    keys = attribute(TYPE.CRYPTOGRAPHIC_ALGORITHM, enums.CryptographicAlgorithm.TWOFISH)
    for _ in range(2):
        uid = client.create(enums.CryptographicAlgorithm.TWOFISH, 256)
        ids[uid] = uid
    both = client.locate(attributes=[keys])
    assert both == list(ids)[:2:-1], "the newest first"
    assert client.locate(maximum_items=1, attributes=[keys]) == both[:1]
    assert client.locate(maximum_items=0, attributes=[keys]) == []
    if at_least(client, "1.3"):
        assert client.locate(offset_items=1, attributes=[keys]) == both[1:]
        assert client.locate(maximum_items=5, offset_items=1, attributes=[keys]) == both[1:]
        assert client.locate(offset_items=2, attributes=[keys]) == []
    with pytest.raises(KmipOperationFailure) as failure:
        client.locate(maximum_items=-1, attributes=[keys])
    assert failure.value.reason == REASON.INVALID_FIELD


ON_LINE, ARCHIVAL = 1, 2


def archive(client, uid, operation="ARCHIVE"):
    """The client has the payloads of these two, and no methods."""
    kind = {"ARCHIVE": payloads.ArchiveRequestPayload, "RECOVER": payloads.RecoverRequestPayload}
    answer = send(client, enums.Operation[operation], kind[operation](unique_identifier=uid))
    assert answer.result_status.value == enums.ResultStatus.SUCCESS, answer.result_message


def test_what_is_in_the_archive(client, three, more_answers):
    ids, _ = three
    archive(client, ids["secret"])
    assert found(client, ids) == {"active", "small"}
    assert found(client, ids, storage_status_mask=ON_LINE) == {"active", "small"}
    assert found(client, ids, storage_status_mask=ARCHIVAL) == {"secret"}
    assert found(client, ids, storage_status_mask=ON_LINE | ARCHIVAL) == set(ids)
    with pytest.raises(KmipOperationFailure) as failure:
        client.get(ids["secret"])
    assert failure.value.reason == REASON.OBJECT_ARCHIVED
    archive(client, ids["secret"], "RECOVER")
    assert client.get(ids["secret"]).value == b"swordfish"
    assert found(client, ids) == set(ids)


@pytest.fixture
def more_answers(monkeypatch):
    """PyKMIP reads the answers of no operation that it has no method for, although it has their payloads."""
    for operation, payload in {
        "archive": payloads.ArchiveResponsePayload,
        "recover": payloads.RecoverResponsePayload,
        "obtain_lease": payloads.ObtainLeaseResponsePayload,
        "get_usage_allocation": payloads.GetUsageAllocationResponsePayload,
        "cancel": payloads.CancelResponsePayload,
        "poll": payloads.CancelResponsePayload,
    }.items():
        monkeypatch.setattr(
            ResponsePayloadFactory, f"_create_{operation}_payload", lambda self, payload=payload: payload()
        )


def test_leases_and_allocations(client, more_answers):
    uid = key(client)
    answer = send(
        client, enums.Operation.OBTAIN_LEASE, payloads.ObtainLeaseRequestPayload(unique_identifier=uid)
    )
    assert answer.result_status.value == enums.ResultStatus.SUCCESS
    assert answer.response_payload.unique_identifier == uid
    assert answer.response_payload.lease_time == 3600
    assert PAST < answer.response_payload.last_change_date < FUTURE
    # A key without limits has nothing to allocate.
    allocation = payloads.GetUsageAllocationRequestPayload(unique_identifier=uid, usage_limits_count=1)
    answer = send(client, enums.Operation.GET_USAGE_ALLOCATION, allocation)
    assert answer.result_status.value == enums.ResultStatus.OPERATION_FAILED
    retire(client, uid)


@pytest.mark.parametrize("operation", ["CANCEL", "POLL"])
def test_what_is_not_offered(client, operation, more_answers):
    """Nothing is asynchronous here; PyKMIP has the payloads."""
    kind = {"CANCEL": payloads.CancelRequestPayload, "POLL": payloads.PollRequestPayload}[operation]
    payload = kind(asynchronous_correlation_value=b"\x01")
    answer = send(client, enums.Operation[operation], payload)
    assert answer.response_payload is None
    assert answer.result_reason.value == REASON.OPERATION_NOT_SUPPORTED


def test_groups(client, unique):
    """Members of a group, and the one that is next (1.1)."""
    group = attribute(TYPE.OBJECT_GROUP, unique)
    ids = []
    for _ in range(3):
        template = TemplateAttribute(
            attributes=[
                attribute(TYPE.CRYPTOGRAPHIC_ALGORITHM, AES),
                attribute(TYPE.CRYPTOGRAPHIC_LENGTH, 256),
                attribute(TYPE.CRYPTOGRAPHIC_USAGE_MASK, [MASK.ENCRYPT]),
                group,
            ]
        )
        created = client.proxy.create(enums.ObjectType.SYMMETRIC_KEY, template)
        assert created.result_status.value == enums.ResultStatus.SUCCESS, created.result_message
        ids.append(created.uuid)
    assert set(client.locate(attributes=[group])) == set(ids)
    if at_least(client, "1.1"):
        fresh = enums.ObjectGroupMember.GROUP_MEMBER_FRESH
        assert set(client.locate(attributes=[group], object_group_member=fresh)) == set(ids)
        client.get(ids[0])
        assert set(client.locate(attributes=[group], object_group_member=fresh)) == set(ids[1:])
        default = enums.ObjectGroupMember.GROUP_MEMBER_DEFAULT
        turns = [client.locate(attributes=[group], object_group_member=default) for _ in range(4)]
        assert turns == [[ids[0]], [ids[1]], [ids[2]], [ids[0]]]
    retire(client, *ids)


def test_custom_attributes(until_1_4, unique):
    """PyKMIP has none in 2.0, where they are attributes of vendors."""
    client = until_1_4

    template = TemplateAttribute(
        attributes=[
            attribute(TYPE.CRYPTOGRAPHIC_ALGORITHM, AES),
            attribute(TYPE.CRYPTOGRAPHIC_LENGTH, 256),
            attribute(TYPE.CRYPTOGRAPHIC_USAGE_MASK, [MASK.ENCRYPT]),
            custom("x-Machine", unique),
        ]
    )
    created = client.proxy.create(enums.ObjectType.SYMMETRIC_KEY, template)
    assert created.result_status.value == enums.ResultStatus.SUCCESS, created.result_message
    assert client.locate(attributes=[custom("x-Machine", unique)]) == [created.uuid]
    assert client.locate(attributes=[custom("x-Machine", "another")]) == []
    assert value(client, created.uuid, "x-Machine") == unique
    client.destroy(created.uuid)
