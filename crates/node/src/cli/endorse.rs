//! `hanse endorse`

use super::{
    quiet_logs,
    reach::{KeyArgs, NodeArgs, ask, lines},
    say,
};
use crate::{
    NodeError,
    consortium::{
        Consortium, Endorsement, IPolicies, Plan, Signable, SignedApproval, msp_id, roles_text,
    },
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A transaction that changes something guarded needs endorsements, which are given for exactly this one
/// transaction: its sender drafts it, others sign the draft, the signatures are handed in, and then it is sent.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the draft of a transaction to a contract, as JSON.
    Draft {
        /// Who will send it.
        #[arg(long, value_name = "ADDRESS")]
        sender: Address,
        /// The contract: its address or name.
        #[arg(long, value_name = "CONTRACT")]
        to: String,
        /// The input, hexadecimal.
        #[arg(long, value_name = "HEX", default_value = "0x")]
        data: Bytes,
        /// Wei to send along.
        #[arg(long, default_value_t = U256::ZERO)]
        value: U256,
        /// Its nonce [default: the sender's next one].
        #[arg(long)]
        nonce: Option<u64>,
    },
    /// Sign a draft, and print the signature as a line of JSON. No node is asked.
    Sign {
        /// File with the draft.
        draft: PathBuf,
    },
    /// Hand signatures in; without any, one's own approval.
    Submit {
        /// File with the draft.
        draft: PathBuf,
        /// File with signatures, one a line.
        #[arg(long, value_name = "FILE")]
        signatures: Option<PathBuf>,
    },
    /// Say who has endorsed a draft.
    Show {
        /// File with the draft.
        draft: PathBuf,
    },
    /// Send the transaction; only its sender can.
    Send {
        /// File with the draft.
        draft: PathBuf,
    },
}

/// A transaction to come.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Draft {
    chain_id: u64,
    policies: Address,
    sender: Address,
    nonce: u64,
    to: Address,
    value: U256,
    data: Bytes,
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let Args { command, node, key } = args;
    ask(async move {
        match command {
            Command::Draft { sender, to, data, value, nonce } => {
                let mut consortium = node.connect().await?;
                let nonce = match nonce {
                    Some(nonce) => nonce,
                    None => consortium.nonce(sender).await?,
                };
                let draft = Draft {
                    chain_id: consortium.chain_id,
                    policies: consortium.membership.policies,
                    sender,
                    nonce,
                    to: consortium.names.find(&to)?,
                    value,
                    data,
                };
                say(&serde_json::to_string_pretty(&draft).expect("a draft is plain data"));
                Ok(())
            }
            Command::Sign { draft } => {
                let (draft, key) = (Draft::load(&draft)?, key.load()?);
                let endorsement = draft.endorsement();
                let signed = SignedApproval {
                    account: key.address(),
                    signature: endorsement.sign(&key, draft.chain_id, draft.policies)?,
                    of: endorsement.digest(draft.chain_id, draft.policies),
                };
                say(&serde_json::to_string(&signed).expect("a signature is plain data"));
                Ok(())
            }
            Command::Submit { draft, signatures } => {
                let signatures = signatures.map(|path| lines(&path)).transpose()?;
                let mut consortium = node.connect().await?;
                submit(&mut consortium, &Draft::load(&draft)?, signatures, &key).await
            }
            Command::Show { draft } => {
                show(&mut node.connect().await?, &Draft::load(&draft)?).await
            }
            Command::Send { draft } => {
                send(&mut node.connect().await?, &Draft::load(&draft)?, &key).await
            }
        }
    })
}

impl Draft {
    fn load(path: &Path) -> Result<Self, NodeError> {
        let text = fs::read_to_string(path).map_err(|e| NodeError::file("read", path, e))?;
        serde_json::from_str(&text)
            .map_err(|error| NodeError::Input(format!("{}: {error}", path.display())))
    }

    fn endorsement(&self) -> Endorsement {
        Endorsement {
            sender: self.sender,
            nonce: self.nonce,
            to: self.to,
            value: self.value,
            data: keccak256(&self.data),
        }
    }

    /// The transaction's name among endorsements.
    fn transaction(&self) -> B256 {
        self.endorsement().digest(self.chain_id, self.policies)
    }
}

async fn submit(
    consortium: &mut Consortium,
    draft: &Draft,
    signatures: Option<Vec<SignedApproval>>,
    key: &KeyArgs,
) -> Result<(), NodeError> {
    let key = key.load()?;
    let transaction = draft.transaction();
    let own = SignedApproval { account: key.address(), signature: Bytes::new(), of: transaction };
    let signatures = signatures.unwrap_or_else(|| vec![own]);
    if let Some(other) = signatures.iter().find(|signed| signed.of != transaction) {
        return Err(NodeError::Input(format!(
            "the signature of {} is not for this draft",
            other.account
        )));
    }
    let call = IPolicies::endorseCall {
        sender: draft.sender,
        nonce: draft.nonce,
        to: draft.to,
        value: draft.value,
        data: keccak256(&draft.data),
        approvals: signatures.into_iter().map(Into::into).collect(),
    };
    let done = consortium.transact(&key, consortium.membership.policies, &call).await?;
    say(&format!("block {}: endorsements are handed in", done.block));
    show(consortium, draft).await
}

async fn show(consortium: &mut Consortium, draft: &Draft) -> Result<(), NodeError> {
    let policies = consortium.membership.policies;
    let call = IPolicies::endorsersCall { transaction: draft.transaction() };
    let accounts = consortium.view(policies, &call).await?;
    let what = consortium.names.tell(draft.to, &draft.data);
    say(&format!("{} with nonce {} is to {what}", draft.sender, draft.nonce));
    for one in consortium.standings(&accounts).await? {
        let (organization, roles) = (msp_id(&one.organization), roles_text(one.roles));
        say(&format!("  endorsed by {} of {organization} ({roles})", one.account));
    }
    for guard in consortium.view(policies, &IPolicies::guardsCall {}).await? {
        if guard.target != draft.to {
            continue;
        }
        let call = IPolicies::isEndorsedCall {
            transaction: draft.transaction(),
            form: guard.form.clone(),
        };
        let verdict = if consortium.view(policies, &call).await? { "enough" } else { "not enough" };
        let place = crate::consortium::place(guard.isWhole, &guard.slot);
        let policy = crate::consortium::policy_text(&guard.form);
        say(&format!("  {verdict} for changes of {place}: {policy}"));
    }
    Ok(())
}

async fn send(consortium: &mut Consortium, draft: &Draft, key: &KeyArgs) -> Result<(), NodeError> {
    let key = key.load()?;
    if key.address() != draft.sender {
        return Err(NodeError::Input(format!(
            "the key is that of {}, and {} is to send this",
            key.address(),
            draft.sender
        )));
    }
    let plan = Plan { to: draft.to, value: draft.value, input: draft.data.clone() };
    let done = consortium.send(&key, &plan, Some(draft.nonce)).await?;
    say(&format!("block {}: transaction {}", done.block, done.hash));
    Ok(())
}
