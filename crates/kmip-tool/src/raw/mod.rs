//! Messages as they are: requests from text, responses as text.

pub(crate) mod request;
pub(crate) mod text;

use clap::ValueEnum;

/// How a response is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One item a line, indented
    Tree,
    /// The XML of the KMIP profiles
    Xml,
    /// The JSON of the KMIP profiles
    Json,
    /// TTLV in hexadecimal; needs --show-material
    Hex,
}
