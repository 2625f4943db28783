//! Whether a response is the expected one. What the server makes (keys, random numbers, times, texts for people) may
//! differ; status, reason, operation, object type and everything that follows from the request may not.

use super::case::{Case, Variables};
use super::tree::Node;

/// Fields whose values are the server's business.
const OF_THE_SERVER: &[&str] = &[
    "TimeStamp",
    "ResultMessage",
    "VendorIdentification",
    "ServerInformation",
    "LeaseTime",
    "ServerCorrelationValue",
    "AsynchronousCorrelationValue",
    "CorrelationValue",
    "ShortUniqueIdentifier",
    "RNGParameters",
    "RandomNumberGenerator",
    "Nonce",
];

/// Byte strings that the server makes: in the place of the published one, ours is remembered.
const MADE: &[&str] = &[
    "KeyMaterial",
    "DigestValue",
    "KeyValue",
    "IVCounterNonce",
    "AuthenticatedEncryptionTag",
    "SignatureData",
    "MACData",
    "Data",
    "Modulus",
    "PrivateExponent",
    "PublicExponent",
    "CertificateValue",
    "Key",
    "P",
    "Q",
    "PrimeExponentP",
    "PrimeExponentQ",
    "CRTCoefficient",
    "D",
    "QString",
];

/// Compares, and binds what the response names.
pub(crate) struct Comparison<'a> {
    pub(crate) case: &'a Case,
    pub(crate) variables: &'a mut Variables,
    /// Every value that the client has sent.
    pub(crate) sent: &'a [String],
    /// Whether the operation at hand makes what it answers from random numbers.
    pub(crate) random: bool,
}

impl Comparison<'_> {
    pub(crate) fn message(&mut self, expected: &Node, got: &Node) -> Result<(), String> {
        let version = |node: &Node| {
            node.child("ResponseHeader")
                .and_then(|header| header.child("ProtocolVersion"))
                .map(Node::shown)
        };
        if version(expected) != version(got) {
            return Err(format!(
                "{:?}, expected {:?}",
                version(got),
                version(expected)
            ));
        }
        let theirs: Vec<&Node> = expected.all("BatchItem").collect();
        let ours: Vec<&Node> = got.all("BatchItem").collect();
        if theirs.len() != ours.len() {
            return Err(format!(
                "{} items, expected {}: {}",
                ours.len(),
                theirs.len(),
                got.shown()
            ));
        }
        for (expected, got) in theirs.iter().zip(ours) {
            self.item(expected, got)?;
        }
        Ok(())
    }

    fn item(&mut self, expected: &Node, got: &Node) -> Result<(), String> {
        for tag in [
            "ResultStatus",
            "ResultReason",
            "Operation",
            "UniqueBatchItemID",
        ] {
            // A server may leave the operation out where the request could not be read.
            if expected.text(tag) != got.text(tag) {
                return Err(format!(
                    "got {}, expected {}",
                    got.shown(),
                    expected.shown()
                ));
            }
        }
        let operation = expected.text("Operation");
        match (
            expected.child("ResponsePayload"),
            got.child("ResponsePayload"),
        ) {
            (Some(expected), Some(got)) => self.payload(operation, expected, got),
            (Some(expected), None) if expected.children.is_empty() => Ok(()),
            (None, None) => Ok(()),
            (None, Some(got)) if got.children.is_empty() => Ok(()),
            _ => Err(format!(
                "got {}, expected {}",
                got.shown(),
                expected.shown()
            )),
        }
    }

    fn payload(&mut self, operation: &str, expected: &Node, got: &Node) -> Result<(), String> {
        self.random = matches!(operation, "RNGRetrieve")
            || (operation == "Sign"
                && ["PSS", "EC"]
                    .iter()
                    .any(|word| self.case.text.contains(word)))
            || (operation == "Encrypt"
                && (self.case.text.contains("OAEP")
                    || expected.child("IVCounterNonce").is_some()
                    || self.case.text.contains("value=\"Create\"")))
            || (operation == "Decrypt"
                && self.case.text.contains("value=\"Create\"")
                && !self.case.text.contains("value=\"Encrypt\""))
            || (operation == "MAC" && self.case.text.contains("value=\"Create\""));
        match operation {
            "Query" => query(expected, got),
            "DiscoverVersions" => {
                let versions = |node: &Node| {
                    node.all("ProtocolVersion")
                        .map(Node::shown)
                        .collect::<Vec<_>>()
                };
                let got = versions(got);
                match versions(expected)
                    .iter()
                    .all(|version| got.contains(version))
                {
                    true => Ok(()),
                    false => Err(format!("got the versions {got:?}")),
                }
            }
            _ => self.children(expected, got, operation == "GetAttributeList"),
        }
    }

    /// Every expected child is there, and no other, attributes excepted.
    fn children(&mut self, expected: &Node, got: &Node, names: bool) -> Result<(), String> {
        let mut left: Vec<&Node> = got.children.iter().collect();
        for theirs in &expected.children {
            let mut why = format!("{} is missing in {}", theirs.shown(), got.shown());
            let mut found = None;
            for (place, ours) in left.iter().enumerate() {
                if ours.tag != theirs.tag || identity(ours) != identity(theirs) {
                    continue;
                }
                match self.node(theirs, ours) {
                    Ok(()) => {
                        found = Some(place);
                        break;
                    }
                    Err(error) => why = error,
                }
            }
            match found {
                Some(place) => drop(left.remove(place)),
                None => return Err(why),
            }
        }
        let is_attributes = matches!(got.tag.as_str(), "Attributes" | "TemplateAttribute");
        let surplus = left.iter().find(|node| {
            !(is_attributes
                || names
                || matches!(
                    node.tag.as_str(),
                    "Attribute" | "Attributes" | "TemplateAttribute" | "PrivateKeyTemplateAttribute"
                        | "PublicKeyTemplateAttribute" | "LocatedItems" | "AttributeIndex"
                )
                // Newer than the version of some cases that were carried over.
                || (got.tag == "Digest" && node.tag == "KeyFormatType"))
        });
        match surplus {
            Some(node) => Err(format!(
                "{} is not expected in {}",
                node.shown(),
                got.shown()
            )),
            None => Ok(()),
        }
    }

    fn node(&mut self, expected: &Node, got: &Node) -> Result<(), String> {
        let differs = || {
            Err(format!(
                "got {}, expected {}",
                got.shown(),
                expected.shown()
            ))
        };
        if expected.item_type != got.item_type {
            return differs();
        }
        if OF_THE_SERVER.contains(&expected.tag.as_str()) {
            if expected.value.starts_with('$') {
                self.variables.bind(&expected.value, &got.value);
            }
            return Ok(());
        }
        if expected.tag == "Attribute"
            && matches!(
                expected.text("AttributeName"),
                "Random Number Generator" | "Lease Time"
            )
        {
            return Ok(());
        }
        if expected.item_type == "Structure" {
            // A list of attributes that were chosen by the server need not be there at all.
            return self.children(expected, got, false);
        }
        if expected.item_type == "DateTime" {
            return Ok(());
        }
        if expected.value == got.value {
            return Ok(());
        }
        let is_variable = expected.value.starts_with('$');
        match self.variables.get(&expected.value) {
            Some(bound) if bound == got.value => return Ok(()),
            Some(_) => return differs(),
            None => {}
        }
        let is_result = matches!(
            expected.tag.as_str(),
            "Data" | "SignatureData" | "MACData" | "AuthenticatedEncryptionTag"
        );
        // What is made of keys that the client has brought is known beforehand.
        let of_known_keys = matches!(expected.tag.as_str(), "DigestValue" | "KeyValue")
            && self.case.text.contains("value=\"Register\"")
            && !self.case.text.contains("value=\"Create");
        let always = !is_result && !of_known_keys;
        let is_made = MADE.contains(&expected.tag.as_str())
            && (always || self.random)
            && !self.sent.contains(&expected.value);
        let is_identifier =
            expected.tag.ends_with("Identifier") && !self.sent.contains(&expected.value);
        if is_variable || is_made || is_identifier {
            self.variables.bind(&expected.value, &got.value);
            return Ok(());
        }
        differs()
    }
}

