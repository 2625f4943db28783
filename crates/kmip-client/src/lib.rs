//! A KMIP client: connection, failover, retries, typed operations.
