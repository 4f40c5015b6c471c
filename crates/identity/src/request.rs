use crate::{Certificate, Host, IdentityError, Kind, PublicKey, Role, RoleSet};
use crate::{extensions, limits::HOSTS_MAX, name::check_name};
use alloy_primitives::Address;
use hanse_primitives::PeerId;

/// What an authority is to certify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) key: PublicKey,
    pub(crate) roles: RoleSet,
    account: Option<Address>,
    hosts: Vec<Host>,
}

impl Request {
    /// That a network key is a node of the organization.
    ///
    /// # Errors
    /// [`IdentityError::Request`] for a name that no certificate can have.
    pub fn node(name: &str, key: PeerId) -> Result<Self, IdentityError> {
        check_name(name)?;
        let (kind, key) = (Kind::Node, PublicKey::Ed25519(key));
        Ok(Self {
            kind,
            name: name.to_owned(),
            key,
            roles: RoleSet::NONE,
            account: None,
            hosts: Vec::new(),
        })
    }

    /// That the owner of a key, and of an account, is somebody of the organization in these roles.
    ///
    /// # Errors
    /// [`IdentityError::Request`] for a name or a role that no certificate can have,
    /// [`IdentityError::Key`] for the key of a node.
    pub fn client(
        name: &str,
        key: PublicKey,
        roles: RoleSet,
        account: Option<Address>,
    ) -> Result<Self, IdentityError> {
        check_name(name)?;
        check_point(&key)?;
        if account.is_some_and(|account| account.is_zero()) {
            return Err(IdentityError::Request("nobody has the account 0"));
        }
        let roles = roles.without(Role::Member);
        Ok(Self {
            kind: Kind::Client,
            name: name.to_owned(),
            key,
            roles,
            account,
            hosts: Vec::new(),
        })
    }

    /// That the owner of a key serves the organization at these hosts.
    ///
    /// # Errors
    /// [`IdentityError::Request`] for a name that no certificate can have, no hosts or too many,
    /// [`IdentityError::Key`] for the key of a node.
    pub fn server(name: &str, key: PublicKey, hosts: Vec<Host>) -> Result<Self, IdentityError> {
        check_name(name)?;
        check_point(&key)?;
        if !(1..=HOSTS_MAX).contains(&hosts.len()) {
            return Err(IdentityError::Request("a server has 1 to 16 names and addresses"));
        }
        let (kind, roles) = (Kind::Server, RoleSet::NONE);
        Ok(Self { kind, name: name.to_owned(), key, roles, account: None, hosts })
    }

    /// What a certificate says, once more, for the same key or another of its kind.
    ///
    /// # Errors
    /// [`IdentityError::Request`] for a root, which an authority renews by itself, and
    /// [`IdentityError::Key`] for a key of another kind.
    pub fn again(certificate: &Certificate, key: Option<PublicKey>) -> Result<Self, IdentityError> {
        let key = key.unwrap_or(*certificate.key());
        match (certificate.kind(), key) {
            (Kind::Root, _) => Err(IdentityError::Request("an authority is renewed by itself")),
            (Kind::Node, PublicKey::Ed25519(key)) => Self::node(certificate.name(), key),
            (Kind::Node, PublicKey::P256(_)) => Err(IdentityError::Key("is no node's")),
            (Kind::Client, key) => {
                Self::client(certificate.name(), key, certificate.roles(), certificate.account())
            }
            (Kind::Server, key) => {
                Self::server(certificate.name(), key, certificate.hosts().to_vec())
            }
        }
    }

    /// The alternative names.
    pub(crate) fn alternative_names(&self) -> Vec<Vec<u8>> {
        let account = self.account.iter().map(extensions::write_account);
        account.chain(self.hosts.iter().map(extensions::write_host)).collect()
    }
}

fn check_point(key: &PublicKey) -> Result<(), IdentityError> {
    match key {
        PublicKey::P256(_) => Ok(()),
        PublicKey::Ed25519(_) => {
            Err(IdentityError::Key("is a node's; clients and servers have P-256"))
        }
    }
}
