use crate::{Failure, Report, Rules, Sabotage, Scenario, error::Broken, run::Run};
use hanse_consensus::Treason;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

/// A run that a seed decides.
///
/// ```no_run
/// use hanse_simulator::{Rules, Simulation};
///
/// let report = Simulation::new(7).rules(Rules::Bft).validators(4).run()?;
/// assert!(report.height.0 > 3);
/// # Ok::<(), hanse_simulator::Failure>(())
/// ```
#[derive(Clone, Debug)]
pub struct Simulation {
    seed: u64,
    rules: Rules,
    validators: Option<usize>,
    treason: Option<Treason>,
    sabotage: Option<Sabotage>,
}

impl Simulation {
    /// A run of validators with equal votes.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, rules: Rules::Bft, validators: None, treason: None, sabotage: None }
    }

    /// How blocks come about.
    #[must_use]
    pub const fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// How many vote or mine; otherwise the seed decides.
    #[must_use]
    pub const fn validators(mut self, count: usize) -> Self {
        self.validators = Some(count);
        self
    }

    /// As many traitors as there may be, and all in this way; otherwise the seed decides.
    #[must_use]
    pub const fn treason(mut self, treason: Treason) -> Self {
        self.treason = Some(treason);
        self
    }

    /// Breaks members on purpose, to see which law notices.
    #[must_use]
    pub const fn sabotage(mut self, sabotage: Sabotage) -> Self {
        self.sabotage = Some(sabotage);
        self
    }

    /// What is going to happen.
    #[must_use]
    pub fn scenario(&self) -> Scenario {
        Scenario::draw(self.seed, self.rules, self.validators, self.treason)
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// [`Failure`]: a law does not hold. A panic of what is simulated is one as well.
    pub fn run(&self) -> Result<Report, Failure> {
        let fail = |Broken { law, what }| Failure {
            seed: self.seed,
            rules: self.rules,
            at_ms: 0,
            law,
            what,
        };
        let folder = tempfile::Builder::new().prefix("hanse-simulation-").tempdir_in(place());
        let folder = folder.map_err(|error| fail(Broken::machine(error)))?;
        let run = || {
            let run = Run::new(self.seed, self.scenario(), self.sabotage, folder.path());
            run.map_err(fail)?.run()
        };
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let what = format!("a panic: {}", text.unwrap_or("of an unknown kind"));
            Err(fail(Broken::law(crate::Law::NobodyStops, what)))
        })
    }
}

/// A folder in memory, where the system has one.
fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let writable = tempfile::tempfile_in(memory).is_ok();
    if writable { memory.to_owned() } else { std::env::temp_dir() }
}
