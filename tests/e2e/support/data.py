"""A little data, and whether it is there."""


def fill(server, name="shop", n=50):
    with server.client() as client:
        client[name]["orders"].insert_many([{"_id": i, "v": f"v{i}"} for i in range(n)])


def check(server, name="shop", n=50):
    with server.client() as client:
        assert client[name]["orders"].count_documents({}) == n
        assert client[name]["orders"].find_one({"_id": 7})["v"] == "v7"
