//! The program as operators run it: `init`, `client`, `--config`, signals, `audit verify`.

mod at_once;
mod audit;
mod backups;
mod commands;
mod costs;
mod credentials;
mod crowd;
mod drain;
mod health;
mod keys;
mod kills;
mod limits;
mod policy;
mod reload;
mod restart;
mod rig;
mod secrets;
mod systemd;
