use crate::NodeError;
use hanse_network::ClientCertificates;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// Encryption of the servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tls {
    /// PEM file of the servers' certificate, with those that lead to its authority; none: no encryption.
    pub certificate: Option<PathBuf>,
    /// PEM file of its key.
    pub key: Option<PathBuf>,
    /// Whether clients show certificates: `none`, `optional` or `required`.
    pub clients: Clients,
}

/// Whether clients show certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clients {
    /// They are not asked.
    #[default]
    None,
    /// They may.
    Optional,
    /// They must.
    Required,
}

impl From<Clients> for ClientCertificates {
    fn from(clients: Clients) -> Self {
        match clients {
            Clients::None => Self::None,
            Clients::Optional => Self::Optional,
            Clients::Required => Self::Required,
        }
    }
}

/// Who may call this node. Off: whoever reaches a port may call what is on offer there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Access {
    /// Ask callers who they are.
    pub enabled: bool,
    /// The role of callers who show nothing; none: they may see the pages, and nothing else.
    pub anonymous: Option<String>,
    /// File of tokens, as `hanse access` writes it.
    pub tokens: Option<PathBuf>,
    /// Roles by certificate: the first entry whose policy the certificate's owner meets.
    pub certificates: Vec<ByCertificate>,
    /// Roles besides `operator` (everything), `member` (all of Ethereum's and Hanse's methods, and the pages)
    /// and `reader` (questions only), or in place of them.
    pub roles: BTreeMap<String, Role>,
}

/// A role for those who meet a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ByCertificate {
    /// As `OR('Brand.admin', 'Brand.client')`.
    pub policy: String,
    /// The role.
    pub role: String,
}

/// What a role offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Role {
    /// Methods (`eth_call`), namespaces (`eth`), `api` (routes of the pages), `metrics`; `*` for all.
    pub methods: Vec<String>,
    /// Calls a second of one caller; none: without a limit.
    pub rate: Option<Rate>,
}

/// Calls a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(pub u32);

/// Questions that leave no trace.
const READER: [&str; 5] = ["net", "web3", "rpc", "api", "eth_subscribe"];

/// Those of `eth`; the rest sends, signs or costs much.
const READER_ETH: [&str; 36] = [
    "eth_baseFee",
    "eth_blobBaseFee",
    "eth_blockNumber",
    "eth_call",
    "eth_capabilities",
    "eth_chainId",
    "eth_config",
    "eth_createAccessList",
    "eth_estimateGas",
    "eth_feeHistory",
    "eth_gasPrice",
    "eth_getBalance",
    "eth_getBlockByHash",
    "eth_getBlockByNumber",
    "eth_getBlockReceipts",
    "eth_getBlockTransactionCountByHash",
    "eth_getBlockTransactionCountByNumber",
    "eth_getCode",
    "eth_getFilterChanges",
    "eth_getFilterLogs",
    "eth_getLogs",
    "eth_getProof",
    "eth_getStorageAt",
    "eth_getTransactionByBlockHashAndIndex",
    "eth_getTransactionByBlockNumberAndIndex",
    "eth_getTransactionByHash",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
    "eth_maxPriorityFeePerGas",
    "eth_newBlockFilter",
    "eth_newFilter",
    "eth_newPendingTransactionFilter",
    "eth_protocolVersion",
    "eth_syncing",
    "eth_uninstallFilter",
    "eth_unsubscribe",
];

/// Questions about the network, its finality and its members.
const READER_HANSE: [&str; 11] = [
    "hanse_getCertificate",
    "hanse_getCheckpoint",
    "hanse_getContracts",
    "hanse_getEngine",
    "hanse_getEvidence",
    "hanse_getFinalityProof",
    "hanse_getHistory",
    "hanse_getPeers",
    "hanse_getTransactionProof",
    "hanse_getValidators",
    "hanse_status",
];

impl Access {
    /// All roles, those that exist without being written down included.
    pub(super) fn roles(&self) -> BTreeMap<String, Role> {
        let role = |methods: Vec<&str>| Role {
            methods: methods.into_iter().map(str::to_owned).collect(),
            rate: None,
        };
        let questions: Vec<&str> =
            READER.into_iter().chain(READER_ETH).chain(READER_HANSE).collect();
        let member = ["eth", "txpool"].into_iter().chain(questions.clone()).collect();
        let mut roles = BTreeMap::from([
            ("operator".to_owned(), role(vec!["*"])),
            ("member".to_owned(), role(member)),
            ("reader".to_owned(), role(questions)),
        ]);
        roles.extend(self.roles.clone());
        roles
    }
}

/// # Errors
/// [`NodeError::Config`] when there is no such role.
pub(super) fn known_role(
    roles: &BTreeMap<String, Role>,
    role: &str,
    place: &str,
) -> Result<(), NodeError> {
    if roles.contains_key(role) {
        return Ok(());
    }
    let names: Vec<&str> = roles.keys().map(String::as_str).collect();
    let names = names.join(", ");
    Err(NodeError::Config(format!("{place}: there is no role '{role}'; there are {names}")))
}
