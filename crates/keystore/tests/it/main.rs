//! The keystore from outside: a dbpath, its file, and what becomes of it.

mod corruption;
mod crash;
mod life_cycle;
mod support;
