//! A KMIP server: life cycle, object store, dispatch.
