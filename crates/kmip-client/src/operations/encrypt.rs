//! Encrypt (KMIP 1.4, section 4.29; 2.1, section 6.1.18). Of KMIP 1.2.
