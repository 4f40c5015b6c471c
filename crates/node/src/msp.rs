//! The folder of an organization: its authority, what it has issued, and an MSP folder for each of its
//! nodes, people and servers, laid out as Fabric's tools do. `hanse org` works on it.
//!
//! Nothing here sends transactions. What the chain is to know is read from the folder: [`Msp::roots`],
//! [`Msp::issued`], [`Msp::revocations`].

#[cfg(test)]
mod tests;

use crate::{
    NodeError,
    files::{Readers, entries, read, read_secret, there_already, write},
    member::Existing,
};
use alloy_primitives::{B256, hex};
use hanse_identity::{
    Authority, Certificate, IdentityError, Kind, MspId, Reason, Request, Revocation,
    RevocationList, Root, SecretKey, Serial, Validity,
};
use rand::RngCore;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Days until the next revocation list is due.
const LIST_DAYS: u64 = 365;

/// Certificates are valid from a little before, for clocks that are behind.
const BACKDATED_SECONDS: u64 = 300;

/// Says to Fabric's tools, and people, which unit of a subject means what.
const NODE_UNITS: &str = "\
NodeOUs:
  Enable: true
  ClientOUIdentifier:
    OrganizationalUnitIdentifier: client
  PeerOUIdentifier:
    OrganizationalUnitIdentifier: node
  AdminOUIdentifier:
    OrganizationalUnitIdentifier: admin
  OrdererOUIdentifier:
    OrganizationalUnitIdentifier: validator
";

/// The folder of an organization.
#[derive(Debug)]
pub(crate) struct Msp {
    path: PathBuf,
    organization: MspId,
}

/// Something that has an MSP folder of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    kind: Kind,
    name: String,
}

/// A certificate with the files it is in.
#[derive(Debug)]
pub(crate) struct Enrolled {
    pub(crate) certificate: Certificate,
    /// Its MSP folder.
    pub(crate) folder: PathBuf,
}

impl From<IdentityError> for NodeError {
    fn from(error: IdentityError) -> Self {
        Self::Input(error.to_string())
    }
}

impl Holder {
    /// A node, client or server with a name that is also that of its folder.
    pub(crate) fn new(kind: Kind, name: &str) -> Result<Self, NodeError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
        if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(allowed)
        {
            return Err(NodeError::Input(format!(
                "'{}' is no name for a folder: letters, digits and . _ @ - may be in it, no dot at its start",
                name.escape_debug()
            )));
        }
        Ok(Self { kind, name: name.to_owned() })
    }
}

impl Msp {
    /// Founds an organization: its authority in a new folder.
    pub(crate) fn create(
        path: &Path,
        organization: &MspId,
        now: u64,
        days: u64,
        existing: Existing,
    ) -> Result<Self, NodeError> {
        let msp = Self { path: path.to_owned(), organization: organization.clone() };
        if existing == Existing::Keep && msp.current().exists() {
            return Err(there_already(&msp.current()));
        }
        let validity = Validity::days(now.saturating_sub(BACKDATED_SECONDS), days)?;
        let name = format!("{organization} authority");
        let authority = Authority::create(organization, &name, validity, &serial()?)?;
        msp.keep_authority(&authority, existing)?;
        msp.sign_list(&authority, &[], 1, now)?;
        msp.spread()?;
        Ok(msp)
    }

    /// The organization in a folder.
    pub(crate) fn open(path: &Path) -> Result<Self, NodeError> {
        let current = path.join("ca/ca-cert.pem");
        if !current.exists() {
            return Err(NodeError::Input(format!(
                "{} is no folder of an organization; make one with `hanse org create`",
                path.display()
            )));
        }
        let organization = certificate(&current)?.organization().clone();
        Ok(Self { path: path.to_owned(), organization })
    }

    pub(crate) const fn organization(&self) -> &MspId {
        &self.organization
    }

    /// The authority that issues now.
    pub(crate) fn authority(&self) -> Result<Authority, NodeError> {
        self.authority_of(&self.root(&self.current())?)
    }

    /// All root certificates of the organization.
    pub(crate) fn roots(&self) -> Result<Vec<Root>, NodeError> {
        entries(&self.path.join("msp/cacerts"))?.iter().map(|path| self.root(path)).collect()
    }

    /// Everything that was ever issued, by serial number.
    pub(crate) fn issued(&self) -> Result<Vec<Certificate>, NodeError> {
        entries(&self.path.join("issued"))?.iter().map(|path| certificate(path)).collect()
    }

    /// What is revoked, each with its certificate where that is still there.
    pub(crate) fn revocations(&self) -> Result<BTreeSet<B256>, NodeError> {
        let lists = self.lists()?;
        let issued = self.issued()?.into_iter();
        let revoked = issued.filter(|one| lists.iter().any(|list| list.find(one).is_some()));
        Ok(revoked.map(|certificate| certificate.fingerprint()).collect())
    }