/// What the published server offers and this one does not, on purpose (COMPATIBILITY.md, "KMIP server").
const NOT_OFFERED: &[&str] = &[
    // No certification authority.
    "Certify",
    "ReCertify",
    // Nothing is done asynchronously.
    "Poll",
    "Cancel",
    // Nothing is begun by the server.
    "Notify",
    "Put",
    "SetEndpointRole",
    "CreateSplitKey",
    "JoinSplitKey",
];

/// Whether everything that is named is offered, of what is asked for and of nothing else. Which vendor, extensions
/// and profiles a server has is its own business.
fn query(expected: &Node, got: &Node) -> Result<(), String> {
    for tag in ["Operation", "ObjectType"] {
        let values = |node: &Node| {
            let values = node.all(tag).map(|value| value.value.clone());
            values.collect::<Vec<String>>()
        };
        let (theirs, ours) = (values(expected), values(got));
        for value in &theirs {
            let is_left_out = tag == "Operation" && NOT_OFFERED.contains(&value.as_str());
            if ours.contains(value) == is_left_out {
                return Err(format!("{tag} {value}: got {}", got.shown()));
            }
        }
        if theirs.is_empty() && !ours.is_empty() {
            return Err(format!("nobody asked for each {tag}: got {}", got.shown()));
        }
    }
    for tag in [
        "CapabilityInformation",
        "RNGParameters",
        "VendorIdentification",
    ] {
        if expected.child(tag).is_some() != got.child(tag).is_some() {
            return Err(format!("{tag}: got {}", got.shown()));
        }
    }
    Ok(())
}

/// What tells an attribute from its neighbours.
fn identity(node: &Node) -> String {
    match node.tag.as_str() {
        "Attribute" => {
            let index = node.text("AttributeIndex");
            let index = if index.is_empty() { "0" } else { index };
            format!("{}#{index}", node.text("AttributeName"))
        }
        _ => String::new(),
    }
}
