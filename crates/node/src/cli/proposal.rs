//! `hanse proposal`

mod new;
mod show;

use super::{
    quiet_logs,
    reach::{KeyArgs, NodeArgs, ask, lines, say_json},
    say,
};
use crate::{
    NodeError,
    consortium::{
        Approval, Consortium, IPolicies, Names, Signable, SignedApproval, content_of, status,
    },
};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use clap::Subcommand;
use hanse_primitives::ChainSpec;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// The network decides by proposals of calls. One is carried out when the policies of all its calls hold for
/// those who have approved it.
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
    /// List proposals: those that are open, or all.
    List {
        /// Those too that are executed, expired or withdrawn.
        #[arg(long)]
        all: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a proposal: what it does, who has approved, what is missing.
    Show {
        /// Its number.
        id: u64,
        /// As JSON; `hanse proposal sign --from` takes it.
        #[arg(long)]
        json: bool,
    },
    /// Propose something. Who proposes approves.
    New(new::Args),
    /// Approve a proposal, or hand in what others signed.
    Approve {
        /// Its number.
        id: u64,
        /// File with signatures, one a line, as `hanse proposal sign` prints them. The account of --key then
        /// only sends the transaction.
        #[arg(long, value_name = "FILE")]
        signatures: Option<PathBuf>,
    },
    /// Sign an approval for somebody else to hand in.
    Sign {
        /// Its number; asks the node what it is about.
        #[arg(required_unless_present = "from")]
        id: Option<u64>,
        /// File of `hanse proposal show --json`; no node is asked.
        #[arg(long, value_name = "FILE", conflicts_with = "id", requires = "genesis")]
        from: Option<PathBuf>,
        /// Genesis file of the chain, which says what the calls of the file are about: the file's own
        /// words are not believed.
        #[arg(long, value_name = "FILE", env = "HANSE_CHAIN")]
        genesis: Option<PathBuf>,
    },
    /// Take one's approval back, or the whole proposal.
    Withdraw {
        /// Its number.
        id: u64,
        /// The approval; without it the proposal, which only who made it can.
        #[arg(long)]
        approval: bool,
    },
    /// Carry out a proposal.
    Execute {
        /// Its number.
        id: u64,
    },
}

