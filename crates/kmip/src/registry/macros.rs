//! The macros behind the tables.

/// The first version of a span: `V1_2`, or `(V1_0..=V1_4)`.
macro_rules! first_version {
    (($since:ident ..= $until:ident)) => {
        $crate::version::ProtocolVersion::$since
    };
    ($since:ident) => {
        $crate::version::ProtocolVersion::$since
    };
}

/// The last version of a span: none of `V1_2`, which goes on.
macro_rules! last_version {
    (($since:ident ..= $until:ident)) => {
        Some($crate::version::ProtocolVersion::$until)
    };
    ($since:ident) => {
        None
    };
}

/// Declares the tags: `span { Name = code, … }`.
macro_rules! tags {
    ($( $span:tt { $( $name:ident = $code:literal ),* $(,)? } )*) => {
        #[allow(non_upper_case_globals)]
        impl Tag {
            $($(
                #[doc = concat!("`", stringify!($name), "`, ", stringify!($code), ".")]
                pub const $name: Tag = Tag($code);
            )*)*
        }

        /// Indexed by the low 16 bits of the code.
        // Built by the compiler, where an index out of bounds is an error.
        #[allow(clippy::indexing_slicing)]
        static TABLE: [Option<TagInfo>; TABLE_LEN] = {
            let mut table = [None; TABLE_LEN];
            $($(
                table[($code & 0xFFFF) as usize] = Some(TagInfo {
                    tag: Tag($code),
                    name: stringify!($name),
                    since: first_version!($span),
                    until: last_version!($span),
                });
            )*)*
            table
        };
    };
}

/// Declares an enumeration that keeps unknown values: `span { Name = code, … }`.
macro_rules! enumeration {
    (
        $(#[$meta:meta])*
        pub enum $enum:ident { $( $span:tt { $( $name:ident = $code:literal ),* $(,)? } )* }
    ) => {
        $(#[$meta])*
        #[allow(non_camel_case_types)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $enum {
            $($(
                #[doc = concat!("`", stringify!($name), "`, ", stringify!($code), ".")]
                $name,
            )*)*
            /// A value that is not in the table: an extension (`8XXXXXXX`) or a newer version's.
            Other(u32),
        }

        impl $crate::registry::Enumeration for $enum {
            const NAME: &'static str = stringify!($enum);
            const ENTRIES: &'static [$crate::registry::Entry] = &[
                $($(
                    $crate::registry::Entry {
                        code: $code,
                        name: stringify!($name),
                        since: first_version!($span),
                        until: last_version!($span),
                    },
                )*)*
            ];

            fn code(self) -> u32 {
                match self {
                    $($( Self::$name => $code, )*)*
                    Self::Other(code) => code,
                }
            }

            fn from_code(code: u32) -> Self {
                match code {
                    $($( $code => Self::$name, )*)*
                    other => Self::Other(other),
                }
            }

            fn name(self) -> Option<&'static str> {
                match self {
                    $($( Self::$name => Some(stringify!($name)), )*)*
                    Self::Other(_) => None,
                }
            }

            fn since(self) -> Option<$crate::version::ProtocolVersion> {
                match self {
                    $($( Self::$name => Some(first_version!($span)), )*)*
                    Self::Other(_) => None,
                }
            }

            fn until(self) -> Option<$crate::version::ProtocolVersion> {
                match self {
                    $($( Self::$name => last_version!($span), )*)*
                    Self::Other(_) => None,
                }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match $crate::registry::Enumeration::name(*self) {
                    Some(name) => f.write_str(name),
                    None => write!(f, "0x{:08X}", $crate::registry::Enumeration::code(*self)),
                }
            }
        }

        impl $crate::codec::Value for $enum {
            fn decode(element: &$crate::ttlv::Element<'_>) -> Result<Self, $crate::DecodeError> {
                element.enumeration().map($crate::registry::Enumeration::from_code)
            }

            fn encode(&self, tag: $crate::registry::Tag, writer: &mut $crate::ttlv::Writer) {
                writer.enumeration(tag, *self);
            }
        }
    };
}

/// Declares a mask: an Integer whose bits have names.
macro_rules! mask {
    (
        $(#[$meta:meta])*
        pub struct $mask:ident { $( $span:tt { $( $name:ident = $code:literal ),* $(,)? } )* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $mask(pub u32);

        #[allow(non_upper_case_globals)]
        impl $mask {
            $($(
                #[doc = concat!("`", stringify!($name), "`, ", stringify!($code), ".")]
                pub const $name: Self = Self($code);
            )*)*

            /// All known bits, ordered.
            pub const ENTRIES: &'static [$crate::registry::Entry] = &[
                $($(
                    $crate::registry::Entry {
                        code: $code,
                        name: stringify!($name),
                        since: first_version!($span),
                        until: last_version!($span),
                    },
                )*)*
            ];

            /// Whether all bits of `other` are set.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether no bit is set.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }
        }

        impl std::ops::BitOr for $mask {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl std::ops::BitOrAssign for $mask {
            fn bitor_assign(&mut self, other: Self) {
                self.0 |= other.0;
            }
        }

        impl std::fmt::Display for $mask {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::registry::lookup_mask_text(self.0, Self::ENTRIES, " ", f)
            }
        }

        impl std::fmt::Debug for $mask {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($mask), "({})"), self)
            }
        }

        impl $crate::codec::Value for $mask {
            fn decode(element: &$crate::ttlv::Element<'_>) -> Result<Self, $crate::DecodeError> {
                element.integer().map(|bits| Self(bits as u32))
            }

            fn encode(&self, tag: $crate::registry::Tag, writer: &mut $crate::ttlv::Writer) {
                writer.mask(tag, self.0, Self::ENTRIES);
            }
        }
    };
}
