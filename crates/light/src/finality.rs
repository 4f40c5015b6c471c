//! From what is trusted to a final block.

use crate::{Checkpoint, LightError, Network, SetProof, limits, quantity};
use alloy_primitives::{Address, Bytes, keccak256};
use alloy_rlp::Decodable;
use hanse_primitives::{
    BlockHash, CertificateError, ChainSpec, CommitCertificate, CommitSignature, Header, Height,
    SigningDomain, ValidatorSet,
};
use serde::{Deserialize, Serialize};

/// Proves that a block is final, to whoever has a checkpoint below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FinalityProof {
    /// Height of the block.
    #[serde(with = "quantity")]
    pub number: u64,
    /// The way there. All but the last lead past a change of the validators.
    pub links: Vec<Link>,
}

/// A signed header, and who may decide after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// RLP of the signed header's parent. May be missing right above what is trusted.
    pub parent: Option<Bytes>,
    /// RLP of the signed header.
    pub header: Bytes,
    /// Who signed it.
    pub certificate: Certificate,
    /// Who decides the signed header, in the state after its parent.
    pub validators: Option<SetProof>,
    /// Who decides the block after the signed header, in the state after it.
    pub next_validators: Option<SetProof>,
}

/// The precommits for a header; height and hash are the header's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// The round in which they were made.
    #[serde(with = "quantity")]
    pub round: u64,
    /// The signatures, strictly ascending by validator.
    pub signatures: Vec<CommitSignature>,
}

/// A header of which it is verified that it is final. Only [`Verifier::finality`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalBlock {
    header: Header,
    hash: BlockHash,
    support: Support,
}

/// Whose word it is that a block is final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support {
    /// The block that they signed: the final one, or its child.
    pub number: u64,
    /// The round in which they did.
    pub round: u32,
    /// They, ascending.
    pub signers: Vec<Address>,
    /// The block since which those are trusted whose power is counted.
    pub trusted_since: u64,
    /// Trusted power that signed.
    pub signed: u128,
    /// All trusted power.
    pub total: u128,
    /// Why this makes the block final.
    pub decision: Decision,
}

/// Why signatures make a block final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// More than two thirds of those who decide this block signed it.
    Own {
        /// Power that signed.
        signed: u128,
        /// All power.
        total: u128,
    },
    /// More than two thirds of those who are trusted signed its child, and the honest among them sign
    /// nothing but children of final blocks.
    Child,
}

impl FinalBlock {
    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Its hash.
    #[must_use]
    pub const fn hash(&self) -> BlockHash {
        self.hash
    }

    /// Whose word it is.
    #[must_use]
    pub const fn support(&self) -> &Support {
        &self.support
    }
}

/// What a client trusts, and how that grows by what it verifies.
#[derive(Clone, Debug)]
pub struct Verifier {
    network: Network,
    domain: SigningDomain,
    trusted: Trusted,
}

#[derive(Clone, Debug)]
struct Trusted {
    number: u64,
    hash: BlockHash,
    /// Who decides `number + 1`.
    validators: ValidatorSet,
}

/// A header with its hash.
struct Hashed {
    header: Header,
    hash: BlockHash,
}

impl Verifier {
    /// Trusts a checkpoint.
    ///
    /// # Errors
    /// [`LightError::Checkpoint`] when it contradicts itself, [`LightError::NotSigned`] when nobody
    /// signs the block after it.
    pub fn new(checkpoint: Checkpoint) -> Result<Self, LightError> {
        let validators = checkpoint.voters()?;
        let Checkpoint { network, number, hash, .. } = checkpoint;
        let domain = network.domain();
        Ok(Self { network, domain, trusted: Trusted { number, hash, validators } })
    }

    /// Trusts a genesis file and nothing else.
    ///
    /// # Errors
    /// As [`Checkpoint::genesis`].
    pub fn genesis(spec: &ChainSpec) -> Result<Self, LightError> {
        Self::new(Checkpoint::genesis(spec)?)
    }

