//! For tests: a KMIP server that misbehaves on purpose.
//!
//! A [`Peer`] does with each request what a test's script says ([`Act`]): it answers, refuses, lies, trickles, hangs up,
//! or never answers. What an honest server would do is in [`honest`]. It speaks TLS with a client certificate, as every
//! KMIP server does, and is never part of a program: it panics at what it does not expect.

mod key_store;
mod peer;

pub use key_store::{Key, Keys, honest, keys};
pub use peer::{
    Act, Certificates, Peer, Request, agree, encode, encode_all, free_port, read_message,
};
