//! Reads and writes through the Rust driver.

use mongodb::IndexModel;
use mongodb::bson::{Bson, DateTime, Decimal128, Document, doc, oid::ObjectId};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use mongodb::options::{IndexOptions, ReturnDocument};
use mongodb::sync::Database;

use crate::support::Strongroomd;

fn codes(error: &Error) -> Vec<i32> {
    match error.kind.as_ref() {
        ErrorKind::Write(WriteFailure::WriteError(error)) => vec![error.code],
        ErrorKind::InsertMany(many) => many
            .write_errors
            .iter()
            .flatten()
            .map(|error| error.code)
            .collect(),
        ErrorKind::Command(error) => vec![error.code],
        other => panic!("{other:?}"),
    }
}

/// What an application does; the same for a server in clear and an encrypted one.
pub(crate) fn exercise(database: &Database) {
    let people = database.collection::<Document>("people");
    let document = doc! {
        "_id": ObjectId::new(), "name": "Ada", "born": DateTime::from_millis(-4_861_000_000_000),
        "balance": "1.10".parse::<Decimal128>().unwrap(), "tags": ["a", { "deep": [true, Bson::Null] }],
    };
    people.insert_one(&document).run().unwrap();
    assert_eq!(
        people.find_one(doc! { "tags.deep": true }).run().unwrap(),
        Some(document)
    );

    let many = (0..1000).map(|i| doc! { "_id": i, "n": i % 10, "name": format!("n{i}") });
    assert_eq!(
        people.insert_many(many).run().unwrap().inserted_ids.len(),
        1000
    );
    let found = people
        .find(doc! { "n": { "$gte": 8 } })
        .sort(doc! { "_id": -1 })
        .projection(doc! { "_id": 1 })
        .batch_size(7)
        .run()
        .unwrap()
        .map(|document| document.unwrap().get_i32("_id").unwrap())
        .collect::<Vec<i32>>();
    assert_eq!(found.len(), 200);
    assert!(found.is_sorted_by(|a, b| a > b));

    let unique = IndexOptions::builder()
        .unique(true)
        .name("by_name".to_owned())
        .build();
    let index = IndexModel::builder()
        .keys(doc! { "name": 1 })
        .options(unique)
        .build();
    assert_eq!(
        people.create_index(index).run().unwrap().index_name,
        "by_name"
    );
    let error = people.insert_one(doc! { "name": "Ada" }).run().unwrap_err();
    assert_eq!(codes(&error), [11000]);
    let error = people
        .insert_many([
            doc! { "_id": "x" },
            doc! { "name": "n1" },
            doc! { "name": "n2" },
        ])
        .ordered(false)
        .run()
        .unwrap_err();
    assert_eq!(codes(&error), [11000, 11000]);

    let updated = people
        .update_many(doc! { "n": 3 }, doc! { "$inc": { "n": 100 } })
        .run()
        .unwrap();
    assert_eq!((updated.matched_count, updated.modified_count), (100, 100));
    let after = people
        .find_one_and_update(doc! { "name": "n4" }, doc! { "$push": { "list": 1 } })
        .return_document(ReturnDocument::After)
        .run()
        .unwrap()
        .unwrap();
    assert_eq!(after.get_array("list").unwrap(), &[Bson::Int32(1)]);
    assert_eq!(
        people
            .delete_many(doc! { "n": 103 })
            .run()
            .unwrap()
            .deleted_count,
        100
    );

    let groups = people
        .aggregate([
            doc! { "$match": { "n": { "$exists": true } } },
            doc! { "$group": { "_id": "$n", "count": { "$sum": 1 } } },
            doc! { "$sort": { "_id": 1 } },
        ])
        .run()
        .unwrap()
        .map(|group| group.unwrap().get_i32("_id").unwrap())
        .collect::<Vec<i32>>();
    assert_eq!(groups, [0, 1, 2, 4, 5, 6, 7, 8, 9]);
    assert_eq!(people.count_documents(doc! {}).run().unwrap(), 902);
    assert_eq!(
        people
            .distinct("n", doc! { "n": { "$lt": 2 } })
            .run()
            .unwrap()
            .len(),
        2
    );

    let error = people
        .find(doc! { "a": { "$nonsense": 1 } })
        .run()
        .err()
        .unwrap();
    assert_eq!(codes(&error), [2]);
    let error = database
        .run_command(doc! { "noSuchCommand": 1 })
        .run()
        .unwrap_err();
    assert_eq!(codes(&error), [59]);
}

#[test]
fn an_application() {
    let directory = tempfile::tempdir().unwrap();
    let server = Strongroomd::start(directory.path(), &[]);
    let client = server.client();
    let database = client.database("application");
    exercise(&database);
    assert!(
        client
            .list_database_names()
            .run()
            .unwrap()
            .contains(&"application".to_owned())
    );
    database.drop().run().unwrap();
    assert!(
        !client
            .list_database_names()
            .run()
            .unwrap()
            .contains(&"application".to_owned())
    );
    server.stop();
}
