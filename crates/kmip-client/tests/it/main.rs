//! The client against peers that misbehave on purpose, and against PyKMIP.

mod asynchronous;
mod batches;
mod certificates;
mod changes;
mod failover;
mod key_store;
mod leaks;
mod lost_answers;
mod peer;
mod pykmip;
mod rig;
mod steps;
mod strange_answers;
mod time_outs;
mod vault;
mod versions;
