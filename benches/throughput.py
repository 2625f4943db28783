"""Throughput and processor time of two running servers, measured with pymongo; `run` starts it.

Each workload runs on the server without encryption and on the one with, by turns, for a short time and
many rounds, so that what disturbs the machine disturbs both. One connection, one request at a time.
`crates/server/benches/throughput.rs` measures the same with the Rust driver.
"""

import argparse
import os
import random
import statistics
import string
import time
from dataclasses import dataclass, field

import bson
import pymongo

DOCUMENT_BYTES = 1024
DOCUMENTS = 10_000
GROUP_DOCUMENTS = 1_000
RANGE_DOCUMENTS = 100
BATCH_DOCUMENTS = 100
# A number without a common factor with DOCUMENTS: the order of `k` has nothing to do with that of `_id`.
SHUFFLE = 7_919
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

rng = random.Random(1)
# Text that no compression makes disappear; each document begins elsewhere in it.
TEXT = "".join(rng.choices(string.ascii_letters + string.digits, k=64 * 1024))


def document(number: int, with_id: bool = True) -> dict:
    """A document of DOCUMENT_BYTES bytes, `_id` included."""
    fields = {
        "_id": number if with_id else bson.ObjectId(),
        "k": number * SHUFFLE % DOCUMENTS,
        "group": number // GROUP_DOCUMENTS,
        "n": 0,
        "text": "",
    }
    length = DOCUMENT_BYTES - len(bson.encode(fields))
    begin = rng.randrange(len(TEXT) - length)
    fields["text"] = TEXT[begin : begin + length]
    return fields


@dataclass
class Server:
    """A server under measurement."""

    pid: int
    client: pymongo.MongoClient
    # Operations, seconds and seconds of the processor by workload and round.
    results: dict = field(default_factory=dict)

    @property
    def database(self):
        return self.client.bench_python

    def cpu_seconds(self) -> float:
        """What the process has used so far, user and system."""
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def load(self):
        """Makes the documents that are read and updated."""
        self.client.drop_database(self.database)
        documents = self.database.documents
        for first in range(0, DOCUMENTS, GROUP_DOCUMENTS):
            documents.insert_many([document(first + i) for i in range(GROUP_DOCUMENTS)])
        documents.create_index("k")
        documents.create_index("group")

    def measure(self, name: str, workload, seconds: float):
        cpu = self.cpu_seconds()
        began = time.perf_counter()
        end = began + seconds
        operations = 0
        while (now := time.perf_counter()) < end:
            workload(self.database)
            operations += 1
        result = (operations, now - began, self.cpu_seconds() - cpu)
        self.results.setdefault(name, []).append(result)


def check(condition: bool):
    """A fast wrong answer is no result."""
    if not condition:
        raise SystemExit("a server gave a wrong answer")


def insert_one(database):
    database.inserted_one.insert_one(document(0, with_id=False))


def insert_many(database):
    database.inserted_many.insert_many(
        [document(i, with_id=False) for i in range(BATCH_DOCUMENTS)], ordered=True
    )


def find_by_id(database):
    number = rng.randrange(DOCUMENTS)
    check(database.documents.find_one({"_id": number})["_id"] == number)


def find_by_index(database):
    k = rng.randrange(DOCUMENTS)
    check(database.documents.find_one({"k": k})["k"] == k)


def increment_by_id(database):
    number = rng.randrange(DOCUMENTS)
    result = database.documents.update_one({"_id": number}, {"$inc": {"n": 1}})
    check(result.modified_count == 1)


def find_range(database):
    low = rng.randrange(DOCUMENTS - RANGE_DOCUMENTS)
    found = database.documents.find({"_id": {"$gte": low, "$lt": low + RANGE_DOCUMENTS}})
    check(len(found.to_list()) == RANGE_DOCUMENTS)


def match_and_group(database):
    group = rng.randrange(DOCUMENTS // GROUP_DOCUMENTS)
    pipeline = [
        {"$match": {"group": group}},
        {"$group": {"_id": "$group", "count": {"$sum": 1}, "sum": {"$sum": "$k"}}},
    ]
    check(next(database.documents.aggregate(pipeline))["count"] == GROUP_DOCUMENTS)


WORKLOADS = {
    "insert_one": insert_one,
    f"insert_many of {BATCH_DOCUMENTS}": insert_many,
    "find_one by _id": find_by_id,
    "find_one by an index": find_by_index,
    "$inc by _id": increment_by_id,
    f"range of {RANGE_DOCUMENTS} by _id": find_range,
    f"$match and $group of {GROUP_DOCUMENTS}": match_and_group,
}


def rate(result) -> float:
    operations, seconds, _ = result
    return operations / seconds


def cpu_micros(results) -> float:
    return sum(cpu for _, _, cpu in results) / sum(count for count, _, _ in results) * 1e6


def print_table(clear: Server, encrypted: Server):
    print(f"\npymongo {pymongo.version}, 1 connection:\n")
    print("| workload | ops/s | encrypted | ratio | CPU µs/op | encrypted | ratio |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name, plain in clear.results.items():
        sealed = encrypted.results[name]
        rates = [statistics.median(map(rate, results)) for results in (plain, sealed)]
        ratio = statistics.median(rate(b) / rate(a) for a, b in zip(plain, sealed))
        cpus = [cpu_micros(plain), cpu_micros(sealed)]
        cpu_ratio = f"{cpus[1] / cpus[0]:.2f}" if cpus[0] else "-"
        print(
            f"| {name} | {rates[0]:,.0f} | {rates[1]:,.0f} | {ratio:.2f} "
            f"| {cpus[0]:,.0f} | {cpus[1]:,.0f} | {cpu_ratio} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for server in ("--clear", "--encrypted"):
        parser.add_argument(server, nargs=2, type=int, metavar=("PORT", "PID"), required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--only", default="")
    # For the other client: this one's interpreter runs one thread at a time.
    parser.add_argument("--connections", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    clear, encrypted = (
        Server(pid, pymongo.MongoClient("127.0.0.1", port, directConnection=True))
        for port, pid in (options.clear, options.encrypted)
    )
    servers = [clear, encrypted]
    for server in servers:
        server.load()
    for name, workload in WORKLOADS.items():
        if options.only not in name:
            continue
        for server in servers:
            server.measure(name, workload, options.seconds / 2)
            del server.results[name]
        for _ in range(options.rounds):
            for server in servers:
                server.measure(name, workload, options.seconds)
            servers.reverse()
    print_table(clear, encrypted)


if __name__ == "__main__":
    main()
