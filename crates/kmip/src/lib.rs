//! The Key Management Interoperability Protocol, 1.0 to 2.1, sans-IO: TTLV, XML, JSON, messages.
