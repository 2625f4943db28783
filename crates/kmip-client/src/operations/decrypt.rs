//! Decrypt (KMIP 1.4, section 4.30; 2.1, section 6.1.11). Of KMIP 1.2.
