//! The program as operators run it: `init`, `client`, `--config`, signals, `audit verify`.

mod audit;
mod commands;
mod drain;
mod keys;
mod limits;
mod policy;
mod reload;
mod restart;
mod rig;
