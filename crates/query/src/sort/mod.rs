//! Sort orders: comparing documents by a sort specification.