    /// What is trusted by now; later calls, of this or another process, can start from it.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let Trusted { number, hash, validators } = &self.trusted;
        Checkpoint::new(self.network.clone(), *number, *hash, validators)
    }

    /// The network.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// Follows the links to the block at height `target`. What is trusted moves along, unless there is
    /// an error.
    ///
    /// # Errors
    /// [`LightError`]: nothing is proven.
    pub fn finality(
        &mut self,
        proof: &FinalityProof,
        target: u64,
    ) -> Result<FinalBlock, LightError> {
        if proof.number != target {
            return Err(LightError::WrongEnd(target));
        }
        if target < self.trusted.number {
            let trusted = self.trusted.number;
            return Err(LightError::BeforeTrust { target, trusted });
        }
        if proof.links.len() > limits::LINKS_MAX {
            let (count, most) = (proof.links.len(), limits::LINKS_MAX);
            return Err(LightError::TooLarge { what: "links", count, most });
        }
        let (last, before) = proof.links.split_last().ok_or(LightError::WrongEnd(target))?;
        let mut trusted = self.trusted.clone();
        for link in before {
            let moved = self.follow(link, &trusted)?.trusted;
            if moved.number <= trusted.number {
                return Err(LightError::Idle(moved.number));
            }
            trusted = moved;
        }
        let step = self.follow(last, &trusted)?;
        let block = step.into_block(target)?;
        self.trusted = block.1;
        Ok(block.0)
    }

    /// Checks one link against what is trusted before it.
    fn follow(&self, link: &Link, trusted: &Trusted) -> Result<Step, LightError> {
        let signed = Hashed::decode(&link.header)?;
        let number = signed.header.number;
        if number <= trusted.number {
            return Err(LightError::NotAhead { number, trusted: trusted.number });
        }
        self.network.require_votes(trusted.number.saturating_add(1), number)?;
        let parent = link.parent.as_ref().map(Hashed::decode).transpose()?;
        if let Some(parent) = &parent
            && (signed.header.parent_hash != parent.hash
                || parent.header.number.checked_add(1) != Some(number))
        {
            return Err(LightError::NotChild { number, parent: parent.hash });
        }
        let certificate = link.certificate.of(&signed)?;
        let is_next = number == trusted.number.saturating_add(1);
        let support = if is_next {
            if signed.header.parent_hash != trusted.hash {
                return Err(LightError::NotChild { number, parent: trusted.hash });
            }
            if link.validators.is_some() {
                return Err(LightError::Idle(number)); // they are known
            }
            self.decided_by(&certificate, &trusted.validators)?;
            trusted.support(&certificate)
        } else {
            self.vouched_for(&certificate, trusted)?
        };
        let parent_is_missing = LightError::NoParent(number);
        let mut step = Step { signed, parent, support, own: None, trusted: trusted.clone() };
        if is_next {
            let Support { signed, total, .. } = step.support;
            step.own = Some((signed, total));
        } else {
            let parent = step.parent.as_ref().ok_or(parent_is_missing)?;
            if let Some(proof) = &link.validators {
                let root = parent.header.state_root;
                let validators = proof.verify(number, &self.network, root)?;
                step.own = Some(self.decided_by(&certificate, &validators)?);
                let (number, hash) = (parent.header.number, parent.hash);
                step.trusted = Trusted { number, hash, validators };
            }
        }
        if let Some(proof) = &link.next_validators {
            // The state of a block is worth nothing before the block is final.
            step.own.ok_or(LightError::NotDecided(number))?;
            let next = number.saturating_add(1);
            let root = step.signed.header.state_root;
            let validators = proof.verify(next, &self.network, root)?;
            step.trusted = Trusted { number, hash: step.signed.hash, validators };
        }
        Ok(step)
    }

    /// The signed and the whole power, when it is a quorum of those who decide the block.
    fn decided_by(
        &self,
        certificate: &CommitCertificate,
        validators: &ValidatorSet,
    ) -> Result<(u128, u128), LightError> {
        let number = certificate.height.0;
        certificate
            .verify(&self.domain, validators)
            .map_err(|fault| LightError::Certificate { number, fault })?;
        Ok((power(certificate, validators), validators.total_power()))
    }

    /// Checks that more than two thirds of those who are trusted signed, among others perhaps.
    fn vouched_for(
        &self,
        certificate: &CommitCertificate,
        trusted: &Trusted,
    ) -> Result<Support, LightError> {
        let number = certificate.height.0;
        let refuse = |fault| Err(LightError::Certificate { number, fault });
        let signatures = &certificate.signatures;
        if !signatures.is_sorted_by(|one, next| one.validator < next.validator) {
            return refuse(CertificateError::Order);
        }
        let support = trusted.support(certificate);
        if !trusted.validators.is_quorum(support.signed) {
            let (signed, total) = (support.signed, support.total);
            let trusted = trusted.number;
            return Err(LightError::TooLittleTrust { number, signed, total, trusted });
        }
        let digest = certificate.vote().digest(&self.domain);
        for one in signatures {
            if one.signature.recover(digest).ok() != Some(one.validator) {
                return refuse(CertificateError::Signature(one.validator));
            }
        }
        Ok(support)
    }
}

