//! The client against peers that misbehave on purpose, and against PyKMIP.

mod asynchronous;
mod batches;
mod certificates;
mod lost_answers;
mod peer;
mod pykmip;
mod rig;
mod strange_answers;
mod time_outs;
mod versions;
