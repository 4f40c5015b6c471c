//! What must hold after every event.

use crate::{
    Rules, Scenario,
    error::{Broken, Checked, Law},
    genesis,
    limits::REMOVAL_BLOCKS,
    money::Treasury,
    shop::Shop,
};
use alloy_primitives::Address;
use hanse_consensus::{Said, said};
use hanse_node::simulation::LocalChain;
use hanse_primitives::{
    BlockHash, BlockRef, ChainSpec, Engine, Equivocation, Height, SigningDomain, VoteKind,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What the laws remember of a run.
pub(crate) struct Laws {
    rules: Rules,
    domain: SigningDomain,
    treasury: Treasury,
    /// Accounts of traitors.
    guilty: BTreeSet<Address>,
    /// Voting power at genesis: of each vote, and of its stake.
    powers: BTreeMap<Address, [u64; 2]>,
    /// Whether validators vote by stake from a height on.
    by_stake: BTreeMap<Height, bool>,
    finals: BTreeMap<Height, BlockHash>,
    /// What each member has made final, as it said itself.
    told: Vec<BlockRef>,
    /// What honest validators have said.
    said: BTreeMap<(Address, u64, u32, u8), Option<BlockHash>>,
    /// Who has precommitted what.
    precommits: BTreeMap<(Height, u32, BlockHash), BTreeSet<Address>>,
    /// Blocks that a quorum has precommitted.
    certified: BTreeMap<Height, BlockHash>,
    /// Traitors whose evidence a contract has, and in which block it was accepted.
    caught: BTreeMap<(Address, Address), Height>,
    /// Of them, those that were seen to be out of the set.
    removed: BTreeSet<(Address, Address)>,
    /// Evidence that was looked at, by contract.
    evidence: BTreeMap<Address, u64>,
    /// Somebody was accused.
    pub(crate) accusations: u64,
}

impl Laws {
    pub(crate) fn new(scenario: &Scenario, spec: &Arc<ChainSpec>) -> Self {
        let account = |member| genesis::key(member).address();
        let members = scenario.members();
        let by_stake = matches!(scenario.rules, Rules::Pos | Rules::PowToPos);
        Self {
            rules: scenario.rules,
            domain: spec.signing_domain(),
            treasury: Treasury::new(spec, (0..members).map(account)),
            guilty: scenario.traitors.keys().map(|member| account(*member)).collect(),
            powers: (0..scenario.validators)
                .map(|member| (account(member), [1, genesis::stake(member)]))
                .collect(),
            by_stake: BTreeMap::from([(Height::GENESIS, by_stake)]),
            finals: BTreeMap::from([(Height::GENESIS, spec.genesis_reference().hash)]),
            told: vec![spec.genesis_reference(); members],
            said: BTreeMap::new(),
            precommits: BTreeMap::new(),
            certified: BTreeMap::new(),
            caught: BTreeMap::new(),
            removed: BTreeSet::new(),
            evidence: BTreeMap::new(),
            accusations: 0,
        }
    }

    /// The highest block that is final anywhere.
    pub(crate) fn highest(&self) -> Height {
        self.finals.keys().next_back().copied().unwrap_or_default()
    }

    pub(crate) fn told(&self, member: usize) -> BlockRef {
        self.told[member]
    }

    pub(crate) fn removed(&self) -> usize {
        self.removed.len()
    }

    /// Looks at a member whose engine has done something.
    pub(crate) fn look(&mut self, member: usize, chain: &LocalChain, shop: &mut Shop) -> Checked {
        let (ledger, told) = (chain.ledger(), self.told[member]);
        let now = ledger.finalized();
        if now == told {
            return Ok(());
        }
        let kept = ledger.hash(told.height).map_err(Broken::machine)?;
        if now.height < told.height || kept != Some(told.hash) {
            let what = format!("member {member} had {told:?} for final, and now has {now:?}");
            return Err(Broken::law(Law::FinalityStays, what));
        }
        for height in told.height.0 + 1..=now.height.0 {
            let height = Height(height);
            let hash = ledger.hash(height).map_err(Broken::machine)?;
            let hash = hash.ok_or_else(|| Broken::machine("a final block is not known"))?;
            let ours = BlockRef { height, hash };
            match self.finals.get(&height) {
                Some(other) if *other != hash => {
                    let what = format!("{hash} and {other} are final at height {height}");
                    return Err(Broken::law(Law::OneChain, what));
                }
                Some(_) => {}
                None => self.look_at_block(ours, chain, shop)?,
            }
        }
        self.told[member] = now;
        Ok(())
    }

    /// Looks at a block that is final for the first time.
    fn look_at_block(&mut self, block: BlockRef, chain: &LocalChain, shop: &mut Shop) -> Checked {
        self.finals.insert(block.height, block.hash);
        if let Some(other) = self.certified.get(&block.height).filter(|hash| **hash != block.hash) {
            let what = format!("a quorum precommitted {other}, and {block:?} is final");
            return Err(Broken::law(Law::OneChain, what));
        }
        self.treasury.check(chain, block.hash, shop)?;
        let tenure = chain.executor().tenure(block).map_err(Broken::machine)?;
        if self.rules == Rules::Voted {
            let by_stake = tenure.as_ref().map(|tenure| matches!(tenure.engine, Engine::Pos(_)));
            self.by_stake.insert(block.height.next(), by_stake.unwrap_or_default());
        }
        let contract = tenure.and_then(|tenure| tenure.engine.validators().map(|one| one.contract));
        if self.accusations > 0 && self.rules.votes_at(block.height) {
            self.look_at_contract(block, contract, chain)?;
        }
        Ok(())
    }

    /// Law: evidence is of traitors alone, and who was proven to be one votes no more.
    fn look_at_contract(
        &mut self,
        block: BlockRef,
        contract: Option<Address>,
        chain: &LocalChain,
    ) -> Checked {
        let Some(contract) = contract else { return Ok(()) };
        let known = self.evidence.entry(contract).or_default();
        let news = chain.executor().evidence(block.hash, contract, *known, u64::MAX);
        for found in news.map_err(Broken::machine)? {
            if !self.guilty.contains(&found.accused) {
                let what = format!("the contract took evidence against {}", found.accused);
                return Err(Broken::law(Law::HonestKeys, what));
            }
            self.caught.entry((contract, found.accused)).or_insert(found.accepted_in);
            *known += 1;
        }
        let due = |accepted: Height| block.height.0 >= accepted.0 + REMOVAL_BLOCKS;
        let due = self.caught.iter().filter(|((at, _), when)| *at == contract && due(**when));
        let due = due.map(|((_, account), _)| *account);
        let due: Vec<Address> =
            due.filter(|one| !self.removed.contains(&(contract, *one))).collect();
        if due.is_empty() {
            return Ok(());
        }
        let set = chain.executor().validators(block.hash, contract);
        let set = set.map_err(Broken::machine)?;
        for account in due {
            if set.get(&account).is_some() {
                let what = format!("{account} still votes after block {}", block.height);
                return Err(Broken::law(Law::TraitorsRemoved, what));
            }
            self.removed.insert((contract, account));
        }
        Ok(())
    }

    /// Law: no honest validator says two different things, and no quorum two either.
    pub(crate) fn listen(&mut self, from: Address, bytes: &[u8]) -> Checked {
        let bytes = match self.rules {
            Rules::PowToBft | Rules::PowToPos => bytes.get(1..).unwrap_or_default(),
            Rules::Bft | Rules::Pos | Rules::Pow | Rules::Voted => bytes,
        };
        if self.rules == Rules::Pow {
            return Ok(());
        }
        let Some(what) = said(bytes).filter(|what| what.validator == from) else { return Ok(()) };
        if !self.guilty.contains(&from) {
            let kind = what.vote.map_or(0, VoteKind::byte);
            let key = (from, what.height.0, what.round, kind);
            let before = *self.said.entry(key).or_insert(what.block);
            if before != what.block {
                let what = format!("{what:?}, and {before:?} before");
                return Err(Broken::law(Law::HonestKeys, what));
            }
        }
        self.count(&what)
    }

    fn count(&mut self, what: &Said) -> Checked {
        let (Some(VoteKind::Precommit), Some(block)) = (what.vote, what.block) else {
            return Ok(());
        };
        if self.caught.keys().any(|(_, account)| *account == what.validator) {
            return Ok(());
        }
        // Whether stakes count is known once the block before is final somewhere.
        let by_stake = match self.rules {
            Rules::Voted => self.by_stake.get(&what.height),
            _ => self.by_stake.values().next(),
        };
        let Some(kind) = by_stake.map(|by_stake| usize::from(*by_stake)) else { return Ok(()) };
        let voters = self.precommits.entry((what.height, what.round, block)).or_default();
        voters.insert(what.validator);
        let power: u64 =
            voters.iter().filter_map(|voter| self.powers.get(voter)).map(|one| one[kind]).sum();
        let total: u64 = self.powers.values().map(|one| one[kind]).sum();
        if 3 * power <= 2 * total {
            return Ok(());
        }
        let certified = *self.certified.entry(what.height).or_insert(block);
        let known = self.finals.get(&what.height).copied().unwrap_or(certified);
        if certified != block || known != block {
            let text = format!("quorums precommitted {block}, and {certified} or {known}");
            return Err(Broken::law(Law::OneChain, text));
        }
        Ok(())
    }

    /// Law: accusations are proven, and of traitors.
    pub(crate) fn accuse(&mut self, proof: &Equivocation) -> Checked {
        self.accusations += 1;
        let accused = proof.verify(&self.domain).map_err(|error| {
            Broken::law(Law::HonestKeys, format!("an accusation proves nothing: {error}"))
        })?;
        if self.guilty.contains(&accused) {
            return Ok(());
        }
        Err(Broken::law(Law::HonestKeys, format!("{accused} is accused and honest")))
    }

    /// True when an account is a traitor's.
    pub(crate) fn is_guilty(&self, account: &Address) -> bool {
        self.guilty.contains(account)
    }
}
