//! Who somebody is, and whether enough of the right ones agree: organizations, the certificates that they
//! issue to their nodes and people, roles, policies, revocation.
//!
//! ## Trust
//! Each organization is its own certificate authority ([`Authority`]); which roots count, and what is
//! revoked, the chain says. [`Certificate::parse`] takes bytes from anybody and refuses all that is not in the
//! one narrow form that Hanse knows (`docs/protocol/certificates.md`). [`check`] says what a certificate
//! proves under given roots at a given time: an [`Identity`], the only type that vouches for somebody.
//!
//! A node's certificate is one of the very key that its connections prove, so it needs no key of its own.
//!
//! ## Policies
//! [`Policy`] has a text for people, a form of bytes for the chain (`docs/protocol/policies.md`), and a plain
//! evaluation to which the contract's is compared.
//!
//! ## Limits
//! See [`limits`]. Bytes that are not as they should be are refused, never a reason to panic.
//!
//! ## Not here
//! Files, clock, network, chain. Serial numbers and the time come in as arguments; keys are drawn by the
//! cryptographic library. What an account may do follows from the chain, not from a certificate alone.

mod authority;
mod certificate;
mod check;
mod credential;
mod der;
mod error;
mod extensions;
mod host;
mod key;
pub mod limits;
mod name;
mod organization;
mod policy;
mod request;
mod revocation;
mod role;
mod signature;
mod validity;

#[cfg(any(test, feature = "test-utils"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use authority::Authority;
pub use certificate::{Certificate, Kind, Serial};
pub use check::{Identity, Purpose, Root, check};
pub use credential::Credential;
pub use error::{CertificateError, IdentityError, PolicyError};
pub use host::Host;
pub use key::{PublicKey, SecretKey};
pub use organization::MspId;
pub use policy::{Approver, Policy};
pub use request::Request;
pub use revocation::{Reason, Revocation, RevocationList};
pub use role::{Role, RoleSet};
pub use validity::Validity;