    /// Issues a certificate and puts it, with what else its holder needs, into an MSP folder. A node keeps
    /// its key elsewhere; others get theirs here.
    pub(crate) fn enroll(
        &self,
        holder: &Holder,
        request: &Request,
        key: Option<&SecretKey>,
        validity: Validity,
        existing: Existing,
    ) -> Result<Enrolled, NodeError> {
        let folder = self.folder(holder);
        let path = folder.join("signcerts/cert.pem");
        if existing == Existing::Keep && path.exists() {
            return Err(there_already(&path));
        }
        let certificate = self.authority()?.issue(request, validity, &serial()?)?;
        let issued = self.path.join("issued").join(format!("{}.pem", certificate.serial()));
        write(&issued, &certificate.to_pem(), Readers::Everybody, Existing::Keep)?;
        if let Some(key) = key {
            keep_key(&folder.join("keystore"), key)?;
        }
        write(&path, &certificate.to_pem(), Readers::Everybody, existing)?;
        self.spread()?;
        Ok(Enrolled { certificate, folder })
    }

    /// Issues the certificate of a holder again, valid from now on beside the old one, which stays among what
    /// was issued.
    pub(crate) fn renew(
        &self,
        holder: &Holder,
        now: u64,
        days: u64,
        with_new_key: bool,
    ) -> Result<Enrolled, NodeError> {
        let old = self.held(holder)?;
        if with_new_key && holder.kind == Kind::Node {
            let text = "a node's key is its network key: make a new one with `hanse init`, and enroll that";
            return Err(NodeError::Input(text.to_owned()));
        }
        let key = with_new_key.then(SecretKey::generate).transpose()?;
        let request = Request::again(&old, key.as_ref().map(SecretKey::public))?;
        let validity = self.validity(now, days)?;
        self.enroll(holder, &request, key.as_ref(), validity, Existing::Overwrite)
    }

    /// Makes another root certificate, for the same key or a new one; the old ones stay.
    pub(crate) fn renew_authority(
        &self,
        now: u64,
        days: u64,
        with_new_key: bool,
    ) -> Result<Root, NodeError> {
        let old = self.authority()?;
        let key = if with_new_key {
            SecretKey::generate()?
        } else {
            SecretKey::from_pem(&old.key().to_pem())?
        };
        let validity = Validity::days(now.saturating_sub(BACKDATED_SECONDS), days)?;
        let authority = old.renewed(key, validity, &serial()?)?;
        self.keep_authority(&authority, Existing::Overwrite)?;
        if with_new_key {
            self.sign_list(&authority, &[], 1, now)?;
        }
        self.spread()?;
        Ok(authority.root().clone())
    }

    /// Revokes a certificate: puts it on the list of the key that issued it.
    pub(crate) fn revoke(
        &self,
        certificate: &Certificate,
        reason: Reason,
        now: u64,
    ) -> Result<RevocationList, NodeError> {
        let issuer = self.issuer(certificate)?;
        let path = self.list_path(&issuer);
        let old = path.exists().then(|| self.list(&path)).transpose()?;
        let mut revoked = old.as_ref().map(|list| list.revoked().to_vec()).unwrap_or_default();
        let serial = certificate.serial().clone();
        if revoked.iter().any(|entry| entry.serial == serial) {
            return Err(NodeError::Input(format!("{serial} is revoked already")));
        }
        revoked.push(Revocation { serial, time: now, reason });
        let number = old.map_or(1, |list| list.number() + 1);
        let list = self.sign_list(&issuer, &revoked, number, now)?;
        self.spread()?;
        Ok(list)
    }

    /// The certificate that a holder has now.
    pub(crate) fn held(&self, holder: &Holder) -> Result<Certificate, NodeError> {
        certificate(&self.folder(holder).join("signcerts/cert.pem"))
    }

    /// The certificate with a serial number.
    pub(crate) fn with_serial(&self, serial: &str) -> Result<Certificate, NodeError> {
        let wanted = serial.replace(':', "").to_ascii_lowercase();
        let found = self.issued()?.into_iter().find(|one| one.serial().to_string() == wanted);
        found.ok_or_else(|| {
            NodeError::Input(format!(
                "no certificate has the serial number {}",
                wanted.escape_debug()
            ))
        })
    }

    /// So many days from now, but not longer than the authority itself.
    pub(crate) fn validity(&self, now: u64, days: u64) -> Result<Validity, NodeError> {
        let root = self.root(&self.current())?;
        let own = root.certificate().validity();
        let from = now.saturating_sub(BACKDATED_SECONDS).max(own.not_before());
        Ok(Validity::days(from, days)?)
    }

    /// From now until a moment.
    pub(crate) fn validity_until(&self, now: u64, end: SystemTime) -> Result<Validity, NodeError> {
        let from = self.validity(now, 1)?.not_before();
        let end = end.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Ok(Validity::new(from, end)?)
    }

    fn current(&self) -> PathBuf {
        self.path.join("ca/ca-cert.pem")
    }

