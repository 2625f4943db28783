//! What a failed TLS handshake means for somebody who has to do something about it.

use std::io;

use rustls::{AlertDescription, CertificateError, Error as Tls};
use time::OffsetDateTime;
use tls::CertificateInfo;

use crate::{Error, ErrorKind};

/// The rustls error inside an I/O error, if there is one.
pub(crate) fn rustls_error(error: &io::Error) -> Option<&Tls> {
    error.get_ref()?.downcast_ref()
}

/// Classifies a TLS failure. `host` is the name that was asked for, `own` the certificate that we present.
pub(crate) fn classify(error: &Tls, host: &str, own: Option<&CertificateInfo>) -> Error {
    match error {
        Tls::InvalidCertificate(error) => server_certificate(error, host),
        Tls::AlertReceived(alert) => alert_received(*alert, own),
        Tls::InvalidMessage(_) => Error::new(
            ErrorKind::TlsOther,
            "what answers is not TLS: is this the KMIP port?",
        ),
        Tls::PeerIncompatible(_) => Error::new(
            ErrorKind::TlsOther,
            format!("the server's TLS does not fit ours (TLS 1.2 or 1.3 is needed): {error}"),
        ),
        _ => Error::new(ErrorKind::TlsOther, format!("TLS failed: {error}")),
    }
}

fn server_certificate(error: &CertificateError, host: &str) -> Error {
    use CertificateError as C;
    match error {
        C::UnknownIssuer => Error::new(
            ErrorKind::TlsUntrusted,
            "the server's certificate is not trusted: no trusted authority issued it; name the \
             issuer's certificate as the CA file",
        ),
        C::BadSignature => Error::new(
            ErrorKind::TlsUntrusted,
            "the server's certificate is not trusted: it is signed by an authority with the name of \
             a trusted one, but with another key (has the authority been made anew?)",
        ),
        C::Expired | C::ExpiredContext { .. } => Error::new(
            ErrorKind::TlsUntrusted,
            format!("the server's certificate has expired: {error}"),
        ),
        C::NotValidYet | C::NotValidYetContext { .. } => Error::new(
            ErrorKind::TlsUntrusted,
            format!("the server's certificate is not valid yet (is the clock right?): {error}"),
        ),
        C::NotValidForName | C::NotValidForNameContext { .. } => Error::new(
            ErrorKind::TlsWrongName,
            format!("the server's certificate is not for \"{host}\": {error}"),
        ),
        _ => Error::new(
            ErrorKind::TlsUntrusted,
            format!("the server's certificate cannot be accepted: {error}"),
        ),
    }
}

/// RFC 8446, section 6.2. A server that refuses our certificate says so with one of these; which one is its choice, and
/// in TLS 1.3 it comes with the first answer, after the handshake.
fn alert_received(alert: AlertDescription, own: Option<&CertificateInfo>) -> Error {
    use AlertDescription as A;
    let name = format!("{alert:?}");
    match alert {
        A::CertificateRequired
        | A::NoCertificate
        | A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::AccessDenied
        | A::DecryptError => refused(&name, own),
        // What a TLS 1.2 server says when the certificate is missing, and also when there is no common cipher suite.
        A::HandshakeFailure => refused(&name, own).with_hint(
            "; it may also mean that there is no common cipher suite: a server with an RSA \
             certificate must offer an ECDHE suite with AES-GCM or ChaCha20",
        ),
        A::ProtocolVersion | A::InsufficientSecurity => Error::new(
            ErrorKind::TlsOther,
            format!("the server wants another TLS version or cipher suite (alert {name})"),
        ),
        A::UnrecognisedName => Error::new(
            ErrorKind::TlsWrongName,
            format!("the server does not know the name that was asked for (alert {name})"),
        ),
        _ => Error::new(
            ErrorKind::TlsOther,
            format!("the server ended TLS with the alert {name}"),
        ),
    }
}

fn refused(alert: &str, own: Option<&CertificateInfo>) -> Error {
    let message = match own {
        None => {
            format!("the server wants a client certificate and none is configured (alert {alert})")
        }
        Some(own) if own.is_expired_at(OffsetDateTime::now_utc()) => format!(
            "the server refuses our client certificate ({}): it expired on {} (alert {alert})",
            own.subject,
            own.not_after()
        ),
        Some(own) => format!(
            "the server refuses our client certificate ({}, issued by {}) (alert {alert}): the \
             server must trust its issuer, and it must be allowed for client authentication",
            own.subject, own.issuer
        ),
    };
    Error::new(ErrorKind::TlsClientRefused, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(error: Tls) -> ErrorKind {
        classify(&error, "kms1", None).kind().clone()
    }

    #[test]
    fn kinds() {
        use AlertDescription as A;
        for alert in [
            A::CertificateRequired,
            A::BadCertificate,
            A::UnknownCA,
            A::CertificateExpired,
            A::CertificateRevoked,
            A::CertificateUnknown,
            A::HandshakeFailure,
            A::AccessDenied,
        ] {
            assert_eq!(
                kind(Tls::AlertReceived(alert)),
                ErrorKind::TlsClientRefused,
                "{alert:?}"
            );
        }
        assert_eq!(
            kind(Tls::AlertReceived(A::ProtocolVersion)),
            ErrorKind::TlsOther
        );
        assert_eq!(
            kind(Tls::AlertReceived(A::UnrecognisedName)),
            ErrorKind::TlsWrongName
        );
        for certificate in [
            CertificateError::UnknownIssuer,
            CertificateError::Expired,
            CertificateError::BadSignature,
        ] {
            assert_eq!(
                kind(Tls::InvalidCertificate(certificate)),
                ErrorKind::TlsUntrusted
            );
        }
        assert_eq!(
            kind(Tls::InvalidCertificate(CertificateError::NotValidForName)),
            ErrorKind::TlsWrongName
        );
        assert_eq!(kind(Tls::HandshakeNotComplete), ErrorKind::TlsOther);
    }

    #[test]
    fn an_expired_certificate_of_ours_is_named() {
        let own = CertificateInfo {
            subject: "CN=db-1".to_owned(),
            issuer: "CN=CA".to_owned(),
            common_name: Some("db-1".to_owned()),
            not_before_unix_secs: 0,
            not_after_unix_secs: 86_400,
        };
        let error = classify(
            &Tls::AlertReceived(AlertDescription::CertificateUnknown),
            "kms1",
            Some(&own),
        );
        assert!(
            error.to_string().contains("CN=db-1") && error.to_string().contains("1970-01-02"),
            "{error}"
        );
    }
}
