//! How many documents a collection has, without reading them.
