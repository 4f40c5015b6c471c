//! Who takes part in an order, with what key, and the transactions they sign.

use super::dataset::{Invoice, Outcome};
use crate::{
    NodeError,
    development::{self, DevelopmentWallet},
};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxHash, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{Eip712Domain, SolCall, SolStruct, eip712_domain};
use hanse_commerce::orders::{ICurrency, IEscrow};
use hanse_primitives::{ChainSpec, Currency};
use std::collections::BTreeMap;

/// Gas limit of every transaction of the demo. The network charges nothing for gas.
const GAS_LIMIT: u64 = 500_000;

/// Seconds that merchant and carrier have. Nothing runs out of time while the demo runs.
const PATIENCE: u64 = 7 * 24 * 60 * 60;

/// The currency of the data set, as its contract calls it.
const CURRENCY_NAME: &str = "Pound Sterling";

mod permit {
    alloy_sol_types::sol! {
        /// What an owner signs so that a spender may take `value` (ERC-2612).
        #[derive(Debug)]
        struct Permit {
            address owner;
            address spender;
            uint256 value;
            uint256 nonce;
            uint256 deadline;
        }
    }
}

/// One thing that is done to an order, in the order in which it can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// The shopper pays into escrow.
    Authorize,
    /// The merchant hands over to the carrier.
    Ship,
    /// The carrier hands over to the shopper; the escrow pays out.
    Deliver,
    /// The merchant voids the order.
    Cancel,
    /// The merchant pays back.
    Refund,
}

impl Stage {
    /// What follows, until the order has come to its expected end.
    pub(crate) const fn next(self, outcome: Outcome) -> Option<Self> {
        match (self, outcome) {
            (Self::Authorize, Outcome::Cancelled) => Some(Self::Cancel),
            (Self::Authorize, _) => Some(Self::Ship),
            (Self::Ship, _) => Some(Self::Deliver),
            (Self::Deliver, Outcome::Refunded) => Some(Self::Refund),
            (Self::Deliver | Self::Cancel | Self::Refund, _) => None,
        }
    }
}

/// A transaction, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) hash: TxHash,
    pub(crate) raw: Bytes,
}

/// An account with the numbers that its next transaction and permit take.
struct Account {
    key: PrivateKeySigner,
    nonce: u64,
    permits: u64,
}

/// What a transaction will be once its signature is made. Numbers are taken in order, signatures
/// are made in parallel.
pub(crate) struct Draft {
    key: PrivateKeySigner,
    chain_id: u64,
    nonce: u64,
    to: Address,
    input: Input,
}

enum Input {
    Ready(Bytes),
    /// An authorization that needs the shopper's permit first.
    Authorize(Box<Authorization>),
}

struct Authorization {
    id: B256,
    terms: IEscrow::Terms,
    permit: permit::Permit,
    domain: Eip712Domain,
}

/// The market: contracts, parties and shoppers.
pub(crate) struct Market {
    chain_id: u64,
    pub(crate) escrow: Address,
    pub(crate) currency: Address,
    /// Makes the ids of one run differ from another's.
    salt: B256,
    now: u64,
    accounts: BTreeMap<Address, Account>,
    bank: Address,
    pub(crate) merchant: Address,
    pub(crate) carrier: Address,
}

impl Market {
    /// The market of a development chain. `salt` makes the ids of this run's orders, `now` is in
    /// seconds since the Unix epoch.
    pub(crate) fn new(spec: &ChainSpec, salt: B256, now: u64) -> Result<Self, NodeError> {
        let contracts = spec.hanse().map(|settings| &settings.contracts);
        let missing = || NodeError::Failed("the chain has no escrow or no pounds".to_owned());
        let contracts = contracts.ok_or_else(missing)?;
        let escrow = contracts.escrow.ok_or_else(missing)?;
        let currency = *contracts.currencies.get(&Currency::GBP).ok_or_else(missing)?;
        let wallet = DevelopmentWallet::new();
        let party = |index: usize| wallet.keys()[index].address();
        let mut market = Self {
            chain_id: spec.chain_id(),
            escrow,
            currency,
            salt,
            now,
            accounts: BTreeMap::new(),
            bank: party(development::BANK),
            merchant: party(development::MERCHANT),
            carrier: party(development::CARRIER),
        };
        for index in [development::BANK, development::MERCHANT, development::CARRIER] {
            market.admit(wallet.keys()[index].clone());
        }
        Ok(market)
    }

    fn admit(&mut self, key: PrivateKeySigner) {
        let account = Account { key, nonce: 0, permits: 0 };
        self.accounts.entry(account.key.address()).or_insert(account);
    }

    /// Makes an account for the shopper of each invoice, and returns their addresses in that order.
    pub(crate) fn admit_shoppers(&mut self, invoices: &[Invoice]) -> Vec<Address> {
        let mut known: BTreeMap<String, Address> = BTreeMap::new();
        invoices
            .iter()
            .map(|invoice| {
                // A guest is a shopper of one invoice.
                let name = invoice.customer.clone().unwrap_or_else(|| invoice.number.clone());
                *known.entry(name).or_insert_with_key(|name| {
                    let seed = keccak256(format!("hanse demo shopper {name}"));
                    let key = PrivateKeySigner::from_bytes(&seed)
                        .expect("a hash is a valid key but for one in 2^128");
                    let address = key.address();
                    self.admit(key);
                    address
                })
            })
            .collect()
    }

    /// All accounts, for the numbers that the chain has of them.
    pub(crate) fn addresses(&self) -> Vec<Address> {
        self.accounts.keys().copied().collect()
    }

