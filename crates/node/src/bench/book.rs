//! Writes the transactions of a row, and what every balance must be after them.

use super::{
    accounts,
    plan::Kind,
    wallet::{Call, Draft, Fees, Signed},
};
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use hanse_commerce::orders::{ICurrency, IEscrow};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::collections::BTreeMap;

/// Gas limit of a transfer of currency.
const TRANSFER_GAS: u64 = 100_000;
/// Gas limit of a step of an order.
const ORDER_GAS: u64 = 400_000;
/// Minor units that an order costs, and the carrier's part of it.
const ORDER_AMOUNT: u128 = 1_000;
const SHIPPING_FEE: u128 = 100;
/// Seconds that merchant and carrier have.
const PATIENCE: u64 = 7 * 24 * 60 * 60;
/// Minor units that each sender of currency is given: enough for any run.
pub(super) const CURRENCY_EACH: u128 = 1_000_000_000_000_000;

/// Where the market's contracts are on the measured chain.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Contracts {
    pub(super) currency: Address,
    pub(super) escrow: Address,
}

/// Transactions that may be sent together. The next phase waits until all are in blocks.
pub(super) type Phase = Vec<Signed>;

/// How much each account gains or loses, without fees: wei, or minor units of the currency.
pub(super) type Changes = BTreeMap<Address, i128>;

/// The senders, how far they are, and what they have done to each other.
pub(super) struct Book {
    pub(super) kind: Kind,
    pub(super) fees: Fees,
    pub(super) contracts: Contracts,
    pub(super) senders: Vec<PrivateKeySigner>,
    addresses: Vec<Address>,
    nonces: Vec<u64>,
    /// Accounts that receive; 0: the senders do.
    accounts: u64,
    /// Transfers or orders written so far.
    written: u64,
    salt: B256,
    now: u64,
    changes: Changes,
}

impl Book {
    /// An empty book. `salt` makes the ids of its orders, `now` is in seconds since the Unix epoch.
    pub(super) fn new(
        kind: Kind,
        fees: Fees,
        senders: Vec<PrivateKeySigner>,
        accounts: u64,
        salt: B256,
        now: u64,
    ) -> Self {
        let addresses: Vec<Address> = senders.iter().map(PrivateKeySigner::address).collect();
        let changes = addresses.iter().map(|address| (*address, 0)).collect();
        Self {
            kind,
            fees,
            contracts: Contracts::default(),
            nonces: vec![0; senders.len()],
            senders,
            addresses,
            accounts,
            written: 0,
            salt,
            now,
            changes,
        }
    }

    pub(super) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Wei that one sender may need for its part of `transactions`.
    pub(super) fn wei_each(&self, transactions: usize) -> U256 {
        let gas = match self.kind {
            Kind::Value => 21_000,
            Kind::Currency => TRANSFER_GAS,
            Kind::Order => ORDER_GAS,
        };
        // One more for each phase, and for the allowance.
        let count = transactions.div_ceil(self.senders.len()) + 8;
        U256::from(count) * (U256::from(gas) * U256::from(self.fees.max_fee) + U256::from(1))
    }

    /// All that the transactions written so far must have changed.
    pub(super) const fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Lets the escrow take what each sender pays for its orders.
    pub(super) fn allowances(&mut self) -> Phase {
        let call = ICurrency::approveCall { spender: self.contracts.escrow, value: U256::MAX };
        let call = Call::contract(self.contracts.currency, &call, TRANSFER_GAS);
        let drafts = (0..self.senders.len()).map(|sender| self.draft(sender, call.clone()));
        let drafts = drafts.collect();
        self.sign(drafts)
    }

    /// Writes and signs `transactions`; an order takes three, and no order is left half done.
    pub(super) fn phases(&mut self, transactions: usize) -> Vec<Phase> {
        match self.kind {
            Kind::Value | Kind::Currency => {
                let drafts = (0..transactions).map(|_| self.transfer()).collect();
                vec![self.sign(drafts)]
            }
            Kind::Order => self.orders(transactions.div_ceil(3)),
        }
    }

