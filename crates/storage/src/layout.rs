//! Which keys a tree holds.
