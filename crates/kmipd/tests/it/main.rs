//! The program as operators run it: `init`, `client`, `--config`, signals, `audit verify`.

mod audit;
mod backups;
#[cfg(target_os = "linux")]
mod clock;
mod commands;
mod drain;
#[cfg(target_os = "linux")]
mod full_disk;
mod fuzz;
mod keys;
mod kills;
mod limits;
mod policy;
#[cfg(target_os = "linux")]
mod preload;
mod products;
mod reload;
mod restart;
mod rig;
