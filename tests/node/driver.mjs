// The Node driver against the server whose URI is the first argument. Ends with status 0 and "driver
// complete", or with the first wrong answer.

import assert from "node:assert/strict";
import { Binary, Decimal128, Long, MongoClient, MongoServerError, ObjectId } from "mongodb";

const client = new MongoClient(process.argv[2], { serverSelectionTimeoutMS: 20000, maxPoolSize: 20 });
await client.connect();
const db = client.db("node_driver");
await db.dropDatabase();
const things = db.collection("things");

// CRUD and types
const document = {
  _id: new ObjectId(),
  text: "ü",
  number: 1.5,
  long: Long.fromString("4611686018427387904"),
  decimal: Decimal128.fromString("1.10"),
  binary: new Binary(Buffer.from([0, 1, 255])),
  date: new Date(0),
  list: [1, { deep: [true, null] }],
  regex: /a.b/i,
};
await things.insertOne(document);
assert.deepEqual(await things.findOne({ _id: document._id }, { promoteLongs: false }), document);
assert.equal((await things.updateOne({ text: "ü" }, { $set: { text: "ö" }, $inc: { number: 1 } })).modifiedCount, 1);
assert.equal((await things.findOne({ text: /^Ö$/i }))?.number, 2.5);
assert.equal((await things.deleteOne({ text: "ö" })).deletedCount, 1);

// bulk writes, a cursor of several batches, sort and projection
const bulk = await things.bulkWrite([
  ...Array.from({ length: 1000 }, (_, i) => ({ insertOne: { document: { _id: i, n: i % 10 } } })),
  { updateMany: { filter: { n: 3 }, update: { $set: { three: true } } } },
  { deleteMany: { filter: { n: 9 } } },
  { replaceOne: { filter: { _id: "new" }, replacement: { n: 0 }, upsert: true } },
]);
assert.deepEqual(
  [bulk.insertedCount, bulk.modifiedCount, bulk.deletedCount, bulk.upsertedCount],
  [1000, 100, 100, 1],
);
let seen = 0;
let last = -1;
for await (const { _id } of things.find({ _id: { $type: "number" } }, { projection: { _id: 1 } }).sort({ _id: 1 }).batchSize(37)) {
  assert.ok(_id > last);
  last = _id;
  seen += 1;
}
assert.equal(seen, 900);

// a cursor that is closed early
const cursor = things.find().batchSize(2);
await cursor.next();
await cursor.close();

// indexes and errors
const people = db.collection("people");
assert.equal(await people.createIndex({ email: 1 }, { unique: true, name: "by_email" }), "by_email");
await assert.rejects(
  people.insertMany([{ email: "a" }, { email: "a" }]),
  (error) => error.code === 11000 && error.insertedCount === 1,
);
await assert.rejects(
  things.find({ a: { $nonsense: 1 } }).toArray(),
  (error) => error instanceof MongoServerError && error.code === 2,
);

// aggregation, distinct, findAndModify, count
const groups = await things
  .aggregate([{ $match: { n: { $lt: 3 } } }, { $group: { _id: "$n", count: { $sum: 1 } } }, { $sort: { _id: 1 } }])
  .toArray();
assert.deepEqual(groups.map(({ _id, count }) => [_id, count]), [[0, 101], [1, 100], [2, 100]]);
assert.deepEqual((await things.distinct("n", { n: { $lt: 3 } })).sort(), [0, 1, 2]);
assert.equal((await things.findOneAndUpdate({ _id: 5 }, { $inc: { n: 1 } }, { returnDocument: "after" })).n, 6);
assert.equal(await things.countDocuments({ three: true }), 100);

// many requests side by side on a pool of connections
const sums = db.collection("sums");
await sums.insertOne({ _id: "sum", n: 0 });
await Promise.all(Array.from({ length: 200 }, () => sums.updateOne({ _id: "sum" }, { $inc: { n: 1 } })));
assert.equal((await sums.findOne({ _id: "sum" })).n, 200);

// sessions: their end is a message without an answer
await client.withSession((session) => sums.findOne({}, { session }));

await db.dropDatabase();
await client.close();
console.log("driver complete");
