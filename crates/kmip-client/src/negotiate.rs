//! Agreeing on a protocol version: the first exchange on every connection, which also proves that the server accepts
//! us (in TLS 1.3 it says so, or not, with its first answer).

use kmip::operations::{DiscoverVersionsRequest, DiscoverVersionsResponse, QueryRequest, Request};
use kmip::registry::{QueryFunction, ResultReason};
use kmip::{ProtocolVersion, RequestMessage};
use tokio::time::Instant;

use crate::connection::{Connection, Target};
use crate::exchange::{
    Outcome, Refusal, encode, exchange, not_an_answer, only_item, outcome, typed,
};
use crate::{Error, ErrorKind, Result, VersionPolicy};

/// The oldest version that has Discover Versions: every server that has the operation reads it in this header, or says
/// in the header of its answer what it speaks instead.
const FIRST_WITH_DISCOVERY: ProtocolVersion = ProtocolVersion::V1_1;

/// Connects and agrees on a version, all before the deadline.
pub(crate) async fn negotiate(
    target: Target,
    policy: VersionPolicy,
    deadline: Instant,
) -> Result<(Connection, ProtocolVersion)> {
    let newest = match policy {
        VersionPolicy::Negotiate => ProtocolVersion::V2_1,
        VersionPolicy::AtMost(version) => version,
        VersionPolicy::Exactly(version) => {
            let mut connection = Connection::open(target, deadline).await?;
            query(&mut connection, version, deadline).await?;
            return Ok((connection, version));
        }
    };
    let mut connection = Connection::open(target.clone(), deadline).await?;
    if newest < FIRST_WITH_DISCOVERY {
        query(&mut connection, newest, deadline).await?;
        return Ok((connection, newest));
    }
    match discover(&mut connection, newest, deadline).await {
        Ok(version) => Ok((connection, version)),
        // There are servers that hang up on a version that they do not know.
        Err(error) if *error.kind() == ErrorKind::ConnectionLost => {
            let Ok(mut connection) = Connection::open(target, deadline).await else {
                return Err(error);
            };
            match query(&mut connection, ProtocolVersion::V1_0, deadline).await {
                Ok(()) => Ok((connection, ProtocolVersion::V1_0)),
                Err(_) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Asks with Discover Versions, in the header that the server understands; without it, falls back to the version that
/// the server answers in.
async fn discover(
    connection: &mut Connection,
    newest: ProtocolVersion,
    deadline: Instant,
) -> Result<ProtocolVersion> {
    let ours: Vec<ProtocolVersion> = ProtocolVersion::SUPPORTED
        .into_iter()
        .filter(|version| *version <= newest)
        .collect();
    let mut header = FIRST_WITH_DISCOVERY;
    loop {
        let Answer {
            version: answered_in,
            outcome,
        } = ask(connection, header, offer(&ours), deadline).await?;
        match outcome {
            Ok(DiscoverVersionsResponse {
                protocol_versions: theirs,
            }) => {
                return choose(&ours, &theirs);
            }
            Err(refusal) if refusal.reason == Some(ResultReason::AuthenticationNotSuccessful) => {
                return Err(refusal.into_error());
            }
            // It reads the header but does not have, or allow, the operation.
            Err(Refusal {
                reason: Some(ResultReason::OperationNotSupported | ResultReason::PermissionDenied),
                ..
            }) if answered_in == header => return Ok(header),
            // It says by its header that it speaks a newer one: ask again in that. Once.
            Err(_)
                if header == FIRST_WITH_DISCOVERY
                    && answered_in > header
                    && ours.contains(&answered_in) =>
            {
                header = answered_in;
            }
            Err(_) => {
                query(connection, ProtocolVersion::V1_0, deadline).await?;
                return Ok(ProtocolVersion::V1_0);
            }
        }
    }
}

fn offer(ours: &[ProtocolVersion]) -> DiscoverVersionsRequest {
    DiscoverVersionsRequest {
        protocol_versions: ours.to_vec(),
    }
}

/// What a server answered.
struct Answer<R> {
    /// The version of the answer's header. A server that does not have the request's version may answer in another.
    version: ProtocolVersion,
    outcome: std::result::Result<R, Refusal>,
}

async fn ask<Q: Request>(
    connection: &mut Connection,
    header: ProtocolVersion,
    request: Q,
    deadline: Instant,
) -> Result<Answer<Q::Response>> {
    let request = encode(&RequestMessage::new(header, request))?;
    let limits = connection.limits();
    let response = exchange(connection, request.as_slice(), &limits, deadline).await?;
    let version = response.header.protocol_version;
    let outcome = match outcome(only_item(response)?, Q::OPERATION)? {
        Outcome::Done(payload) => Ok(typed::<Q>(payload)?),
        Outcome::Refused(refusal) => Err(refusal),
        Outcome::Pending(_) => return Err(not_an_answer("it is pending, which is no agreement")),
    };
    Ok(Answer { version, outcome })
}

/// The newest version of ours that is among theirs.
fn choose(ours: &[ProtocolVersion], theirs: &[ProtocolVersion]) -> Result<ProtocolVersion> {
    ours.iter()
        .copied()
        .filter(|version| theirs.contains(version))
        .max()
        .ok_or_else(|| {
            Error::new(
                ErrorKind::NoCommonVersion,
                format!(
                    "no common protocol version: we speak {}; it speaks {}",
                    list(ours),
                    list(theirs)
                ),
            )
        })
}

fn list(versions: &[ProtocolVersion]) -> String {
    if versions.is_empty() {
        return "none of these".to_owned();
    }
    let versions: Vec<String> = versions.iter().take(16).map(ToString::to_string).collect();
    versions.join(", ")
}

/// Whether the server speaks the version: whatever it answers to Query, as long as it answers in that version.
async fn query(
    connection: &mut Connection,
    version: ProtocolVersion,
    deadline: Instant,
) -> Result<()> {
    let request = QueryRequest {
        query_functions: vec![QueryFunction::QueryOperations],
    };
    let answer = ask(connection, version, request, deadline).await?;
    match answer.outcome {
        Ok(_) => Ok(()),
        Err(refusal) if refusal.reason == Some(ResultReason::AuthenticationNotSuccessful) => {
            Err(refusal.into_error())
        }
        Err(refusal)
            if answer.version != version
                || matches!(
                    refusal.reason,
                    Some(ResultReason::InvalidMessage | ResultReason::UnsupportedProtocolVersion)
                ) =>
        {
            let error = refusal.into_error();
            Err(Error::new(
                ErrorKind::NoCommonVersion,
                format!(
                    "it does not speak KMIP {version} (it answers in {}; {})",
                    answer.version,
                    error.message()
                ),
            ))
        }
        // Not allowed to ask, but understood.
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version() {
        use ProtocolVersion as V;
        let ours = V::SUPPORTED;
        assert_eq!(
            choose(&ours, &[V::V1_0, V::V1_4, V::V1_2]).unwrap(),
            V::V1_4
        );
        assert_eq!(choose(&ours, &[V::new(3, 0), V::V2_0]).unwrap(), V::V2_0);
        assert_eq!(choose(&ours[5..], &V::SUPPORTED).unwrap(), V::V1_1);
        let error = choose(&ours, &[V::new(3, 0)]).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NoCommonVersion);
        assert!(error.to_string().contains("3.0"), "{error}");
        assert!(choose(&ours, &[]).is_err());
    }
}
