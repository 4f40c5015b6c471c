//! `hanse org publish`

use super::super::{
    reach::{KeyArgs, NodeArgs, ask},
    say,
};
use crate::{
    NodeError,
    consortium::{Consortium, IMembers},
    driver::now_ms,
    msp::Msp,
};
use alloy_primitives::{B256, Bytes};
use alloy_signer_local::PrivateKeySigner;
use hanse_identity::{Certificate, Kind, PublicKey};
use std::{collections::BTreeMap, path::PathBuf};

/// Makes known on the chain what the organization's folder has and the chain does not: root certificates,
/// certificates of nodes, and what its lists revoke. Said again, it does nothing more.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the organization.
    #[arg(long, value_name = "DIR")]
    directory: PathBuf,
    /// Say what there is to do, and do nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    key: KeyArgs,
}

/// One thing to be done.
enum Step {
    AddRoot(Certificate),
    AddNode(Certificate, B256),
    Revoke(Certificate),
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    ask(async move {
        let msp = Msp::open(&args.directory)?;
        let mut consortium = args.node.connect().await?;
        let steps = plan(&msp, &mut consortium).await?;
        if steps.is_empty() {
            say(&format!("the chain knows all that {} has to tell", msp.organization()));
            return Ok(());
        }
        if args.dry_run {
            steps.iter().for_each(|step| say(&format!("would {}", step.text())));
            return Ok(());
        }
        let key = args.key.load()?;
        for step in steps {
            let block = step.take(&mut consortium, &key).await?;
            say(&format!("block {block}: {}", step.text()));
        }
        Ok(())
    })
}

/// What the chain does not know yet. Roots come first, since nodes trust what they have issued, and
/// revocations last: a certificate that takes another's place is known before that one ends.
async fn plan(msp: &Msp, consortium: &mut Consortium) -> Result<Vec<Step>, NodeError> {
    let id = msp.organization().to_word();
    let organizations = consortium.organizations().await?;
    let own = organizations.iter().find(|one| one.id == id && one.status == 1);
    let own = own.ok_or_else(|| {
        NodeError::Failed(format!(
            "{} is no active organization of this network",
            msp.organization()
        ))
    })?;
    let known = consortium.certificates(id).await?;
    let known: BTreeMap<B256, &IMembers::Certificate> =
        known.iter().map(|one| (one.fingerprint, one)).collect();
    // What ended with an earlier membership may be made known again, what was revoked may not.
    let is_missing = |certificate: &Certificate| match known.get(&certificate.fingerprint()) {
        None => true,
        Some(known) => known.revokedIn != 0 && known.revokedIn < own.since,
    };
    let is_good = |certificate: &Certificate| {
        let known = known.get(&certificate.fingerprint());
        known.is_some_and(|known| known.revokedIn == 0)
    };
    let revoked = msp.revocations()?;
    let now = now_ms() / 1_000;
    let mut steps = Vec::new();
    for root in msp.roots()? {
        let root = root.certificate();
        if is_missing(root) && root.validity().not_after() >= now {
            steps.push(Step::AddRoot(root.clone()));
        }
    }
    let issued = msp.issued()?;
    for certificate in issued.iter().filter(|one| one.kind() == Kind::Node) {
        let is_wanted = certificate.validity().not_after() >= now
            && !revoked.contains(&certificate.fingerprint());
        if let (true, PublicKey::Ed25519(key)) =
            (is_wanted && is_missing(certificate), certificate.key())
        {
            steps.push(Step::AddNode(certificate.clone(), B256::from(key.0)));
        }
    }
    for certificate in &issued {
        if revoked.contains(&certificate.fingerprint()) && is_good(certificate) {
            steps.push(Step::Revoke(certificate.clone()));
        }
    }
    Ok(steps)
}

impl Step {
    fn text(&self) -> String {
        let (verb, certificate) = match self {
            Self::AddRoot(certificate) | Self::AddNode(certificate, _) => {
                ("make known", certificate)
            }
            Self::Revoke(certificate) => ("revoke", certificate),
        };
        format!(
            "{verb} the {} certificate '{}', serial {}, fingerprint {}",
            certificate.kind(),
            certificate.name(),
            certificate.serial(),
            certificate.fingerprint()
        )
    }

    async fn take(
        &self,
        consortium: &mut Consortium,
        key: &PrivateKeySigner,
    ) -> Result<u64, NodeError> {
        let members = consortium.membership.members;
        let done = match self {
            Self::AddRoot(certificate) => {
                let validity = certificate.validity();
                let call = IMembers::addRootCall {
                    der: Bytes::copy_from_slice(certificate.der()),
                    notBefore: validity.not_before(),
                    notAfter: validity.not_after(),
                };
                consortium.transact(key, members, &call).await?
            }
            Self::AddNode(certificate, node) => {
                let validity = certificate.validity();
                let call = IMembers::addNodeCall {
                    key: *node,
                    fingerprint: certificate.fingerprint(),
                    notBefore: validity.not_before(),
                    notAfter: validity.not_after(),
                };
                consortium.transact(key, members, &call).await?
            }
            Self::Revoke(certificate) => {
                let call =
                    IMembers::revokeCertificateCall { fingerprint: certificate.fingerprint() };
                consortium.transact(key, members, &call).await?
            }
        };
        Ok(done.block)
    }
}
