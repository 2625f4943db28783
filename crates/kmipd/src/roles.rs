//! The operations and groups of operations that a role may name.

use kmip::registry::{Enumeration, Operation};
use kmip_server::AllowedOperations;

/// A group of operations under one name.
struct Group {
    name: &'static str,
    operations: &'static [Operation],
}

/// The groups besides `all`.
const GROUPS: &[Group] = &[
    Group {
        name: "read",
        operations: &[
            Operation::Locate,
            Operation::Check,
            Operation::Get,
            Operation::GetAttributes,
            Operation::GetAttributeList,
            Operation::ObtainLease,
            Operation::GetUsageAllocation,
            Operation::Export,
            Operation::Validate,
        ],
    },
    Group {
        name: "attributes",
        operations: &[
            Operation::AddAttribute,
            Operation::ModifyAttribute,
            Operation::DeleteAttribute,
            Operation::SetAttribute,
            Operation::AdjustAttribute,
        ],
    },
    Group {
        name: "lifecycle",
        operations: &[
            Operation::Create,
            Operation::CreateKeyPair,
            Operation::Register,
            Operation::Import,
            Operation::DeriveKey,
            Operation::ReKey,
            Operation::ReKeyKeyPair,
            Operation::Certify,
            Operation::ReCertify,
            Operation::Activate,
            Operation::Revoke,
            Operation::Archive,
            Operation::Recover,
            Operation::Destroy,
        ],
    },
    Group {
        name: "crypto",
        operations: &[
            Operation::Encrypt,
            Operation::Decrypt,
            Operation::Sign,
            Operation::SignatureVerify,
            Operation::MAC,
            Operation::MACVerify,
            Operation::Hash,
            Operation::RNGRetrieve,
            Operation::RNGSeed,
        ],
    },
];

/// The operations that the names stand for. Query, Discover Versions and Ping need no name.
///
/// # Errors
/// The first name that is not one, with what there is.
pub fn operations(names: &[String]) -> Result<AllowedOperations, String> {
    let mut allowed = Vec::new();
    for name in names {
        if name == "all" {
            return Ok(AllowedOperations::ALL);
        }
        if let Some(group) = GROUPS.iter().find(|group| group.name == name) {
            allowed.extend_from_slice(group.operations);
        } else if let Some(operation) = operation(name) {
            allowed.push(operation);
        } else {
            let groups: Vec<_> = GROUPS.iter().map(|group| group.name).collect();
            return Err(format!(
                "\"{name}\" is no operation of KMIP, and no group (all, {})",
                groups.join(", ")
            ));
        }
    }
    Ok(AllowedOperations::of(allowed))
}

/// By its name as the specification has it, with or without spaces and capitals.
fn operation(name: &str) -> Option<Operation> {
    let plain = |name: &str| -> String {
        name.chars()
            .filter(|character| !matches!(character, ' ' | '-' | '_'))
            .flat_map(char::to_lowercase)
            .collect()
    };
    let wanted = plain(name);
    Operation::ENTRIES
        .iter()
        .find(|entry| plain(entry.name) == wanted)
        .map(|entry| Operation::from_code(entry.code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<AllowedOperations, String> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        operations(&names)
    }

    #[test]
    fn names_and_groups() {
        let read = of(&["read"]).unwrap();
        assert!(read.allows(Operation::Get) && !read.allows(Operation::Destroy));
        let mixed = of(&["crypto", "Create Key Pair", "re-key", "RNGSeed"]).unwrap();
        for operation in [
            Operation::MACVerify,
            Operation::CreateKeyPair,
            Operation::ReKey,
        ] {
            assert!(mixed.allows(operation), "{operation}");
        }
        assert!(!mixed.allows(Operation::Get));
        assert_eq!(of(&["Get", "all"]).unwrap(), AllowedOperations::ALL);
        let error = of(&["read", "Fetch"]).unwrap_err();
        assert!(
            error.contains("Fetch") && error.contains("lifecycle"),
            "{error}"
        );
    }

    /// An operation that the server learns must be in a group, or nobody but `all` gets it by mistake.
    #[test]
    fn every_offered_operation_is_in_a_group() {
        let free = [
            Operation::Query,
            Operation::DiscoverVersions,
            Operation::Ping,
        ];
        // For tests of other people's software.
        let odd = [Operation::Interop, Operation::Log];
        for operation in kmip_server::OFFERED {
            let grouped = GROUPS
                .iter()
                .any(|group| group.operations.contains(operation));
            assert!(
                grouped || free.contains(operation) || odd.contains(operation),
                "{operation} is in no group of {}",
                file!()
            );
        }
    }
}
