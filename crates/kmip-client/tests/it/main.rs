//! The client against peers that misbehave on purpose, and against PyKMIP. For each: the right kind of error, within the
//! client's deadlines, no key that is made twice or forgotten, nothing in a log that does not belong there.
//!
//! | what a peer does, or is | the tests that prove it |
//! |---|---|
//! | Vault's shape: 1.4 only, a P-521 chain, Server Correlation Value in 1.0 responses, an extra field in the Register response | [`vault`] |
//! | extra fields in general | `strange_answers::extra_fields` |
//! | not TLS; not KMIP | `time_outs::not_tls`, `strange_answers::not_kmip` |
//! | truncated and oversized lengths, wrong types | `strange_answers::{cut_short, wrong_lengths_and_types, not_kmip}`, `batches::an_answer_beyond_the_limits` |
//! | more than the configured limits | `strange_answers::beyond_the_limits`, `batches::batches_that_are_not_sent` |
//! | deep nesting | `strange_answers::not_kmip` |
//! | wrong tags | `strange_answers::wrong_tags` |
//! | answers to another request, another object, another item of a batch | `strange_answers::the_answer_to_something_else`, `batches::answers_that_do_not_fit`, `asynchronous::pending_answers_that_do_not_fit` |
//! | keys that are wrapped, empty, of another format, length or type | `strange_answers::keys_that_cannot_be_used` |
//! | hits of Locate that are none | `strange_answers::hits_that_are_none` |
//! | refusals, forged log lines in their text | `strange_answers::refusals` |
//! | trickled bytes: that end, that never end | `time_outs::{a_slow_answer_is_an_answer, an_answer_that_never_ends}` |
//! | silence in the middle of a message | `time_outs::silent_in_the_middle_of_an_answer` |
//! | accepts and never answers: before TLS, behind it | `time_outs::{silent_from_the_start, silent_after_the_handshake}` |
//! | a name that does not resolve, or leads nowhere | `time_outs::a_host_without_an_address`, `addresses::names_that_lead_nowhere` |
//! | several addresses of a name: down, hanging, another's, closing; IPv6; the name as the server sees it | [`addresses`] |
//! | resets while connecting: on accept, in the handshake, in the first answer | `time_outs::{resets_while_connecting, hangs_up_during_the_handshake}` |
//! | at each step of Create or Register, Activate, Get: resets (one, all, what would repair it too), oversized and short lengths, wrong tags, deep nesting, another request's answer, trickled bytes, silence, silence in the middle ([`faults`]) | [`steps`] |
//! | answers to Create, Register, Destroy, Revoke that are lost | [`lost_answers`] |
//! | answers to Add, Modify, Delete Attribute and Re-key that are lost | [`changes`] |
//! | the server's certificate: expires meanwhile, is renewed | `certificates::the_servers_certificate_expires_meanwhile_and_is_renewed` |
//! | the client's certificate: expires meanwhile, is renewed | `certificates::{our_certificate_expires_meanwhile_and_is_renewed, a_renewed_certificate_is_used_at_once}` |
//! | whose certificate is wrong, and how | `certificates` (`the_server_is_…`, `we_are_…`, `we_have_…`) |
//! | RSA, P-256, P-384, P-521, Ed25519 with TLS 1.2 and 1.3 | `certificates::every_kind_of_chain_with_every_version_of_tls` |
//! | a private key encrypted with PBES1: the command that converts it | `certificates::a_key_encrypted_with_pbes1` |
//! | failover: the first is down, hangs, refuses, lacks the key, fails when it is asked for it; all are down; back again; up in a later round | [`failover`] |
//! | versions: 1.0 only, 2.x only, no Discover Versions, of the future, bounded, pinned | [`versions`] |
//! | batches: order, failures in the middle, missing, doubled and foreign answers | [`batches`] |
//! | asynchronous: Pending asked for or not, lost results, cancelled in time, too late, not at all | [`asynchronous`] |
//! | PyKMIP 1.0 to 1.4 and 2.0 | [`pykmip`] |
//! | keys and passwords in logs, errors and `Debug` | [`leaks`] |
//!
//! The peer that misbehaves is the crate `kmip-peer`. Key files in every form that OpenSSL has written are tested in the crate `tls`, hostile bytes of every shape by the fuzz
//! targets of the crate `kmip`.

mod addresses;
mod asynchronous;
mod batches;
mod certificates;
mod changes;
mod failover;
mod faults;
mod leaks;
mod lost_answers;
mod pykmip;
mod rig;
mod steps;
mod strange_answers;
mod time_outs;
mod vault;
mod versions;