    fn draft(&mut self, sender: usize, call: Call) -> Draft {
        let nonce = self.nonces[sender];
        self.nonces[sender] += 1;
        Draft { sender, nonce, call }
    }

    /// The place among the senders that a running number falls on.
    fn sender(&self, number: u64) -> usize {
        let count = u64::try_from(self.senders.len()).expect("a length fits in 64 bits");
        usize::try_from(number % count).expect("below the length of a list")
    }

    fn change(&mut self, address: Address, by: i128) {
        *self.changes.entry(address).or_default() += by;
    }

    fn transfer(&mut self) -> Draft {
        let number = self.written;
        self.written += 1;
        let sender = self.sender(number);
        let to = match self.accounts {
            0 => self.addresses[self.sender(number + 1)],
            accounts => accounts::address(accounts::receiver(number, accounts)),
        };
        self.change(self.addresses[sender], -1);
        self.change(to, 1);
        let call = match self.kind {
            Kind::Value => Call::pay(to, U256::from(1)),
            Kind::Currency | Kind::Order => {
                let call = ICurrency::transferCall { to, value: U256::from(1) };
                Call::contract(self.contracts.currency, &call, TRANSFER_GAS)
            }
        };
        self.draft(sender, call)
    }

    /// Orders from payment to payout, one phase a step.
    fn orders(&mut self, count: usize) -> Vec<Phase> {
        let first = self.written;
        let count = u64::try_from(count).expect("a length fits in 64 bits");
        self.written += count;
        let numbers = first..first + count;
        let escrow = self.contracts.escrow;
        let authorize = numbers.clone().map(|number| {
            let shopper = self.sender(number);
            let terms = self.terms(number);
            self.change(self.addresses[shopper], -of(ORDER_AMOUNT));
            self.change(terms.merchant, of(ORDER_AMOUNT - SHIPPING_FEE));
            self.change(terms.carrier, of(SHIPPING_FEE));
            let call = IEscrow::authorizeCall { orderId: self.order_id(number), terms };
            self.draft(shopper, Call::contract(escrow, &call, ORDER_GAS))
        });
        let authorize = authorize.collect();
        let ship = numbers.clone().map(|number| {
            let id = self.order_id(number);
            let call = IEscrow::shipCall { orderId: id, tracking: keccak256(id) };
            self.draft(self.sender(number + 1), Call::contract(escrow, &call, ORDER_GAS))
        });
        let ship = ship.collect();
        let deliver = numbers.map(|number| {
            let id = self.order_id(number);
            let call = IEscrow::deliverCall { orderId: id, proof: keccak256(id) };
            self.draft(self.sender(number + 2), Call::contract(escrow, &call, ORDER_GAS))
        });
        let deliver = deliver.collect();
        [authorize, ship, deliver].map(|drafts| self.sign(drafts)).into()
    }

    fn order_id(&self, number: u64) -> B256 {
        keccak256([self.salt.as_slice(), b"order", &number.to_be_bytes()].concat())
    }

    fn terms(&self, number: u64) -> IEscrow::Terms {
        IEscrow::Terms {
            merchant: self.addresses[self.sender(number + 1)],
            carrier: self.addresses[self.sender(number + 2)],
            currency: self.contracts.currency,
            amount: ORDER_AMOUNT,
            shippingFee: SHIPPING_FEE,
            shipBy: self.now + PATIENCE,
            deliverBy: self.now + 2 * PATIENCE,
            inspectionSeconds: 0,
            document: keccak256([self.salt.as_slice(), &number.to_be_bytes()].concat()),
        }
    }

    fn sign(&self, drafts: Vec<Draft>) -> Phase {
        drafts.into_par_iter().map(|draft| draft.sign(&self.senders, &self.fees)).collect()
    }
}

fn of(amount: u128) -> i128 {
    i128::try_from(amount).expect("the amounts of an order are small")
}
