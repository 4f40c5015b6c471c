//! How a server finds the way from what a client trusts to the block that it asks for.

use crate::{Certificate, FinalityProof, LightError, Link, Network, SetProof, limits};
use alloy_primitives::Bytes;
use hanse_primitives::{CommitCertificate, Header, ValidatorSet};

/// What a server knows of its chain.
pub trait Record {
    /// Why something cannot be read.
    type Error: From<LightError>;

    /// Height of the last final block.
    fn finalized(&self) -> u64;

    /// Header of the final block at a height.
    ///
    /// # Errors
    /// When it cannot be read; so for all methods.
    fn header(&self, number: u64) -> Result<Header, Self::Error>;

    /// The precommits that made the block at a height final.
    ///
    /// # Errors
    /// As [`Record::header`].
    fn certificate(&self, number: u64) -> Result<CommitCertificate, Self::Error>;

    /// Who decides a height.
    ///
    /// # Errors
    /// As [`Record::header`].
    fn validators(&self, number: u64) -> Result<ValidatorSet, Self::Error>;

    /// Proves who decides a height, against the state root of the block before.
    ///
    /// # Errors
    /// As [`Record::header`]; also when that state is too old to prove anything of it.
    fn prove_validators(&self, number: u64) -> Result<SetProof, Self::Error>;
}

/// Proves that the block at height `target` is final, to whoever trusts the one at `trusted`.
///
/// One link is enough as long as more than two thirds of the trusted power have signed near the target.
/// Otherwise half the distance is tried, and so on: few links, of which each leads as far as it can.
///
/// # Errors
/// What the record fails with; [`LightError::BeforeTrust`], [`LightError::NoneAbove`],
/// [`LightError::NotSigned`], or
/// [`LightError::TooLarge`] when the validators have changed too often.
pub fn prove_finality<R: Record>(
    network: &Network,
    record: &R,
    trusted: u64,
    target: u64,
) -> Result<FinalityProof, R::Error> {
    if target < trusted {
        return Err(LightError::BeforeTrust { target, trusted }.into());
    }
    // The child of a block proves it without its state, so that no block is too old.
    let last = if target < record.finalized() { target.saturating_add(1) } else { target };
    if last == trusted {
        return Err(LightError::NoneAbove(trusted).into());
    }
    network.require_votes(trusted.saturating_add(1), last)?;
    let mut way = Way { record, number: trusted, validators: record.validators(trusted + 1)? };
    let mut links = Vec::new();
    while !way.reaches(last)? {
        if links.len() + 1 >= limits::LINKS_MAX {
            let (count, most) = (links.len() + 2, limits::LINKS_MAX);
            return Err(LightError::TooLarge { what: "links", count, most }.into());
        }
        links.push(way.step_towards(last)?);
    }
    links.push(way.last(last, target)?);
    Ok(FinalityProof { number: target, links })
}

struct Way<'a, R> {
    record: &'a R,
    /// What the client trusts by now.
    number: u64,
    /// Who decides the block after it.
    validators: ValidatorSet,
}

impl<R: Record> Way<'_, R> {
    /// True when the client will take the certificate of a block.
    fn reaches(&self, number: u64) -> Result<bool, R::Error> {
        if number == self.number + 1 {
            return Ok(true);
        }
        let certificate = self.record.certificate(number)?;
        let voters = certificate.signatures.iter().map(|one| self.validators.get(&one.validator));
        let signed = voters.flatten().map(|voter| u128::from(voter.power)).sum();
        Ok(self.validators.is_quorum(signed))
    }

    /// A link that leads as far as one can before a height that cannot be reached yet.
    fn step_towards(&mut self, far: u64) -> Result<Link, R::Error> {
        let next = self.number + 1;
        let mut pivot = far;
        while !self.reaches(pivot)? {
            pivot = next + (pivot - next) / 2;
        }
        let mut link = self.link(pivot)?;
        if pivot == next {
            link.next_validators = Some(self.record.prove_validators(pivot + 1)?);
            (self.number, self.validators) = (pivot, self.record.validators(pivot + 1)?);
        } else {
            link.parent = Some(self.header(pivot - 1)?);
            link.validators = Some(self.record.prove_validators(pivot)?);
            (self.number, self.validators) = (pivot - 1, self.record.validators(pivot)?);
        }
        Ok(link)
    }

    /// The link whose header is the target or its child.
    fn last(&self, number: u64, target: u64) -> Result<Link, R::Error> {
        let mut link = self.link(number)?;
        let is_next = number == self.number + 1;
        if number != target || !is_next {
            link.parent = Some(self.header(number - 1)?);
        }
        if number == target && !is_next {
            link.validators = Some(self.record.prove_validators(number)?);
        }
        Ok(link)
    }

    fn link(&self, number: u64) -> Result<Link, R::Error> {
        Ok(Link {
            parent: None,
            header: self.header(number)?,
            certificate: Certificate::new(&self.record.certificate(number)?),
            validators: None,
            next_validators: None,
        })
    }

    fn header(&self, number: u64) -> Result<Bytes, R::Error> {
        Ok(alloy_rlp::encode(self.record.header(number)?).into())
    }
}
