//! From what a request has come to, to the bytes of its answer: nothing is told before it is on the disk.

use std::time::Instant;

use kmip::registry::{Operation, ResultReason};
use kmip::ttlv::Buffer;
use kmip::{
    Bytes, ProtocolVersion, RequestMessage, ResponseBatchItem, ResponseHeader, ResponseMessage,
};

use crate::audited::Told;
use crate::batch::Performed;
use crate::clock::now;
use crate::failure::Failure;
use crate::refusals::Kind;
use crate::service::Service;

/// What goes back to the client.
pub(crate) struct Reply {
    pub(crate) message: Buffer,
    /// Nothing more is to be expected from this client.
    pub(crate) close: bool,
    /// Nobody has looked at the request, and the audit does not know of it yet.
    pub(crate) unheard: Option<(Kind, Option<ProtocolVersion>)>,
}

/// A request that has been performed. What it rests on may not be on the disk yet.
pub(crate) struct Unanswered {
    pub(crate) begun: Instant,
    /// An answer if nothing was to be performed.
    pub(crate) outcome: Result<Outcome, Reply>,
}

/// What a request has come to.
pub(crate) struct Outcome {
    pub(crate) frame: Frame,
    pub(crate) performed: Performed,
    pub(crate) told: Told,
}

/// What of a request its answer needs besides the items.
pub(crate) struct Frame {
    header: ResponseHeader,
    /// The longest answer that the client takes, in bytes.
    largest: Option<i32>,
    /// The item, if there is one only.
    only: Option<(Option<Operation>, Option<Bytes>)>,
}

impl Frame {
    pub(crate) fn of(message: &RequestMessage) -> Self {
        let header = &message.header;
        Self {
            header: ResponseHeader {
                client_correlation_value: header.client_correlation_value.clone(),
                ..ResponseHeader::new(header.protocol_version, now())
            },
            largest: header.maximum_response_size,
            only: match message.batch_items.as_slice() {
                [only] => Some((only.payload.operation(), only.unique_batch_item_id.clone())),
                _ => None,
            },
        }
    }
}

impl Service {
    /// Waits until everything that the answer tells is on the disk, and makes the answer. Blocks.
    pub(crate) fn finish(&self, unanswered: Unanswered) -> Reply {
        let Unanswered { begun, outcome } = unanswered;
        let reply = outcome.map_or_else(|reply| reply, |outcome| self.answer(outcome));
        self.counted(begun, reply)
    }

    fn answer(&self, outcome: Outcome) -> Reply {
        let Outcome {
            frame:
                Frame {
                    header,
                    largest,
                    only,
                },
            performed: Performed { answers, seen },
            told,
        } = outcome;
        let asked = header.protocol_version;
        if !self.objects().is_durable(seen) {
            // Both are waited for at the same time. Whichever is on the disk alone after a crash belongs to a request
            // that nobody was answered.
            told.begin_settling(self.audit());
        }
        // What is told must be there after a crash, be it of this request or another one's that it has seen.
        let durable = self.objects().wait_durable(seen).map_err(Failure::from);
        if let Err(Failure {
            reason, message, ..
        }) = durable.and(told.settle(self.audit(), self.stats()))
        {
            return refuse(asked, reason, message, false);
        }
        let response = ResponseMessage {
            header,
            batch_items: answers,
        };
        let encoded = match response.encode() {
            Ok(encoded) => encoded,
            Err(error) => {
                tracing::error!(%error, "a KMIP response cannot be encoded");
                let text = "the response cannot be encoded";
                return refuse(asked, ResultReason::GeneralFailure, text.to_owned(), false);
            }
        };
        let fits = largest
            .is_none_or(|largest| usize::try_from(largest).is_ok_and(|most| encoded.len() <= most));
        if !fits {
            let text = format!("the response has {} bytes", encoded.len());
            let mut reply = refuse(asked, ResultReason::ResponseTooLarge, text.clone(), false);
            // To a single item the answer can say which.
            if let Some((operation, id)) = only {
                let item =
                    ResponseBatchItem::failure(operation, ResultReason::ResponseTooLarge, text);
                let message = ResponseMessage::new(asked, now(), vec![item.answering(id)]);
                reply.message = message.encode().unwrap_or(reply.message);
            }
            return reply;
        }
        Reply {
            message: encoded,
            close: false,
            unheard: None,
        }
    }

    pub(crate) fn counted(&self, begun: Instant, reply: Reply) -> Reply {
        self.stats().response_bytes.add(reply.message.len() as u64);
        self.stats().count_request(begun.elapsed());
        reply
    }
}

/// An answer to the message as a whole.
pub(crate) fn refuse(
    version: ProtocolVersion,
    reason: ResultReason,
    text: String,
    close: bool,
) -> Reply {
    let item = ResponseBatchItem::failure(None, reason, text);
    // Cannot fail: version, status, reason and text exist in every version.
    let message = ResponseMessage::new(version, now(), vec![item])
        .encode()
        .unwrap_or_else(|_| Buffer::new());
    Reply {
        message,
        close,
        unheard: None,
    }
}
