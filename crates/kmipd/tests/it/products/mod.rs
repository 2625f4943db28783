//! What products send to a KMIP server, message by message, as far as it is publicly known: the versions, the order
//! of operations, the fields and the oddities that a server must take. Each product has a directory of its own to
//! itself, and databases have no more than the role that `kmipd init` gives them.

mod fortios;
mod libmongocrypt;
mod mongodb_enterprise;
mod mysql;
mod pg_tde;
mod psmdb;
mod storage_array;
mod synology;
mod vast;
mod vcenter;
mod wire;
