//! `hanse proposal new engine`

use super::{call, say};
use crate::{
    NodeError,
    consortium::{BFT, Consortium, IEngines, IPolicies, IValidatorRegistry, POS},
};
use alloy_primitives::Address;

/// What is to become of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Wish {
    /// Validators with equal votes.
    Bft,
    /// Validators with votes by stake.
    Pos,
    /// What holds now: the change that waits is taken back.
    Keep,
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The engine; `keep` takes back the change that waits.
    engine: Wish,
    /// The contract that knows who votes then [default: the one that does now, if the engine stays].
    #[arg(long, value_name = "ADDRESS")]
    contract: Option<Address>,
    /// The first block that is decided so.
    #[arg(
        long,
        value_name = "BLOCK",
        required_if_eq_any([("engine", "bft"), ("engine", "pos")])
    )]
    from_block: Option<u64>,
    /// Least milliseconds between two blocks [default of all times: what holds now].
    #[arg(long, value_name = "MS")]
    block_time: Option<u32>,
    /// Milliseconds after which a block is made though nothing waits.
    #[arg(long, value_name = "MS")]
    empty_block_time: Option<u32>,
    /// Milliseconds to wait for a proposal in round 0.
    #[arg(long, value_name = "MS")]
    propose_timeout: Option<u32>,
    /// Milliseconds to wait for more votes in round 0, once a quorum has voted.
    #[arg(long, value_name = "MS")]
    vote_timeout: Option<u32>,
    /// Milliseconds that each further round adds to both.
    #[arg(long, value_name = "MS")]
    timeout_step: Option<u32>,
}

impl Args {
    pub(super) async fn call(
        &self,
        consortium: &mut Consortium,
    ) -> Result<IPolicies::Call, NodeError> {
        let engines = consortium.engines()?;
        let (name, kind) = match self.engine {
            Wish::Bft => ("bft", BFT),
            Wish::Pos => ("pos", POS),
            Wish::Keep => return Ok(call(engines, &IEngines::cancelCall {})),
        };
        let now = consortium.engine().await?.now;
        let now = now.ok_or_else(|| NodeError::Failed("no engine decides blocks".to_owned()))?;
        let times = now.times.ok_or_else(|| {
            NodeError::Config(format!("{} decides blocks, where nobody votes", now.engine))
        })?;
        let current = now.contract.filter(|_| now.engine == name);
        let validators = self.contract.or(current).ok_or_else(|| {
            let text = format!(
                "{} decides blocks now; say by --contract which contract knows the validators of {name}",
                now.engine
            );
            NodeError::Input(text)
        })?;
        let from = self.from_block.ok_or_else(|| {
            NodeError::Input("say by --from-block when the change takes effect".to_owned())
        })?;
        let mut timing = IEngines::Timing::from(times);
        for (time, given) in [
            (&mut timing.blockTimeMs, self.block_time),
            (&mut timing.emptyBlockTimeMs, self.empty_block_time),
            (&mut timing.proposeTimeoutMs, self.propose_timeout),
            (&mut timing.voteTimeoutMs, self.vote_timeout),
            (&mut timing.timeoutStepMs, self.timeout_step),
        ] {
            *time = given.unwrap_or(*time);
        }
        if Some(validators) != now.contract {
            tell_voters(consortium, validators).await?;
        }
        Ok(call(engines, &IEngines::changeCall { from, kind, validators, timing }))
    }
}

/// Says who would vote. What is no such contract, the contract of votes refuses.
async fn tell_voters(consortium: &mut Consortium, contract: Address) -> Result<(), NodeError> {
    let Ok(voters) = consortium.view(contract, &IValidatorRegistry::validatorsCall {}).await else {
        return Ok(());
    };
    for voter in voters {
        let name = IValidatorRegistry::nameCall { account: voter.account };
        let name = consortium.view(contract, &name).await?;
        say(&format!(
            "would vote: {} ({}), power {}",
            voter.account,
            name.escape_debug(),
            voter.power
        ));
    }
    Ok(())
}