    fn folder(&self, holder: &Holder) -> PathBuf {
        let kind = match holder.kind {
            Kind::Node => "nodes",
            Kind::Server => "servers",
            Kind::Client | Kind::Root => "users",
        };
        self.path.join(kind).join(&holder.name).join("msp")
    }

    fn root(&self, path: &Path) -> Result<Root, NodeError> {
        let root = Root::new(&self.organization, certificate(path)?);
        root.map_err(|error| NodeError::Input(format!("{}: {error}", path.display())))
    }

    fn authority_of(&self, root: &Root) -> Result<Authority, NodeError> {
        let identifier = root.certificate().key().identifier();
        let path = self.path.join("ca").join(key_name(&identifier));
        Ok(Authority::new(root.clone(), SecretKey::from_pem(&read_secret(&path)?)?)?)
    }

    /// Writes root certificate and key where they are looked for.
    fn keep_authority(&self, authority: &Authority, existing: Existing) -> Result<(), NodeError> {
        let root = authority.root().certificate();
        keep_key(&self.path.join("ca"), authority.key())?;
        let known = self.path.join("msp/cacerts").join(format!("ca-{}.pem", root.serial()));
        write(&known, &root.to_pem(), Readers::Everybody, Existing::Keep)?;
        write(&self.current(), &root.to_pem(), Readers::Everybody, existing)
    }

    /// The authority whose key issued a certificate.
    fn issuer(&self, certificate: &Certificate) -> Result<Authority, NodeError> {
        for root in self.roots()? {
            if root.has_issued(certificate) {
                return self.authority_of(&root);
            }
        }
        Err(NodeError::Input(format!("no root in this folder has issued {}", certificate.serial())))
    }

    fn list_path(&self, authority: &Authority) -> PathBuf {
        let identifier = authority.root().certificate().key().identifier();
        self.path.join("msp/crls").join(format!("crl-{}.pem", hex::encode(&identifier[..8])))
    }

    fn list(&self, path: &Path) -> Result<RevocationList, NodeError> {
        let list = RevocationList::from_pem(&read(path)?)
            .map_err(|error| NodeError::Input(format!("{}: {error}", path.display())))?;
        if !self.roots()?.iter().any(|root| list.verify(root).is_ok()) {
            let text = format!("{}: no root in this folder has signed it", path.display());
            return Err(NodeError::Input(text));
        }
        Ok(list)
    }

    fn lists(&self) -> Result<Vec<RevocationList>, NodeError> {
        entries(&self.path.join("msp/crls"))?.iter().map(|path| self.list(path)).collect()
    }

    fn sign_list(
        &self,
        authority: &Authority,
        revoked: &[Revocation],
        number: u64,
        now: u64,
    ) -> Result<RevocationList, NodeError> {
        let list = authority.revocation_list(revoked, number, Validity::days(now, LIST_DAYS)?)?;
        let path = self.list_path(authority);
        write(&path, &list.to_pem(), Readers::Everybody, Existing::Overwrite)?;
        Ok(list)
    }

    /// Brings roots and lists to all MSP folders.
    fn spread(&self) -> Result<(), NodeError> {
        let own = self.path.join("msp");
        let mut folders = vec![own.clone()];
        for kind in ["nodes", "users", "servers"] {
            folders
                .extend(entries(&self.path.join(kind))?.into_iter().map(|path| path.join("msp")));
        }
        for folder in &folders {
            put(&folder.join("config.yaml"), NODE_UNITS)?;
            for part in ["cacerts", "crls"] {
                for path in entries(&own.join(part))? {
                    let name = path.file_name().expect("an entry of a folder has a name");
                    put(&folder.join(part).join(name), &read(&path)?)?;
                }
            }
        }
        Ok(())
    }
}

/// Writes a copy, unless it is there.
fn put(path: &Path, text: &str) -> Result<(), NodeError> {
    if path.exists() && read(path)? == text {
        return Ok(());
    }
    write(path, text, Readers::Everybody, Existing::Overwrite)
}

fn certificate(path: &Path) -> Result<Certificate, NodeError> {
    let certificate = Certificate::from_pem(&read(path)?);
    certificate.map_err(|error| NodeError::Input(format!("{}: {error}", path.display())))
}

/// Fabric's name for the file of a key.
fn key_name(identifier: &[u8; 20]) -> String {
    format!("{}_sk", hex::encode(identifier))
}

/// Writes a key into a file of its own, which is never written again.
fn keep_key(folder: &Path, key: &SecretKey) -> Result<(), NodeError> {
    let path = folder.join(key_name(&key.public().identifier()));
    if path.exists() {
        return Ok(());
    }
    write(&path, &key.to_pem(), Readers::Owner, Existing::Keep)
}

/// A serial number that nobody can guess.
fn serial() -> Result<Serial, NodeError> {
    let mut bytes = [0; 16];
    rand::thread_rng().fill_bytes(&mut bytes);
    Ok(Serial::new(&bytes)?)
}
