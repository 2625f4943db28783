//! Ping (KMIP 2.1, 6.1.34). Of 2.1.

structure! {
    /// Asks whether the server is there.
    #[derive(Default)]
    pub struct PingRequest {
    }
}

structure! {
    /// It is.
    #[derive(Default)]
    pub struct PingResponse {
    }
}
