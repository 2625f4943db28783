//! The subcommands: one file each, and one table that registers them.

// Not by the table below: rustfmt sees no module that a macro declares.
mod activate;
mod attributes;
mod create;
mod destroy;
mod get;
mod locate;
mod new_object;
mod outcome;
mod query;
mod raw;
mod register;
mod rekey;
mod revoke;
mod versions;

use clap::Subcommand;

use crate::failure::Failure;
use crate::tool::Tool;

macro_rules! subcommands {
    ($( $(#[doc = $about:literal])+ $command:ident = $name:ident; )*) => {
        /// What to do.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $( $(#[doc = $about])+ $command($name::$command), )*
        }

        /// The names of the subcommands, in the order of the help.
        pub const NAMES: &[&str] = &[$( stringify!($name) ),*];

        impl Command {
            /// Does it.
            pub(crate) async fn run(&self, tool: &mut Tool<'_>) -> Result<(), Failure> {
                match self {
                    $( Self::$command(command) => command.run(tool).await, )*
                }
            }
        }
    };
}

subcommands! {
    /// Have the server make a symmetric key
    Create = create;
    /// Give the server a key, a secret or a certificate
    Register = register;
    /// Show an object; its key material only with --show-material or --out
    Get = get;
    /// Show or change the attributes of an object
    Attributes = attributes;
    /// List objects
    Locate = locate;
    /// Make an object Active
    Activate = activate;
    /// Deactivate an object, or declare it compromised
    Revoke = revoke;
    /// Destroy an object for good
    Destroy = destroy;
    /// Have the server make a key that replaces another
    Rekey = rekey;
    /// Show what the server offers
    Query = query;
    /// Show the versions of KMIP that the server speaks
    Versions = versions;
    /// Send a request as it is, in XML, JSON or hexadecimal, and show the response
    Raw = raw;
}
