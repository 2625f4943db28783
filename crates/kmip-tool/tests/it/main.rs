//! The tool against the embedded server, from the command line to what is printed.

mod life;
mod lists;
mod lossy;
mod lost_answers;
mod material;
mod output;
mod raw;
mod refusals;
mod rig;
