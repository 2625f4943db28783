//! Receiving one message: bounded in size, in memory and in time.

use std::io;
use std::time::Duration;

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use wire::{HEADER_BYTES, Header};

use super::budget::{Budget, UNIT_BYTES};

/// A connection that stops in the middle of a message for so long is closed. Between messages a
/// client may be silent for as long as it likes.
const STALL: Duration = Duration::from_secs(60);

/// What is asked of the system at a time before a message's length is known, in bytes: most messages
/// come whole with one call. What follows them in the same read is kept for the next one.
const READ_AHEAD_BYTES: usize = 16 << 10;

/// A buffer that held a large message is not kept for the next one beyond this size, in bytes.
const KEEP_BYTES: usize = 256 << 10;

/// Why no message came.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReceiveError {
    /// The client closed the connection between messages.
    #[error("closed by the client")]
    Closed,
    /// The header is not one.
    #[error(transparent)]
    Header(#[from] wire::Error),
    /// The client stopped in the middle of a message.
    #[error("no byte for {} s in the middle of a message", STALL.as_secs())]
    Stalled,
    /// The operating system's word.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Receives messages into one buffer.
#[derive(Debug, Default)]
pub(super) struct Receiver {
    buffer: Vec<u8>,
    /// How many bytes at the start of the buffer are the message that was handed out.
    handed_out: usize,
    permits: Vec<OwnedSemaphorePermit>,
}

impl Receiver {
    /// The next message, header included.
    pub(super) async fn receive(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        budget: &Budget,
    ) -> Result<(Header, &[u8]), ReceiveError> {
        self.permits.clear();
        let handed_out = std::mem::take(&mut self.handed_out).min(self.buffer.len());
        self.buffer.drain(..handed_out);
        self.buffer.shrink_to(KEEP_BYTES);
        // Waits here between messages, without a deadline.
        if self.buffer.is_empty() && self.read(stream, READ_AHEAD_BYTES).await? == 0 {
            return Err(ReceiveError::Closed);
        }
        self.fill(stream, HEADER_BYTES).await?;
        let header = self
            .buffer
            .first_chunk::<HEADER_BYTES>()
            .ok_or(ReceiveError::Closed)
            .and_then(|bytes| Ok(Header::decode(bytes)?))?;
        // What the header claims is reserved only as it arrives.
        while self.buffer.len() < header.length {
            if self.buffer.len() >= UNIT_BYTES * (self.permits.len() + 1) {
                match timeout(STALL, budget.unit()).await {
                    Ok(Some(permit)) => self.permits.push(permit),
                    _ => return Err(ReceiveError::Stalled),
                }
            }
            let step = header.length.min(UNIT_BYTES * (self.permits.len() + 1));
            self.fill(stream, step).await?;
        }
        self.handed_out = header.length;
        let message = self.buffer.get(..header.length);
        Ok((header, message.ok_or(ReceiveError::Closed)?))
    }

    /// Reads until the buffer holds `length` bytes.
    async fn fill(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        length: usize,
    ) -> Result<(), ReceiveError> {
        while self.buffer.len() < length {
            let most = length.max(READ_AHEAD_BYTES);
            match timeout(STALL, self.read(stream, most)).await {
                Err(_) => return Err(ReceiveError::Stalled),
                Ok(Err(error)) => return Err(error.into()),
                Ok(Ok(0)) => {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
                Ok(Ok(_)) => {}
            }
        }
        Ok(())
    }

    /// Reads once, so that the buffer holds `most` bytes at most. How many came.
    async fn read(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        most: usize,
    ) -> io::Result<usize> {
        let held = self.buffer.len();
        let missing = most.saturating_sub(held);
        self.buffer.reserve(missing.min(held.max(READ_AHEAD_BYTES)));
        stream
            .read_buf(&mut (&mut self.buffer).limit(missing))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn messages_come_one_by_one_whatever_the_pieces() {
        let mut message = Vec::new();
        wire::msg::encode(
            &mut message,
            1,
            0,
            &bson::rawdoc! { "a": "b".repeat(3 << 20) },
        );
        let (mut client, mut server) = tokio::io::duplex(1 << 16);
        let bytes = message.clone();
        let sender = tokio::spawn(async move {
            for piece in bytes.chunks(70_001) {
                client.write_all(piece).await.unwrap();
            }
            client.write_all(&bytes).await.unwrap();
        });
        let mut receiver = Receiver::default();
        let budget = Budget::default();
        for _ in 0..2 {
            let (header, bytes) = receiver.receive(&mut server, &budget).await.unwrap();
            assert_eq!((header.length, bytes), (message.len(), message.as_slice()));
        }
        sender.await.unwrap();
        let end = receiver.receive(&mut server, &budget).await;
        assert!(matches!(end, Err(ReceiveError::Closed)));
    }

    #[tokio::test]
    async fn messages_that_come_together_are_handed_out_one_by_one() {
        let documents = [0, 7, 40_000, 1, 300_000, 16_000].map(|length| {
            let mut message = Vec::new();
            let text = "x".repeat(length);
            wire::msg::encode(&mut message, 1, 0, &bson::rawdoc! { "a": text });
            message
        });
        for piece in [1, 15, 17, 16 << 10, 1 << 20] {
            let (mut client, mut server) = tokio::io::duplex(1 << 20);
            let stream = documents.concat();
            let sender = tokio::spawn(async move {
                for piece in stream.chunks(piece) {
                    client.write_all(piece).await.unwrap();
                }
            });
            let mut receiver = Receiver::default();
            let budget = Budget::default();
            for document in &documents {
                let (header, bytes) = receiver.receive(&mut server, &budget).await.unwrap();
                assert_eq!(
                    (header.length, bytes),
                    (document.len(), document.as_slice())
                );
            }
            sender.await.unwrap();
            let end = receiver.receive(&mut server, &budget).await;
            assert!(matches!(end, Err(ReceiveError::Closed)));
        }
    }

    #[tokio::test]
    async fn a_large_claim_reserves_nothing() {
        let (mut client, mut server) = tokio::io::duplex(64);
        client
            .write_all(&47_000_000_i32.to_le_bytes())
            .await
            .unwrap();
        client.write_all(&[0; 12]).await.unwrap();
        drop(client);
        let mut receiver = Receiver::default();
        let end = receiver.receive(&mut server, &Budget::default()).await;
        assert!(matches!(end, Err(ReceiveError::Io(_))));
        assert!(receiver.buffer.capacity() < 1 << 16);
    }
}
