// What somebody types who tries the server out: insert, query, update, aggregate, index, drop.
// Every step checks its answer; a wrong one ends the shell with an error.

const assert = require("node:assert/strict");
// Values of the shell come from another realm, and have other prototypes than ours.
const same = (got, expected) => assert.equal(EJSON.stringify(got), EJSON.stringify(expected));
const shop = db.getSiblingDB("mongosh_shop");
shop.dropDatabase();

// insert
const inserted = shop.fruit.insertOne({ name: "apple", price: 1.5, tags: ["red", "sweet"] });
assert.equal(inserted.acknowledged, true);
assert.equal(inserted.insertedId instanceof ObjectId, true);
const many = shop.fruit.insertMany([
  { name: "banana", price: 0.5, tags: ["yellow"] },
  { name: "cherry", price: 9, tags: ["red"], stock: { kg: 3 } },
  { name: "date", price: 4, tags: [] },
]);
assert.equal(Object.keys(many.insertedIds).length, 4 - 1);

// query
assert.equal(shop.fruit.countDocuments(), 4);
same(shop.fruit.find({ tags: "red" }, { _id: 0, name: 1 }).sort({ name: 1 }).toArray(), [
  { name: "apple" },
  { name: "cherry" },
]);
assert.equal(shop.fruit.findOne({ "stock.kg": { $gt: 2 } }).name, "cherry");
same(shop.fruit.distinct("tags"), ["red", "sweet", "yellow"]);
assert.equal(shop.fruit.find({ price: { $lt: 5 } }).skip(1).limit(1).toArray().length, 1);

// update
assert.equal(shop.fruit.updateOne({ name: "apple" }, { $inc: { price: 0.5 }, $push: { tags: "new" } }).modifiedCount, 1);
same(shop.fruit.findOne({ name: "apple" }).tags, ["red", "sweet", "new"]);
assert.equal(shop.fruit.updateMany({}, { $set: { checked: true } }).modifiedCount, 4);
assert.equal(shop.fruit.replaceOne({ name: "date" }, { name: "fig" }).modifiedCount, 1);
assert.notEqual(shop.fruit.updateOne({ name: "kiwi" }, { $set: { price: 2 } }, { upsert: true }).upsertedId, null);
assert.equal(shop.fruit.findOneAndUpdate({ name: "kiwi" }, { $set: { price: 3 } }, { returnDocument: "after" }).price, 3);

// aggregate
const groups = shop.fruit
  .aggregate([
    { $match: { price: { $exists: true } } },
    { $unwind: { path: "$tags", preserveNullAndEmptyArrays: true } },
    { $group: { _id: "$tags", n: { $sum: 1 } } },
    { $sort: { n: -1, _id: 1 } },
    { $limit: 1 },
  ])
  .toArray();
same(groups, [{ _id: "red", n: 2 }]);

// indexes
assert.equal(shop.fruit.createIndex({ name: 1 }, { unique: true }), "name_1");
same(shop.fruit.getIndexes().map((index) => index.name), ["_id_", "name_1"]);
let refused;
try {
  shop.fruit.insertOne({ name: "apple" });
} catch (error) {
  refused = error.code;
}
assert.equal(refused, 11000);
const plan = JSON.stringify(shop.fruit.find({ name: "apple" }).explain().queryPlanner.winningPlan);
assert.match(plan, /name_1/);
shop.fruit.dropIndex("name_1");

// a cursor longer than a batch
shop.numbers.insertMany(Array.from({ length: 500 }, (_, i) => ({ _id: i })));
assert.equal(shop.numbers.find().batchSize(50).toArray().length, 500);

// delete and drop
assert.equal(shop.fruit.deleteOne({ name: "banana" }).deletedCount, 1);
assert.equal(shop.fruit.deleteMany({ checked: true }).deletedCount, 2);
same(shop.getCollectionNames().sort(), ["fruit", "numbers"]);
assert.equal(shop.fruit.drop(), true);
same(shop.getCollectionNames(), ["numbers"]);
assert.equal(db.getMongo().getDBNames().includes("mongosh_shop"), true);
assert.equal(shop.dropDatabase().ok, 1);
assert.equal(db.getMongo().getDBNames().includes("mongosh_shop"), false);

print("session complete");
