//! Master key sources and the keystore of wrapped data keys.
