//! What an X.509 certificate says about itself, as attributes (KMIP 1.4, sections 3.8 to 3.16; 2.1, sections 4.6
//! to 4.9).

use kmip::objects::Certificate;
use kmip::registry::{CertificateType, CryptographicAlgorithm, DigitalSignatureAlgorithm};
use kmip::structures::{
    CertificateIdentifier, CertificateIssuer, CertificateSubject, X509CertificateIdentifier,
    X509CertificateIssuer, X509CertificateSubject,
};
use kmip::{AttributeValue, Bytes};
use x509_parser::certificate::X509Certificate;
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Name;

use crate::failure::Failure;

/// The attributes that the server sets.
pub(crate) fn attributes(certificate: &Certificate) -> Result<Vec<AttributeValue>, Failure> {
    use AttributeValue as V;
    let bytes = &certificate.certificate_value;
    let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
    let mut all = vec![
        V::CertificateType(certificate.certificate_type),
        V::CertificateLength(length),
    ];
    if certificate.certificate_type != CertificateType::X_509 {
        return Ok(all);
    }
    let (_, parsed) = X509Certificate::from_der(bytes)
        .map_err(|_| Failure::invalid("the certificate is not an X.509 certificate in DER"))?;
    let (subject, issuer) = (parsed.subject(), parsed.issuer());
    let raw_serial = parsed.raw_serial().to_vec();
    // As text it is the number, without the zero that makes it positive.
    let zeros = raw_serial.iter().take_while(|byte| **byte == 0).count();
    let zeros = zeros.min(raw_serial.len().saturating_sub(1));
    let digits = raw_serial.get(zeros..).unwrap_or_default();
    let serial: String = digits.iter().map(|byte| format!("{byte:02X}")).collect();
    let alternatives: Vec<String> = parsed
        .subject_alternative_name()
        .ok()
        .flatten()
        .map(|names| {
            names
                .value
                .general_names
                .iter()
                .map(|name| name.to_string())
                .collect()
        })
        .unwrap_or_default();
    all.push(V::X509CertificateIdentifier(X509CertificateIdentifier {
        issuer_distinguished_name: issuer.as_raw().into(),
        certificate_serial_number: Bytes(der_integer(&raw_serial)),
    }));
    all.push(V::X509CertificateSubject(X509CertificateSubject {
        distinguished_name: subject.as_raw().into(),
        alternative_names: Vec::new(),
    }));
    all.push(V::X509CertificateIssuer(X509CertificateIssuer {
        distinguished_name: issuer.as_raw().into(),
        alternative_names: Vec::new(),
    }));
    all.push(V::CertificateIdentifier(CertificateIdentifier {
        issuer: text(issuer),
        serial_number: Some(serial),
    }));
    all.push(V::CertificateSubject(CertificateSubject {
        distinguished_name: text(subject),
        alternative_names: alternatives,
    }));
    all.push(V::CertificateIssuer(CertificateIssuer {
        distinguished_name: text(issuer),
        alternative_names: Vec::new(),
    }));
    let oid = parsed.signature_algorithm.algorithm.to_id_string();
    if let Some(algorithm) = signature_algorithm(&oid) {
        all.push(V::DigitalSignatureAlgorithm(algorithm));
    }
    match parsed.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => {
            all.push(V::CryptographicAlgorithm(CryptographicAlgorithm::RSA));
            all.push(V::CryptographicLength(bits(key.key_size())));
        }
        Ok(PublicKey::EC(point)) => {
            all.push(V::CryptographicAlgorithm(CryptographicAlgorithm::ECDSA));
            all.push(V::CryptographicLength(bits(point.key_size())));
        }
        _ => {}
    }
    Ok(all)
}

/// The number in DER.
fn der_integer(value: &[u8]) -> Vec<u8> {
    let mut der = vec![2, u8::try_from(value.len()).unwrap_or(0x7f)];
    der.extend_from_slice(value);
    der
}

/// A name as RFC 4514 writes it: the last part first.
fn text(name: &X509Name<'_>) -> String {
    let parts: Vec<String> = name
        .iter_rdn()
        .map(|part| {
            let values: Vec<String> = part
                .iter()
                .map(|attribute| {
                    let oid = attribute.attr_type();
                    let key = oid2abbrev(oid, oid_registry())
                        .map_or_else(|_| oid.to_id_string(), str::to_owned);
                    format!("{key}={}", escaped(attribute.as_str().unwrap_or_default()))
                })
                .collect();
            values.join("+")
        })
        .collect();
    parts.into_iter().rev().collect::<Vec<_>>().join(",")
}

fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Its Subject Public Key Info, in DER.
pub(crate) fn public_key(certificate: &Certificate) -> Result<Vec<u8>, Failure> {
    X509Certificate::from_der(&certificate.certificate_value)
        .map(|(_, parsed)| parsed.public_key().raw.to_vec())
        .map_err(|_| Failure::invalid("the certificate is not an X.509 certificate in DER"))
}

fn bits(size: usize) -> i32 {
    i32::try_from(size).unwrap_or_default()
}

fn signature_algorithm(oid: &str) -> Option<DigitalSignatureAlgorithm> {
    use DigitalSignatureAlgorithm as D;
    Some(match oid {
        "1.2.840.113549.1.1.2" => D::MD2WithRSAEncryption,
        "1.2.840.113549.1.1.4" => D::MD5WithRSAEncryption,
        "1.2.840.113549.1.1.5" => D::SHA_1WithRSAEncryption,
        "1.2.840.113549.1.1.14" => D::SHA_224WithRSAEncryption,
        "1.2.840.113549.1.1.11" => D::SHA_256WithRSAEncryption,
        "1.2.840.113549.1.1.12" => D::SHA_384WithRSAEncryption,
        "1.2.840.113549.1.1.13" => D::SHA_512WithRSAEncryption,
        "1.2.840.113549.1.1.10" => D::RSASSA_PSS,
        "1.2.840.10040.4.3" => D::DSAWithSHA_1,
        "1.2.840.10045.4.1" => D::ECDSAWithSHA_1,
        "1.2.840.10045.4.3.1" => D::ECDSAWithSHA224,
        "1.2.840.10045.4.3.2" => D::ECDSAWithSHA256,
        "1.2.840.10045.4.3.3" => D::ECDSAWithSHA384,
        "1.2.840.10045.4.3.4" => D::ECDSAWithSHA512,
        _ => return None,
    })
}
