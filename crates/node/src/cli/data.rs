//! `hanse data`

use super::{
    quiet_logs,
    reach::{KeyArgs, NodeArgs, ask, say_json},
    say,
};
use crate::{
    NodeError,
    consortium::{Consortium, IDataCatalog, msp_id, name_of, word_of},
};
use clap::{Subcommand, ValueEnum};
use hanse_identity::MspId;
use serde_json::{Value, json};

/// The catalog says what kinds of data the network has: whose, why, on what ground, where and how long. What the
/// network has made a rule of that (`hanse proposal new retention`), nodes carry out.
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
    /// List the entries.
    List {
        /// Those of one organization.
        #[arg(long, value_name = "ID")]
        organization: Option<MspId>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Register a kind of data of one's organization.
    Register {
        /// Its id: a letter, then up to 30 letters, digits, - or _.
        id: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// Say something else about a kind of data. All is said anew.
    Change {
        /// Its id.
        id: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// Say that no more such data are collected. It cannot be taken back.
    Retire {
        /// Its id.
        id: String,
    },
}

#[derive(Debug, clap::Args)]
struct Terms {
    /// Its name, for people.
    #[arg(long)]
    name: String,
    /// What the data are for.
    #[arg(long)]
    purpose: String,
    /// On what ground, as "GDPR Art. 6(1)(b)".
    #[arg(long, value_name = "TEXT")]
    legal_basis: String,
    /// Where they are.
    #[arg(long)]
    place: Place,
    /// They are about people.
    #[arg(long)]
    personal: bool,
    /// Days for which they are kept; 0 for ever.
    #[arg(long, value_name = "DAYS")]
    retention_days: u32,
    /// Contracts that keep them, comma-separated: addresses or names.
    #[arg(long, value_name = "CONTRACTS", value_delimiter = ',')]
    contracts: Vec<String>,
    /// Private collections that keep them, comma-separated.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    collections: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Place {
    /// On the chain: for all to read, for ever.
    Chain,
    /// In private collections, their hashes on the chain.
    Private,
    /// Elsewhere, at most their hashes on the chain.
    OffChain,
}

/// How a place is written.
pub(super) const fn place(number: u8) -> &'static str {
    match number {
        0 => "chain",
        1 => "private",
        2 => "off-chain",
        _ => "unknown",
    }
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let Args { command, node, key } = args;
    ask(async move {
        let mut consortium = node.connect().await?;
        let catalog = consortium.catalog()?;
        let (done, text) = match command {
            Command::List { organization, json } => {
                return list(&mut consortium, organization.as_ref(), json).await;
            }
            Command::Register { id, terms } => {
                let call = IDataCatalog::registerCall {
                    id: word_of(&id)?,
                    terms: terms.terms(&consortium)?,
                };
                let done = consortium.transact(&key.load()?, catalog, &call).await?;
                (done, format!("{id} is in the catalog"))
            }
            Command::Change { id, terms } => {
                let call = IDataCatalog::changeCall {
                    id: word_of(&id)?,
                    terms: terms.terms(&consortium)?,
                };
                let done = consortium.transact(&key.load()?, catalog, &call).await?;
                (done, format!("{id} is changed"))
            }
            Command::Retire { id } => {
                let key = key.load()?;
                let owner = consortium.enrollment(key.address()).await?.organization;
                let call = IDataCatalog::retireCall { owner, id: word_of(&id)? };
                let done = consortium.transact(&key, catalog, &call).await?;
                (done, format!("{id} is retired"))
            }
        };
        say(&format!("block {}: {text}", done.block));
        Ok(())
    })
}

impl Terms {
    fn terms(&self, consortium: &Consortium) -> Result<IDataCatalog::Terms, NodeError> {
        let contracts = self.contracts.iter().map(|name| consortium.names.find(name));
        Ok(IDataCatalog::Terms {
            name: self.name.clone(),
            purpose: self.purpose.clone(),
            legalBasis: self.legal_basis.clone(),
            r#where: match self.place {
                Place::Chain => 0,
                Place::Private => 1,
                Place::OffChain => 2,
            },
            isPersonal: self.personal,
            retentionDays: self.retention_days,
            contracts: contracts.collect::<Result<_, _>>()?,
            collections: self.collections.clone(),
        })
    }
}

/// An entry as JSON.
pub(crate) fn entry_json(entry: &IDataCatalog::Entry) -> Value {
    let terms = &entry.terms;
    json!({
        "owner": msp_id(&entry.owner), "id": name_of(&entry.id), "revision": entry.revision,
        "registeredIn": entry.registeredIn, "changedIn": entry.changedIn,
        "retiredIn": (entry.retiredIn != 0).then_some(entry.retiredIn),
        "name": terms.name, "purpose": terms.purpose, "legalBasis": terms.legalBasis,
        "place": place(terms.r#where), "personal": terms.isPersonal,
        "retentionDays": terms.retentionDays, "contracts": terms.contracts,
        "collections": terms.collections,
    })
}

async fn list(
    consortium: &mut Consortium,
    organization: Option<&MspId>,
    is_json: bool,
) -> Result<(), NodeError> {
    let mut entries = consortium.data().await?;
    let rules = consortium.rules().await?;
    if let Some(organization) = organization {
        entries.retain(|entry| entry.owner == organization.to_word());
    }
    if is_json {
        say_json(&Value::from_iter(entries.iter().map(|entry| {
            let mut json = entry_json(entry);
            json["rule"] = json!(rule_of(&rules, entry).map(|rule| json!({
                "revision": rule.revision, "retentionDays": rule.retentionDays,
                "adoptedIn": rule.adoptedIn, "contracts": rule.contracts,
            })));
            json
        })));
        return Ok(());
    }
    for entry in &entries {
        let terms = &entry.terms;
        let kept = match terms.retentionDays {
            0 => "for ever".to_owned(),
            days => format!("{days} days"),
        };
        let personal = if terms.isPersonal { ", about people" } else { "" };
        let retired = if entry.retiredIn != 0 { ", retired" } else { "" };
        let (owner, id) = (msp_id(&entry.owner), name_of(&entry.id));
        say(&format!(
            "{owner} {id}, revision {}: {}{personal}, {}, kept {kept}{retired}",
            entry.revision,
            terms.name.escape_debug(),
            place(terms.r#where),
        ));
        say(&format!(
            "    for {}; ground: {}",
            terms.purpose.escape_debug(),
            terms.legalBasis.escape_debug()
        ));
        if let Some(rule) = rule_of(&rules, entry) {
            let contracts = rule.contracts.iter().map(|one| consortium.names.title(*one));
            say(&format!(
                "    rule since block {}: nodes let go after {} days what concerns {}{}",
                rule.adoptedIn,
                rule.retentionDays,
                contracts.collect::<Vec<_>>().join(", "),
                if rule.revision == entry.revision { "" } else { "; the entry has changed since" },
            ));
        }
    }
    Ok(())
}

/// The rule that came of an entry.
fn rule_of<'a>(
    rules: &'a [IDataCatalog::Rule],
    entry: &IDataCatalog::Entry,
) -> Option<&'a IDataCatalog::Rule> {
    rules.iter().find(|rule| (rule.owner, rule.id) == (entry.owner, entry.id))
}
