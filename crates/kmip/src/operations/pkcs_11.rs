//! PKCS#11 (KMIP 2.1, 6.1.35). Of 2.0.

use crate::codec::{Bytes, Value};
use crate::error::DecodeError;
use crate::registry::{Enumeration, PKCS_11Function, PKCS_11ReturnCode, Tag};
use crate::secret::SecretBytes;
use crate::ttlv::{Element, ItemType, Writer};

structure! {
    /// Calls a function of PKCS#11.
    pub struct Pkcs11Request {
        /// The interface; that of 3.0 if absent.
        interface: Option<String> = PKCS_11Interface,
        /// The function.
        function: Pkcs11Call = PKCS_11Function,
        /// What the previous response gave.
        correlation_value: Option<Bytes> = CorrelationValue,
        /// The arguments.
        input_parameters: Option<SecretBytes> = PKCS_11InputParameters,
    }
}

structure! {
    /// What it returned.
    pub struct Pkcs11Response {
        /// The interface.
        interface: Option<String> = PKCS_11Interface,
        /// The function.
        function: Pkcs11Call = PKCS_11Function,
        /// What the next request has to give.
        correlation_value: Option<Bytes> = CorrelationValue,
        /// The results.
        output_parameters: Option<SecretBytes> = PKCS_11OutputParameters,
        /// The return code.
        return_code: PKCS_11ReturnCode = PKCS_11ReturnCode,
    }
}

/// A function of PKCS#11, or one of a vendor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pkcs11Call {
    /// A function of PKCS#11.
    Standard(PKCS_11Function),
    /// A function of the vendor's interface.
    Vendor(i32),
}

impl Value for Pkcs11Call {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        match element.item_type() {
            ItemType::Integer => element.integer().map(Self::Vendor),
            _ => element
                .enumeration()
                .map(|code| Self::Standard(PKCS_11Function::from_code(code))),
        }
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        match self {
            Self::Standard(function) => writer.enumeration(tag, *function),
            Self::Vendor(number) => writer.integer(tag, *number),
        }
    }
}
