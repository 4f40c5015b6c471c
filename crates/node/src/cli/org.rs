//! `hanse org`

mod account;
mod export;
mod list;
mod publish;
mod show;

use super::{quiet_logs, say};
use crate::{
    NodeError,
    consortium::date,
    driver::now_ms,
    member::Existing,
    msp::{Enrolled, Holder, Msp},
    peers::peer_key,
};
use alloy_primitives::Address;
use clap::{Subcommand, ValueEnum};
use hanse_identity::{
    Certificate, Host, Kind, MspId, Reason, Request, Role, RoleSet, SecretKey,
    limits::{LEAF_DAYS, ROOT_DAYS},
};
use hanse_network::NodeKey;
use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

/// An organization is its own certificate authority. All that these commands make is in one folder, laid out as
/// Fabric's MSP folders; its keys are secret. docs/guide/members.md tells how to use it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Found an organization: an authority in a new folder.
    Create {
        /// Its MSP id: a letter, then up to 30 letters, digits, - or _.
        #[arg(long, value_name = "NAME")]
        name: MspId,
        #[command(flatten)]
        place: Place,
        /// Days for which the authority is valid.
        #[arg(long, default_value_t = ROOT_DAYS)]
        days: u64,
    },
    /// Issue a certificate.
    Enroll {
        #[command(subcommand)]
        whom: Whom,
    },
    /// Issue a certificate again; the old one stays valid until it is over or revoked.
    Renew {
        /// What kind of certificate.
        what: What,
        /// Whose; not for the authority.
        #[arg(required_if_eq_any([("what", "node"), ("what", "user"), ("what", "server")]))]
        name: Option<String>,
        /// Folder of the organization.
        #[arg(long, value_name = "DIR")]
        directory: PathBuf,
        /// Days for which it is valid, from now [default: 365; 3650 for the authority].
        #[arg(long)]
        days: Option<u64>,
        /// Make a new key for it.
        #[arg(long)]
        new_key: bool,
    },
    /// Revoke a certificate: put it on the authority's list.
    Revoke {
        /// What kind of certificate, or `serial`.
        what: Revoked,
        /// Whose, or the serial number.
        name: String,
        /// Folder of the organization.
        #[arg(long, value_name = "DIR")]
        directory: PathBuf,
        /// Why: key-compromise, affiliation-changed, superseded, cessation-of-operation, privilege-withdrawn.
        #[arg(long, default_value = "unspecified")]
        reason: Reason,
    },
    /// Make known on the chain what is in the folder: roots, certificates of nodes, revocations.
    Publish(publish::Args),
    /// Enroll accounts of the organization on the chain, revoke them, list them.
    Account(account::Args),
    /// List the organizations of the network.
    List(list::Args),
    /// Take along what the organization has on the chain, with proofs; or check what was taken along.
    Export(export::Args),
    /// List all certificates with the days that they have left.
    Show {
        /// Folder of the organization.
        #[arg(long, value_name = "DIR")]
        directory: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Place {
    /// Folder of the organization.
    #[arg(long, value_name = "DIR")]
    directory: PathBuf,
    /// Write files anew that are there.
    #[arg(long)]
    overwrite: bool,
}

#[derive(Debug, Subcommand)]
enum Whom {
    /// A node, by its network key, which stays where it is.
    #[command(group = clap::ArgGroup::new("of").required(true).args(["key", "peer"]))]
    Node {
        #[command(flatten)]
        common: Common,
        /// Its key file (node.key); only the public key is read from it.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// Its public key, as in the list of peers.
        #[arg(long, value_name = "HEX")]
        peer: Option<String>,
    },
    /// Somebody who acts for the organization.
    Admin(Person),
    /// Somebody, or some program, that calls nodes.
    Client(Person),
    /// A server of JSON-RPC or pages.
    Server {
        #[command(flatten)]
        common: Common,
        /// Its host names and IP addresses, comma-separated.
        #[arg(long, value_name = "HOSTS", value_delimiter = ',', required = true)]
        hosts: Vec<Host>,
    },
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Its name, also that of its folder.
    name: String,
    #[command(flatten)]
    place: Place,
    /// Days for which it is valid.
    #[arg(long, default_value_t = LEAF_DAYS)]
    days: u64,
    /// The moment in which it ends, as 2027-01-31T12:00:00Z, in place of days.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_rfc3339_weak, conflicts_with = "days")]
    until: Option<SystemTime>,
}

#[derive(Debug, clap::Args)]
struct Person {
    #[command(flatten)]
    common: Common,
    /// Roles, comma-separated: merchant, carrier, bank, auditor, regulator, oracle, validator, platform, shopper.
    #[arg(long, default_value = "none")]
    roles: RoleSet,
    /// The Ethereum account.
    #[arg(long, value_name = "ADDRESS")]
    account: Option<Address>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// The authority itself.
    Ca,
    Node,
    /// An admin or client.
    User,
    Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Revoked {
    Node,
    /// An admin or client.
    User,
    Server,
    /// A serial number, as `hanse org show` lists them.
    Serial,
}

pub(super) fn run(args: &Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let now = now_ms() / 1_000;
    match &args.command {
        Command::Create { name, place, days } => create(name, place, *days, now),
        Command::Enroll { whom } => whom.enroll(now),
        Command::Renew { what, name, directory, days, new_key } => {
            let msp = Msp::open(directory)?;
            renew(&msp, *what, name.as_deref(), *days, *new_key, now)
        }
        Command::Revoke { what, name, directory, reason } => {
            revoke(&Msp::open(directory)?, *what, name, *reason, now)
        }
        Command::Publish(args) => publish::run(args.clone()),
        Command::Account(args) => account::run(args.clone()),
        Command::List(args) => list::run(args.clone()),
        Command::Export(args) => export::run(args.clone()),
        Command::Show { directory, json } => show::run(&Msp::open(directory)?, now, *json),
    }
}

impl Place {
    const fn existing(&self) -> Existing {
        if self.overwrite { Existing::Overwrite } else { Existing::Keep }
    }
}

fn create(name: &MspId, place: &Place, days: u64, now: u64) -> Result<(), NodeError> {
    let msp = Msp::create(&place.directory, name, now, days, place.existing())?;
    let authority = msp.authority()?;
    say(&format!("{name} is founded in {}; keep its ca/ secret.", place.directory.display()));
    describe(authority.root().certificate());
    Ok(())
}

impl Whom {
    fn enroll(&self, now: u64) -> Result<(), NodeError> {
        match self {
            Self::Node { common, key, peer } => {
                let id = match (key, peer) {
                    (Some(path), _) => NodeKey::load(path)?.id(),
                    (None, Some(text)) => peer_key(text)?,
                    (None, None) => {
                        return Err(NodeError::Config("give --key or --peer".to_owned()));
                    }
                };
                common.issue(Kind::Node, &Request::node(&common.name, id)?, None, now)
            }
            Self::Admin(person) => person.enroll(person.roles.with(Role::Admin), now),
            Self::Client(person) => person.enroll(person.roles, now),
            Self::Server { common, hosts } => {
                let key = SecretKey::generate()?;
                let request = Request::server(&common.name, key.public(), hosts.clone())?;
                common.issue(Kind::Server, &request, Some(&key), now)
            }
        }
    }
}

impl Person {
    fn enroll(&self, roles: RoleSet, now: u64) -> Result<(), NodeError> {
        let key = SecretKey::generate()?;
        let request = Request::client(&self.common.name, key.public(), roles, self.account)?;
        self.common.issue(Kind::Client, &request, Some(&key), now)
    }
}

impl Common {
    fn issue(
        &self,
        kind: Kind,
        request: &Request,
        key: Option<&SecretKey>,
        now: u64,
    ) -> Result<(), NodeError> {
        let msp = Msp::open(&self.place.directory)?;
        let holder = Holder::new(kind, &self.name)?;
        let validity = match self.until {
            Some(end) => msp.validity_until(now, end)?,
            None => msp.validity(now, self.days)?,
        };
        let enrolled = msp.enroll(&holder, request, key, validity, self.place.existing())?;
        tell(&enrolled);
        Ok(())
    }
}

fn renew(
    msp: &Msp,
    what: What,
    name: Option<&str>,
    days: Option<u64>,
    with_new_key: bool,
    now: u64,
) -> Result<(), NodeError> {
    let kind = match what {
        What::Ca => {
            let root = msp.renew_authority(now, days.unwrap_or(ROOT_DAYS), with_new_key)?;
            say("There is a further root certificate; make it known before you issue with it.");
            describe(root.certificate());
            return Ok(());
        }
        What::Node => Kind::Node,
        What::User => Kind::Client,
        What::Server => Kind::Server,
    };
    let holder = Holder::new(kind, name.unwrap_or_default())?;
    tell(&msp.renew(&holder, now, days.unwrap_or(LEAF_DAYS), with_new_key)?);
    Ok(())
}

fn revoke(msp: &Msp, what: Revoked, name: &str, reason: Reason, now: u64) -> Result<(), NodeError> {
    let certificate = match what {
        Revoked::Serial => msp.with_serial(name)?,
        Revoked::Node => msp.held(&Holder::new(Kind::Node, name)?)?,
        Revoked::User => msp.held(&Holder::new(Kind::Client, name)?)?,
        Revoked::Server => msp.held(&Holder::new(Kind::Server, name)?)?,
    };
    let list = msp.revoke(&certificate, reason, now)?;
    say(&format!(
        "Revoked ({reason}); list {} has {} entries.",
        list.number(),
        list.revoked().len()
    ));
    describe(&certificate);
    Ok(())
}

fn tell(enrolled: &Enrolled) {
    say(&format!("Files are in {}.", shown(&enrolled.folder)));
    describe(&enrolled.certificate);
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn describe(certificate: &Certificate) {
    let validity = certificate.validity();
    say(&format!(
        "  {} {} of {}\n  serial       {}\n  fingerprint  {}\n  valid until  {}",
        certificate.kind(),
        certificate.name(),
        certificate.organization(),
        certificate.serial(),
        certificate.fingerprint(),
        date(validity.not_after()),
    ));
}