/// A proposal as a file, with all that a signature says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sheet {
    id: u64,
    chain_id: u64,
    policies: Address,
    content: B256,
    proposer: Address,
    status: String,
    last_block: u64,
    description: String,
    calls: Vec<SheetCall>,
    approvals: Vec<SheetApproval>,
    /// Policies that its calls need.
    needs: Vec<SheetPolicy>,
    /// Whether it could be carried out now.
    carried: bool,
    /// The first policy that is not met.
    missing: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SheetCall {
    target: Address,
    data: Bytes,
    /// In words.
    does: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct SheetApproval {
    account: Address,
    organization: String,
    roles: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct SheetPolicy {
    name: String,
    policy: String,
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let Args { command, node, key } = args;
    ask(async move {
        let command = match command {
            Command::Sign { from: Some(from), genesis: Some(genesis), .. } => {
                let (sheet, names) = offline(&from, &genesis)?;
                return sign_sheet(&sheet, &names, &key.load()?);
            }
            other => other,
        };
        let mut consortium = node.connect().await?;
        match command {
            Command::List { all, json } => show::list(&mut consortium, all, json).await,
            Command::Show { id, json } => show::one(&mut consortium, id, json).await,
            Command::New(args) => new::run(&mut consortium, args, &key).await,
            Command::Approve { id, signatures } => {
                let signatures = signatures.map(|path| lines(&path)).transpose()?;
                approve(&mut consortium, id, signatures, &key.load()?).await
            }
            Command::Sign { id, .. } => {
                let id = id.ok_or_else(|| NodeError::Config("which proposal?".to_owned()))?;
                let sheet = show::read(&mut consortium, id).await?;
                sign_sheet(&sheet, &consortium.names, &key.load()?)
            }
            Command::Withdraw { id, approval } => {
                withdraw(&mut consortium, id, approval, &key.load()?).await
            }
            Command::Execute { id } => execute(&mut consortium, id, &key.load()?).await,
        }
    })
}

/// A sheet, and what genesis says about the chain that it is of.
fn offline(path: &Path, genesis: &Path) -> Result<(Sheet, Names), NodeError> {
    let read = |path: &Path| fs::read(path).map_err(|e| NodeError::file("read", path, e));
    let wrong = |why: String| NodeError::Input(format!("{}: {why}", path.display()));
    let sheet: Sheet =
        serde_json::from_slice(&read(path)?).map_err(|error| wrong(error.to_string()))?;
    let spec = ChainSpec::parse(&read(genesis)?)?;
    let names = Names::of(&spec)?;
    if (sheet.chain_id, sheet.policies) != (spec.chain_id(), names.membership.policies) {
        return Err(wrong("this is a proposal on another chain".to_owned()));
    }
    Ok((sheet, names))
}

/// Signs what the sheet shows, and says it: never a content that others calls would have.
fn sign_sheet(sheet: &Sheet, names: &Names, key: &PrivateKeySigner) -> Result<(), NodeError> {
    let calls: Vec<IPolicies::Call> = sheet.calls.iter().map(SheetCall::call).collect();
    let content = content_of(&calls, &sheet.description);
    if content != sheet.content {
        return Err(NodeError::Input(format!(
            "these calls and this description are not what proposal {} has: {content} is not {}",
            sheet.id, sheet.content
        )));
    }
    let approval = Approval { proposal: U256::from(sheet.id), content };
    let signature = approval.sign(key, sheet.chain_id, sheet.policies)?;
    let signed = SignedApproval { account: key.address(), signature, of: content };
    // Standard output has what is to be handed on, and nothing else.
    let mut told = format!(
        "{} approves proposal {}: {}",
        key.address(),
        sheet.id,
        sheet.description.escape_debug()
    );
    for call in &sheet.calls {
        told.push_str(&format!("\n  {}", names.tell(call.target, &call.data)));
    }
    let _ = writeln!(std::io::stderr(), "{told}");
    say(&serde_json::to_string(&signed).expect("a signature is plain data"));
    Ok(())
}

async fn approve(
    consortium: &mut Consortium,
    id: u64,
    signatures: Option<Vec<SignedApproval>>,
    key: &PrivateKeySigner,
) -> Result<(), NodeError> {
    let (policies, number) = (consortium.membership.policies, U256::from(id));
    let Some(signatures) = signatures else {
        let done =
            consortium.transact(key, policies, &IPolicies::approveCall { id: number }).await?;
        say(&format!("block {}: {} approves proposal {id}", done.block, key.address()));
        return standing(consortium, id).await;
    };
    let content = consortium.view(policies, &IPolicies::proposalCall { id: number }).await?.content;
    if let Some(other) = signatures.iter().find(|signed| signed.of != content) {
        return Err(NodeError::Input(format!(
            "the signature of {} is not for proposal {id}",
            other.account
        )));
    }
    let accounts: Vec<String> =
        signatures.iter().map(|signed| signed.account.to_string()).collect();
    let approvals = signatures.into_iter().map(Into::into).collect();
    let call = IPolicies::approveForCall { id: number, approvals };
    let done = consortium.transact(key, policies, &call).await?;
    say(&format!("block {}: handed in for proposal {id}: {}", done.block, accounts.join(", ")));
    standing(consortium, id).await
}

/// Says whether a proposal could be carried out now.
async fn standing(consortium: &mut Consortium, id: u64) -> Result<(), NodeError> {
    let sheet = show::read(consortium, id).await?;
    say(&sheet.verdict());
    Ok(())
}

async fn withdraw(
    consortium: &mut Consortium,
    id: u64,
    is_approval: bool,
    key: &PrivateKeySigner,
) -> Result<(), NodeError> {
    let (policies, number) = (consortium.membership.policies, U256::from(id));
    let (done, what) = if is_approval {
        let call = IPolicies::withdrawApprovalCall { id: number };
        (consortium.transact(key, policies, &call).await?, "its approval of proposal")
    } else {
        let call = IPolicies::withdrawCall { id: number };
        (consortium.transact(key, policies, &call).await?, "proposal")
    };
    say(&format!("block {}: {} takes back {what} {id}", done.block, key.address()));
    Ok(())
}

async fn execute(
    consortium: &mut Consortium,
    id: u64,
    key: &PrivateKeySigner,
) -> Result<(), NodeError> {
    let sheet = show::read(consortium, id).await?;
    let call = IPolicies::executeCall { id: U256::from(id) };
    let done = consortium.transact(key, consortium.membership.policies, &call).await?;
    say(&format!("block {}: proposal {id} is carried out", done.block));
    sheet.calls.iter().for_each(|call| say(&format!("  {}", call.does)));
    Ok(())
}

impl SheetCall {
    fn call(&self) -> IPolicies::Call {
        IPolicies::Call { target: self.target, data: self.data.clone() }
    }
}

impl Sheet {
    /// Whether it can be carried out, in a sentence.
    fn verdict(&self) -> String {
        let policy = |name: &str| {
            let found = self.needs.iter().find(|need| need.name == name);
            found.map_or("unknown", |need| need.policy.as_str())
        };
        match (&self.missing, self.status.as_str()) {
            (_, other) if other != status(1) => format!("it is {other}"),
            (Some(name), _) => format!("not carried yet: the policy {name} wants {}", policy(name)),
            (None, _) => format!("carried: hanse proposal execute {}", self.id),
        }
    }
}
