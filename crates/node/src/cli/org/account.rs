//! `hanse org account`

use super::super::{
    reach::{KeyArgs, NodeArgs, ask, say_json},
    say,
};
use crate::{
    NodeError,
    consortium::{Consent, Consortium, IMembers, Signable, date, moment, msp_id, roles_text},
};
use alloy_primitives::{Address, B256, Bytes};
use alloy_signer_local::PrivateKeySigner;
use clap::Subcommand;
use hanse_identity::{Certificate, Kind, MspId, Role, RoleSet};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Enroll an account, or enroll it anew with other roles, another end, another certificate. It must
    /// agree: by its key here, or by what it signed with `hanse org account consent`.
    Enroll {
        #[command(flatten)]
        terms: Terms,
        /// Its key, to sign that it agrees.
        #[arg(long, value_name = "FILE", conflicts_with = "consent")]
        account_key: Option<PathBuf>,
        /// What it signed.
        #[arg(long, value_name = "HEX")]
        consent: Option<Bytes>,
    },
    /// Agree to be enrolled: sign it with the account's key (--key), for the organization to hand in.
    Consent {
        /// The organization.
        #[arg(long, value_name = "ID")]
        organization: MspId,
        #[command(flatten)]
        terms: Terms,
    },
    /// End an account's enrollment, and revoke its certificate.
    Revoke {
        /// The account.
        account: Address,
    },
    /// List everybody whom an organization enrolled.
    List {
        /// The organization [default: all].
        #[arg(long, value_name = "ID")]
        organization: Option<MspId>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What an account is enrolled as. Both who enrolls and who agrees must say the same.
#[derive(Clone, Debug, clap::Args)]
struct Terms {
    /// The account [default: that of the certificate, or of the key].
    #[arg(long, value_name = "ADDRESS")]
    account: Option<Address>,
    /// Roles, comma-separated [default: those of the certificate, or none].
    #[arg(long)]
    roles: Option<RoleSet>,
    /// The last second: a date, or seconds since 1970 [default: the certificate's end, or none].
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<u64>,
    /// Certificate of a client, PEM.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
}

/// The same, settled.
struct Enrollment {
    account: Address,
    roles: RoleSet,
    until: u64,
    certificate: B256,
    not_before: u64,
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    ask(async move {
        let mut consortium = args.node.connect().await?;
        let Args { command, key, .. } = args;
        match command {
            Command::Enroll { terms, account_key, consent } => {
                let account_key = account_key.map(|path| key.read(&path)).transpose()?;
                let admin = key.load()?;
                enroll(&mut consortium, &admin, &terms, account_key.as_ref(), consent).await
            }
            Command::Consent { organization, terms } => {
                agree(&mut consortium, &key.load()?, &organization, &terms).await
            }
            Command::Revoke { account } => {
                let call = IMembers::revokeAccountCall { account };
                let members = consortium.membership.members;
                let done = consortium.transact(&key.load()?, members, &call).await?;
                say(&format!("block {}: the enrollment of {account} has ended", done.block));
                Ok(())
            }
            Command::List { organization, json } => {
                list(&mut consortium, organization.as_ref(), json).await
            }
        }
    })
}

impl Terms {
    fn settle(&self, signer: Option<Address>) -> Result<Enrollment, NodeError> {
        let certificate = self.certificate.as_deref().map(client).transpose()?;
        let said = certificate.as_ref();
        let account = self.account.or_else(|| said.and_then(Certificate::account)).or(signer);
        let account =
            account.ok_or_else(|| NodeError::Config("--account ADDRESS is missing".to_owned()))?;
        let end = said.map(|said| said.validity().not_after());
        if end.is_some() && self.until.is_some() && self.until != end {
            let text = "with a certificate, the enrollment ends when the certificate does; leave out --until";
            return Err(NodeError::Config(text.to_owned()));
        }
        Ok(Enrollment {
            account,
            roles: self.roles.or_else(|| said.map(Certificate::roles)).unwrap_or_default(),
            until: end.or(self.until).unwrap_or_default(),
            certificate: said.map(Certificate::fingerprint).unwrap_or_default(),
            not_before: said.map_or(0, |said| said.validity().not_before()),
        })
    }
}

fn client(path: &Path) -> Result<Certificate, NodeError> {
    let text = fs::read_to_string(path).map_err(|e| NodeError::file("read", path, e))?;
    let wrong = |why: String| NodeError::Input(format!("{}: {why}", path.display()));
    let certificate = Certificate::from_pem(&text).map_err(|error| wrong(error.to_string()))?;
    match certificate.kind() {
        Kind::Client => Ok(certificate),
        other => Err(wrong(format!("this is a certificate of a {other}, not of a client"))),
    }
}

impl Enrollment {
    async fn consent(
        &self,
        consortium: &mut Consortium,
        organization: B256,
        key: &PrivateKeySigner,
    ) -> Result<Bytes, NodeError> {
        if key.address() != self.account {
            return Err(NodeError::Input(format!(
                "the key is that of {}, not of {}",
                key.address(),
                self.account
            )));
        }
        let members = consortium.membership.members;
        let nonce =
            consortium.view(members, &IMembers::noncesCall { account: self.account }).await?;
        let consent = Consent {
            organization,
            account: self.account,
            roles: self.roles.bits(),
            validUntil: self.until,
            certificate: self.certificate,
            nonce,
        };
        consent.sign(key, consortium.chain_id, members)
    }

    fn text(&self) -> String {
        let until = if self.until == 0 {
            "for ever".to_owned()
        } else {
            format!("until {}", date(self.until))
        };
        format!("{} with roles {}, {until}", self.account, self.roles)
    }
}

async fn enroll(
    consortium: &mut Consortium,
    admin: &PrivateKeySigner,
    terms: &Terms,
    account_key: Option<&PrivateKeySigner>,
    consent: Option<Bytes>,
) -> Result<(), NodeError> {
    let enrollment = terms.settle(account_key.map(PrivateKeySigner::address))?;
    let organization = consortium.enrollment(admin.address()).await?.organization;
    let consent = match (account_key, consent) {
        (Some(key), _) => enrollment.consent(consortium, organization, key).await?,
        (None, Some(consent)) => consent,
        (None, None) if enrollment.account == admin.address() => Bytes::new(),
        (None, None) => {
            let text = "the account must agree: give --account-key FILE, or --consent HEX (hanse org account consent)";
            return Err(NodeError::Config(text.to_owned()));
        }
    };
    let call = IMembers::enrollCall {
        account: enrollment.account,
        roles: enrollment.roles.without(Role::Member).bits(),
        validUntil: enrollment.until,
        certificate_: enrollment.certificate,
        notBefore: enrollment.not_before,
        consent,
    };
    let done = consortium.transact(admin, consortium.membership.members, &call).await?;
    say(&format!("block {}: {} enrolled {}", done.block, msp_id(&organization), enrollment.text()));
    Ok(())
}

async fn agree(
    consortium: &mut Consortium,
    key: &PrivateKeySigner,
    organization: &MspId,
    terms: &Terms,
) -> Result<(), NodeError> {
    let enrollment = terms.settle(Some(key.address()))?;
    let consent = enrollment.consent(consortium, organization.to_word(), key).await?;
    // Standard output has what is to be handed on, and nothing else.
    let _ = writeln!(
        std::io::stderr(),
        "agrees to be enrolled by {organization}: {}",
        enrollment.text()
    );
    say(&consent.to_string());
    Ok(())
}

async fn list(
    consortium: &mut Consortium,
    organization: Option<&MspId>,
    is_json: bool,
) -> Result<(), NodeError> {
    let ids: Vec<B256> = match organization {
        Some(one) => vec![one.to_word()],
        None => consortium.organizations().await?.iter().map(|one| one.id).collect(),
    };
    let now = consortium.time().await?;
    let mut all = Vec::new();
    for id in ids {
        for account in consortium.accounts(id).await? {
            let enrollment = consortium.enrollment(account).await?;
            // Who went to another organization is listed there.
            if enrollment.organization != id {
                continue;
            }
            let state = match enrollment.validUntil {
                _ if enrollment.isRevoked => "revoked",
                until if until != 0 && until < now => "expired",
                _ => "valid",
            };
            all.push((account, enrollment, state));
        }
    }
    if is_json {
        say_json(&Value::from_iter(all.iter().map(|(account, enrollment, state)| {
            json!({
                "account": account, "organization": msp_id(&enrollment.organization),
                "roles": roles_text(enrollment.roles), "validUntil": enrollment.validUntil,
                "certificate": enrollment.certificate, "state": state,
            })
        })));
        return Ok(());
    }
    for (account, enrollment, state) in &all {
        let until = match enrollment.validUntil {
            0 => "for ever".to_owned(),
            until => format!("until {}", date(until)),
        };
        say(&format!(
            "{account}  {:<12} {state:<8} {until}  {}",
            msp_id(&enrollment.organization),
            roles_text(enrollment.roles)
        ));
    }
    Ok(())
}
