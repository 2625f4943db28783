//! Log (KMIP 2.1, 6.1.28). Of 2.0.

structure! {
    /// Puts a message into the server's log.
    pub struct LogRequest {
        /// The message.
        log_message: String = LogMessage,
    }
}

structure! {
    /// Nothing.
    #[derive(Default)]
    pub struct LogResponse {
    }
}
