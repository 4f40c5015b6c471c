//! The processes of a network on this machine.

use super::{Member, Plan};
use crate::{
    NodeError,
    client::{Client, Endpoint},
    process::Process,
};
use alloy_primitives::U256;
use hanse_primitives::ChainSpec;
use serde_json::json;
use std::{
    fmt::Write,
    time::{Duration, Instant},
};

/// Longest time until all nodes know each other.
const START_TIME_MAX: Duration = Duration::from_secs(60);

/// Time between looks at the nodes while they start.
const START_LOOK_TIME: Duration = Duration::from_millis(50);

/// Time between looks at the nodes while they run.
const LOOK_TIME: Duration = Duration::from_millis(500);

/// Nodes that run.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) members: Vec<Member>,
    /// Those that have not ended, with the member's name.
    running: Vec<(String, Process)>,
}

impl Plan {
    /// The chain of this network, whose folder has been prepared.
    pub(crate) fn spec(&self) -> Result<ChainSpec, NodeError> {
        let path = self.genesis();
        let json = std::fs::read(&path).map_err(|e| NodeError::file("read", &path, e))?;
        Ok(ChainSpec::parse(&json)?)
    }
}

impl Network {
    /// Starts these members' nodes.
    pub(crate) fn start(members: Vec<Member>) -> Result<Self, NodeError> {
        let started = members.iter().map(|member| Ok((member.name.clone(), member.start()?)));
        let running = started.collect::<Result<_, NodeError>>()?;
        Ok(Self { members, running })
    }

    /// Waits until all answer and know each other.
    pub(crate) async fn ready(&mut self) -> Result<(), NodeError> {
        let begun = Instant::now();
        let others = U256::from(self.members.len() - 1);
        for member in &self.members {
            let mut client = Client::new(member.http);
            loop {
                for (_, process) in &mut self.running {
                    process.check()?;
                }
                let peers: Result<U256, NodeError> = client.call("net_peerCount", &json!([])).await;
                match peers {
                    Ok(peers) if peers >= others => break,
                    answer if begun.elapsed() > START_TIME_MAX => {
                        let why = match answer {
                            Ok(peers) => format!("it has {peers} of {others} peers"),
                            Err(error) => error.to_string(),
                        };
                        let name = &member.name;
                        let seconds = START_TIME_MAX.as_secs();
                        let why = format!("{name} was not ready within {seconds} s: {why}");
                        return Err(NodeError::Failed(why));
                    }
                    _ => tokio::time::sleep(START_LOOK_TIME).await,
                }
            }
        }
        Ok(())
    }

    /// True when more than two thirds of equal validators are left without one.
    pub(crate) fn can_spare_one(&self) -> bool {
        let (left, all) = (self.running.len().saturating_sub(1), self.members.len());
        3 * left > 2 * all
    }

    /// Stops the last member's node.
    pub(crate) async fn stop_last(&mut self) -> Result<(), NodeError> {
        match self.running.pop() {
            Some((_, process)) => process.stop().await,
            None => Ok(()),
        }
    }

    /// Starts the last member's node; tells where it will answer.
    pub(crate) fn start_last(&mut self) -> Result<(&mut Process, Endpoint), NodeError> {
        let last = self.members.last().expect("a network has members");
        self.running.push((last.name.clone(), last.start()?));
        let (_, process) = self.running.last_mut().expect("it has just been pushed");
        Ok((process, Endpoint::from(last.http)))
    }

    /// Numbers of the processes that run.
    pub(crate) fn processes(&self) -> impl Iterator<Item = u32> {
        self.running.iter().map(|(_, process)| process.id())
    }

    /// Who runs what where, a line each.
    pub(crate) fn describe(members: &[Member]) -> String {
        let mut text = String::new();
        for member in members {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{:<10} {}  http://{}  ws://{}  http://localhost:{}",
                member.name,
                member.account,
                member.http,
                member.ws,
                member.web.port()
            );
        }
        text
    }

    /// Completes when no node is left. `tell` hears of each that ends by itself; the others go on.
    pub(crate) async fn watch(&mut self, tell: impl Fn(&str)) {
        while !self.running.is_empty() {
            tokio::time::sleep(LOOK_TIME).await;
            self.running.retain_mut(|(name, process)| match process.check() {
                Ok(()) => true,
                Err(error) => {
                    tell(&format!("{name}: {error}"));
                    false
                }
            });
        }
    }

    /// Stops what runs.
    pub(crate) async fn stop(self) -> Result<(), NodeError> {
        for (_, process) in self.running {
            process.stop().await?;
        }
        Ok(())
    }
}