    /// Takes up the chain's numbers of an account.
    pub(crate) fn set_numbers(&mut self, address: &Address, nonce: u64, permits: u64) {
        let account = self.accounts.get_mut(address).expect("only known accounts are asked about");
        (account.nonce, account.permits) = (nonce, permits);
    }

    /// The escrow's id of an invoice's order.
    pub(crate) fn order_id(&self, invoice: &Invoice) -> B256 {
        keccak256([self.salt.as_slice(), invoice.number.as_bytes()].concat())
    }

    fn draft(&mut self, from: Address, to: Address, input: Input) -> Draft {
        let chain_id = self.chain_id;
        let account = self.accounts.get_mut(&from).expect("every party has an account");
        let nonce = account.nonce;
        account.nonce += 1;
        Draft { key: account.key.clone(), chain_id, nonce, to, input }
    }

    fn call(&mut self, from: Address, to: Address, call: &impl SolCall) -> Draft {
        self.draft(from, to, Input::Ready(call.abi_encode().into()))
    }

    /// Which of the members' nodes a party trusts with its transactions, as `hanse localnet` numbers
    /// them: brand, retailer, carrier, bank. Shoppers use the retailer's.
    pub(crate) fn house(&self, party: &Address) -> usize {
        match *party {
            party if party == self.merchant => 0,
            party if party == self.carrier => 2,
            party if party == self.bank => 3,
            _ => 1,
        }
    }

    /// The bank gives a shopper money.
    pub(crate) fn issue(&mut self, to: Address, amount: U256) -> Draft {
        self.call(self.bank, self.currency, &ICurrency::issueCall { to, amount })
    }

    /// The merchant lets the escrow take what it refunds.
    pub(crate) fn allow_refunds(&mut self) -> Draft {
        let call = ICurrency::approveCall { spender: self.escrow, value: U256::MAX };
        self.call(self.merchant, self.currency, &call)
    }

    /// What the party whose turn it is does with an order.
    pub(crate) fn advance(&mut self, stage: Stage, invoice: &Invoice, shopper: Address) -> Draft {
        let id = self.order_id(invoice);
        let note = keccak256(format!("{stage:?} {}", invoice.number));
        let (merchant, carrier, escrow) = (self.merchant, self.carrier, self.escrow);
        match stage {
            Stage::Authorize => self.authorize(id, invoice, shopper),
            Stage::Ship => {
                let call = IEscrow::shipCall { orderId: id, tracking: note };
                self.call(merchant, escrow, &call)
            }
            Stage::Deliver => {
                let call = IEscrow::deliverCall { orderId: id, proof: note };
                self.call(carrier, escrow, &call)
            }
            Stage::Cancel => {
                let call = IEscrow::cancelCall { orderId: id, reason: note };
                self.call(merchant, escrow, &call)
            }
            Stage::Refund => {
                let amount = minor(invoice.total);
                let call = IEscrow::refundCall { orderId: id, amount, reason: note };
                self.call(merchant, escrow, &call)
            }
        }
    }

    fn authorize(&mut self, id: B256, invoice: &Invoice, shopper: Address) -> Draft {
        let document = [self.salt.as_slice(), invoice.document.as_bytes()].concat();
        let terms = IEscrow::Terms {
            merchant: self.merchant,
            carrier: self.carrier,
            currency: self.currency,
            amount: minor(invoice.total).to(),
            shippingFee: minor(invoice.carriage).to(),
            shipBy: self.now + PATIENCE,
            deliverBy: self.now + 2 * PATIENCE,
            inspectionSeconds: 0,
            document: keccak256(document),
        };
        let account = self.accounts.get_mut(&shopper).expect("every shopper has an account");
        let permit = permit::Permit {
            owner: shopper,
            spender: self.escrow,
            value: U256::from(terms.amount),
            nonce: U256::from(account.permits),
            deadline: U256::from(self.now + PATIENCE),
        };
        account.permits += 1;
        let domain = eip712_domain! {
            name: CURRENCY_NAME, version: "1", chain_id: self.chain_id, verifying_contract: self.currency,
        };
        self.draft(
            shopper,
            self.escrow,
            Input::Authorize(Box::new(Authorization { id, terms, permit, domain })),
        )
    }
}

/// Minor units as the contracts count them.
pub(crate) fn minor(money: hanse_primitives::Money) -> U256 {
    U256::try_from(money.minor())
        .expect("the data set has only positive totals, checked on reading")
}

impl Draft {
    /// Who sends it.
    pub(crate) fn sender(&self) -> Address {
        self.key.address()
    }

    /// Makes the signatures; about 0.1 ms each.
    pub(crate) fn sign(self) -> Signed {
        let sign = |digest: &B256| {
            self.key.sign_hash_sync(digest).expect("a local key can sign any digest")
        };
        let input = match self.input {
            Input::Ready(input) => input,
            Input::Authorize(authorization) => {
                let Authorization { id, terms, permit, domain } = *authorization;
                let signature = sign(&permit.eip712_signing_hash(&domain));
                let permit = IEscrow::Permit {
                    value: permit.value,
                    deadline: permit.deadline,
                    v: 27 + u8::from(signature.v()),
                    r: signature.r().into(),
                    s: signature.s().into(),
                };
                let call = IEscrow::authorizeWithPermitCall { orderId: id, terms, permit };
                call.abi_encode().into()
            }
        };
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: GAS_LIMIT,
            to: TxKind::Call(self.to),
            input,
            ..Default::default()
        };
        let signature = sign(&transaction.signature_hash());
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        Signed { hash: *envelope.tx_hash(), raw: envelope.encoded_2718().into() }
    }
}
