//! Runs many seeds: `simulate --engine bft --seeds 1000 --from 0`.
#![expect(clippy::print_stdout, reason = "a command says what it found")]

use hanse_simulator::{Failure, Report, Rules, Simulation};
use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

/// Seeds between two lines that say how far it is.
const PROGRESS: usize = 100;

/// What was asked for.
struct Options {
    engines: Vec<Rules>,
    seeds: u64,
    from: u64,
    verbose: bool,
}

fn main() -> ExitCode {
    match options(std::env::args().skip(1)) {
        Ok(options) => {
            let passed = options.engines.iter().map(|rules| all(*rules, &options));
            if passed.fold(true, |all, one| all & one) {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(why) => {
            println!(
                "{why}\nusage: simulate [--engine NAME,..] [--seeds COUNT] [--from SEED] [--verbose]"
            );
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let engines = Rules::ALL.to_vec();
    let mut options = Options { engines, seeds: 100, from: 0, verbose: false };
    while let Some(name) = arguments.next() {
        if name == "--verbose" {
            options.verbose = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{name} wants a value"))?;
        let number = || value.parse().map_err(|_| format!("{name}: '{value}' is no number"));
        match name.as_str() {
            "--engine" => {
                let names = value.split(',').filter(|name| !name.is_empty());
                options.engines = names.map(str::parse).collect::<Result<_, String>>()?;
            }
            "--seeds" => options.seeds = number()?,
            "--from" => options.from = number()?,
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(options)
}

/// Runs all seeds of an engine; true when all laws held.
fn all(rules: Rules, options: &Options) -> bool {
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    let outcomes: Mutex<Vec<Result<Report, Failure>>> = Mutex::default();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= options.seeds {
                        return;
                    }
                    let simulation =
                        Simulation::new(options.from.wrapping_add(number)).rules(rules);
                    let outcome = simulation.run();
                    if options.verbose || outcome.is_err() {
                        println!("{:#?}", simulation.scenario());
                    }
                    match &outcome {
                        Ok(report) if options.verbose => println!("{report:#?}"),
                        Ok(_) => {}
                        Err(failure) => println!("{rules}, seed {}: {failure}", failure.seed),
                    }
                    let mut outcomes = outcomes.lock().expect("no thread panics: runs catch it");
                    outcomes.push(outcome);
                    if outcomes.len().is_multiple_of(PROGRESS) {
                        let passed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
                        let seconds = begun.elapsed().as_secs();
                        println!(
                            "{rules}: {passed} of {} pass so far, {seconds} s",
                            outcomes.len()
                        );
                    }
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().expect("no thread panics: runs catch it");
    let reports: Vec<&Report> = outcomes.iter().flatten().collect();
    let sum = |of: fn(&Report) -> u64| reports.iter().map(|report| of(report)).sum::<u64>();
    println!(
        "{rules}: {} of {} seeds from {} pass in {:.1} s: {} blocks, {} events, {} crashes, {} reverted \
         heads, {} handovers, {} accusations, {} traitors removed",
        reports.len(),
        options.seeds,
        options.from,
        begun.elapsed().as_secs_f64(),
        sum(|report| report.height.0),
        sum(|report| report.events),
        sum(|report| report.crashes),
        sum(|report| report.reverted),
        sum(|report| report.handovers),
        sum(|report| report.accusations),
        sum(|report| report.removed as u64),
    );
    reports.len() as u64 == options.seeds
}
