//! PEM files, encrypted private keys and rustls configurations with reload.
