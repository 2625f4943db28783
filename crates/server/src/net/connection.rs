//! One client: messages in, commands run, answers out, in order.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tracing::Instrument;
use wire::{Compressor, Header, Msg, OpCode, Query};

use super::budget::Budget;
use super::receive::{ReceiveError, Receiver};
use crate::commands::{self, Connection};
use crate::emit;
use crate::error::CommandError;
use crate::log::events;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::{Counters, Server};

/// An output buffer is not kept for the next answer beyond this size, in bytes.
const KEEP_BYTES: usize = 256 << 10;

/// What becomes of a connection after a message.
enum Next {
    /// It goes on, after what the buffer holds has been sent.
    Answer(Vec<u8>),
    /// The same, and then it ends: the client broke the protocol.
    AnswerAndClose(Vec<u8>),
}

/// Serves a client until it goes, breaks the protocol, or the server stops.
pub(super) async fn serve(
    mut stream: TcpStream,
    peer: SocketAddr,
    server: Arc<Server>,
    budget: Budget,
    mut shutdown: watch::Receiver<bool>,
) {
    let connection = Connection::new(server.next_connection_id(), peer);
    let span = tracing::info_span!("connection", ctx = %format_args!("conn{}", connection.id));
    serve_in_span(&mut stream, &connection, &server, &budget, &mut shutdown)
        .instrument(span)
        .await;
}

async fn serve_in_span(
    stream: &mut TcpStream,
    connection: &Connection,
    server: &Arc<Server>,
    budget: &Budget,
    shutdown: &mut watch::Receiver<bool>,
) {
    let peer = connection.peer;
    emit!(events::CONNECTION_ACCEPTED, remote = %peer, connectionId = connection.id);
    let mut receiver = Receiver::default();
    let mut out = Vec::new();
    let reason = loop {
        let received = tokio::select! {
            biased;
            received = receiver.receive(stream, budget) => received,
            _ = shutdown.wait_for(|stop| *stop) => break "the server stops".to_owned(),
        };
        let (header, message) = match received {
            Ok(received) => received,
            Err(ReceiveError::Header(error)) => {
                // The framing is lost, so nothing can be answered.
                emit!(events::BAD_MESSAGE, remote = %peer, %error);
                break error.to_string();
            }
            Err(error) => break error.to_string(),
        };
        Counters::add(&server.counters.bytes_in, message.len() as u64);
        Counters::add(&server.counters.requests, 1);
        out.clear();
        out.shrink_to(KEEP_BYTES);
        let next = answer(
            server,
            connection,
            &header,
            message,
            std::mem::take(&mut out),
        )
        .await;
        let (answer, close) = match next {
            Next::Answer(answer) => (answer, false),
            Next::AnswerAndClose(answer) => (answer, true),
        };
        out = answer;
        if !out.is_empty() {
            Counters::add(&server.counters.bytes_out, out.len() as u64);
            if let Err(error) = stream.write_all(&out).await {
                break error.to_string();
            }
        }
        if close {
            let _ = stream.shutdown().await;
            break "the client broke the protocol".to_owned();
        }
    };
    emit!(events::CONNECTION_ENDED, remote = %peer, connectionId = connection.id, reason);
}

async fn answer(
    server: &Arc<Server>,
    connection: &Connection,
    header: &Header,
    message: &[u8],
    out: Vec<u8>,
) -> Next {
    match header.op_code {
        OpCode::Msg => answer_msg(server, connection, header, message, out).await,
        OpCode::Query => answer_query(server, connection, header, message, out).await,
        OpCode::Compressed => match wire::compressed::decode(message) {
            Ok((inner, compressor)) => {
                answer_compressed(server, connection, &inner, compressor, out).await
            }
            Err(error) => broken(server, header, &error, out),
        },
        OpCode::Reply | OpCode::Unknown(_) => broken(
            server,
            header,
            &wire::Error::OpCode(header.op_code.code()),
            out,
        ),
    }
}

async fn answer_compressed(
    server: &Arc<Server>,
    connection: &Connection,
    message: &[u8],
    compressor: Option<Compressor>,
    out: Vec<u8>,
) -> Next {
    let header = message.first_chunk().map(Header::decode);
    let Some(Ok(header)) = header else {
        return Next::AnswerAndClose(out);
    };
    let next = match header.op_code {
        OpCode::Msg => answer_msg(server, connection, &header, message, out).await,
        OpCode::Query => answer_query(server, connection, &header, message, out).await,
        other => broken(server, &header, &wire::Error::OpCode(other.code()), out),
    };
    match (next, compressor) {
        (Next::Answer(mut answer), Some(compressor)) if !answer.is_empty() => {
            // An answer that cannot be compressed goes out as it is: clients take both.
            let _ = wire::compressed::compress(&mut answer, 0, compressor);
            Next::Answer(answer)
        }
        (next, _) => next,
    }
}

async fn answer_msg(
    server: &Arc<Server>,
    connection: &Connection,
    header: &Header,
    message: &[u8],
    out: Vec<u8>,
) -> Next {
    let msg = match Msg::decode(message) {
        Ok(msg) => msg,
        Err(error) => return broken(server, header, &error, out),
    };
    let silent = msg.more_to_come;
    let mut reply = Reply::msg(out, server.next_request_id(), header.request_id);
    let result = match Request::parse(msg.body, msg.sequences, None) {
        Ok(request) => commands::run(server, connection, &request, &mut reply).await,
        Err(error) => Err(error),
    };
    let mut out = reply.finish(result);
    if silent {
        out.clear();
    }
    Next::Answer(out)
}

async fn answer_query(
    server: &Arc<Server>,
    connection: &Connection,
    header: &Header,
    message: &[u8],
    out: Vec<u8>,
) -> Next {
    let query = match Query::decode(message) {
        Ok(query) => query,
        Err(error) => return broken(server, header, &error, out),
    };
    let mut reply = Reply::legacy(out, server.next_request_id(), header.request_id);
    let Some(database) = query.database() else {
        let error = CommandError::from(wire::Error::OpCode(header.op_code.code()));
        return Next::AnswerAndClose(reply.finish(Err(error)));
    };
    let result = match Request::parse(query.command, Vec::new(), Some(database)) {
        Ok(request) => commands::run_legacy(server, connection, &request, &mut reply).await,
        Err(error) => Err(error),
    };
    Next::Answer(reply.finish(result))
}

/// Answers a message that cannot be taken, and closes the connection after it.
fn broken(server: &Server, header: &Header, error: &wire::Error, out: Vec<u8>) -> Next {
    emit!(events::BAD_MESSAGE, %error);
    let reply = Reply::msg(out, server.next_request_id(), header.request_id);
    Next::AnswerAndClose(reply.finish(Err(error.clone().into())))
}