impl Trusted {
    fn support(&self, certificate: &CommitCertificate) -> Support {
        Support {
            number: certificate.height.0,
            round: certificate.round,
            signers: certificate.signatures.iter().map(|one| one.validator).collect(),
            trusted_since: self.number,
            signed: power(certificate, &self.validators),
            total: self.validators.total_power(),
            decision: Decision::Child,
        }
    }
}

/// Power of the signers that are in the set. They are in order, so nobody counts twice.
fn power(certificate: &CommitCertificate, validators: &ValidatorSet) -> u128 {
    let voters = certificate.signatures.iter().map(|one| validators.get(&one.validator));
    voters.flatten().map(|voter| u128::from(voter.power)).sum()
}

/// What a link proves.
struct Step {
    signed: Hashed,
    parent: Option<Hashed>,
    support: Support,
    /// The signed and the whole power of those who decide the signed block, if it is proven who they
    /// are: then it is final itself, and not only its parent.
    own: Option<(u128, u128)>,
    trusted: Trusted,
}

impl Step {
    /// The final block at a height, and what is trusted from now on.
    fn into_block(self, target: u64) -> Result<(FinalBlock, Trusted), LightError> {
        let mut support = self.support;
        let found = if self.signed.header.number == target {
            let (signed, total) = self.own.ok_or(LightError::NotDecided(target))?;
            support.decision = Decision::Own { signed, total };
            self.signed
        } else {
            let parent = self.parent.filter(|parent| parent.header.number == target);
            parent.ok_or(LightError::WrongEnd(target))?
        };
        let Hashed { header, hash } = found;
        Ok((FinalBlock { header, hash, support }, self.trusted))
    }
}

impl Hashed {
    fn decode(bytes: &Bytes) -> Result<Self, LightError> {
        if bytes.len() > limits::HEADER_BYTES_MAX {
            return Err(LightError::Header("it is too long"));
        }
        let mut rest = bytes.as_ref();
        let header =
            Header::decode(&mut rest).map_err(|_| LightError::Header("it does not decode"))?;
        if !rest.is_empty() {
            return Err(LightError::Header("bytes follow it"));
        }
        Ok(Self { header, hash: keccak256(bytes) })
    }
}

impl Certificate {
    /// The form that is sent.
    #[must_use]
    pub fn new(certificate: &CommitCertificate) -> Self {
        Self { round: certificate.round.into(), signatures: certificate.signatures.clone() }
    }

    fn of(&self, signed: &Hashed) -> Result<CommitCertificate, LightError> {
        if self.signatures.len() > limits::SIGNATURES_MAX {
            let (count, most) = (self.signatures.len(), limits::SIGNATURES_MAX);
            return Err(LightError::TooLarge { what: "signatures", count, most });
        }
        let round = u32::try_from(self.round)
            .map_err(|_| LightError::Malformed(format!("there is no round {}", self.round)))?;
        Ok(CommitCertificate {
            height: Height(signed.header.number),
            round,
            block: signed.hash,
            signatures: self.signatures.clone(),
        })
    }
}
