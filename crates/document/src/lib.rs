//! MongoDB's value order, numbers and limits over raw BSON.
