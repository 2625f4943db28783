//! The program as operators run it: `init`, `client`, `--config`, signals, `audit verify`.

mod at_once;
mod audit;
mod backups;
#[cfg(target_os = "linux")]
mod clock;
mod commands;
mod costs;
mod credentials;
mod crowd;
mod drain;
#[cfg(target_os = "linux")]
mod full_disk;
mod fuzz;
mod health;
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
mod secrets;
mod systemd;
