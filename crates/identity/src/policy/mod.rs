//! Policies: who must agree.

mod form;
mod parse;
#[cfg(test)]
mod tests;

use crate::{
    MspId, PolicyError, Role, RoleSet,
    limits::{APPROVERS_MAX, APPROVERS_OF_ONE_MAX, POLICY_DEPTH_MAX, POLICY_NODES_MAX},
};
use alloy_primitives::Address;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Which accounts must approve: an expression with a text for people ([`Policy::parse`], [`fmt::Display`]) and a
/// form of bytes for the chain ([`Policy::to_form`]). `docs/protocol/policies.md` has both.
///
/// A value is always within the limits: all ways to one check them.
#[derive(Clone, PartialEq, Eq)]
pub struct Policy(Node);

/// One node of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    /// At least so many of these hold. AND and OR are such.
    Threshold { least: u8, nodes: Vec<Node> },
    /// At least so many different accounts have the role, of one organization or of all together.
    Principal { organization: Option<MspId>, role: Role, least: u8 },
    /// More than this part of the active organizations have an account with the role.
    Share { role: Role, numerator: u8, denominator: u8 },
    /// Holds always.
    Anyone,
    /// Holds never.
    Nobody,
}

/// Somebody who approves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approver {
    /// The account that approves; the same one counts once.
    pub account: Address,
    /// Whose it is.
    pub organization: MspId,
    /// Its roles in effect; it is a member whatever they say.
    pub roles: RoleSet,
}

impl Policy {
    /// Always met.
    pub const ANYONE: Self = Self(Node::Anyone);

    /// Never met.
    pub const NOBODY: Self = Self(Node::Nobody);

    /// At least `least` of several policies.
    ///
    /// # Errors
    /// [`PolicyError`] for a number that no policy can have, and beyond the limits.
    pub fn threshold(least: u8, policies: Vec<Self>) -> Result<Self, PolicyError> {
        let nodes = policies.into_iter().map(|policy| policy.0).collect();
        Self::checked(Node::Threshold { least, nodes })
    }

    /// At least `least` different accounts with a role, of one organization; `None` is of all together.
    ///
    /// # Errors
    /// [`PolicyError::Number`] for 0.
    pub fn principal(
        organization: Option<MspId>,
        role: Role,
        least: u8,
    ) -> Result<Self, PolicyError> {
        Self::checked(Node::Principal { organization, role, least })
    }

    /// An account with a role in each of more than this part of the active organizations.
    ///
    /// # Errors
    /// [`PolicyError::Number`] when it is not a part between none and all.
    pub fn share(role: Role, numerator: u8, denominator: u8) -> Result<Self, PolicyError> {
        Self::checked(Node::Share { role, numerator, denominator })
    }

    fn checked(node: Node) -> Result<Self, PolicyError> {
        let mut count = 0;
        node.check(1, &mut count)?;
        Ok(Self(node))
    }

    /// Whether these approvers suffice where these organizations are active. What is said by approvers of
    /// others does not count.
    #[must_use]
    pub fn evaluate(&self, approvers: &[Approver], active: &BTreeSet<MspId>) -> bool {
        let mut counted: BTreeMap<Address, &Approver> = BTreeMap::new();
        for approver in approvers.iter().filter(|one| active.contains(&one.organization)) {
            counted.entry(approver.account).or_insert(approver);
        }
        let counted: Vec<&Approver> = counted.into_values().collect();
        self.0.holds(&counted, active.len())
    }
}

impl Node {
    fn check(&self, depth: usize, count: &mut usize) -> Result<(), PolicyError> {
        *count += 1;
        if depth > POLICY_DEPTH_MAX {
            return Err(PolicyError::TooDeep);
        }
        if *count > POLICY_NODES_MAX {
            return Err(PolicyError::TooManyNodes);
        }
        match self {
            Self::Threshold { least, nodes } => {
                if *least == 0 || usize::from(*least) > nodes.len() {
                    let problem =
                        "of several policies, at least 1 and at most all can be asked for";
                    return Err(PolicyError::Number(problem));
                }
                nodes.iter().try_for_each(|node| node.check(depth + 1, count))
            }
            Self::Principal { least: 0, .. } => {
                Err(PolicyError::Number("at least 1 account can be asked for"))
            }
            Self::Principal { organization: Some(_), least, .. }
                if *least > APPROVERS_OF_ONE_MAX =>
            {
                Err(PolicyError::Number("of one organization, at most 8 accounts can be asked for"))
            }
            Self::Principal { least, .. } if *least > APPROVERS_MAX => {
                Err(PolicyError::Number("at most 64 accounts can be asked for"))
            }
            Self::Share { numerator, denominator, .. } if numerator >= denominator => {
                Err(PolicyError::Number("a share is less than all: more than n/d with n below d"))
            }
            Self::Principal { .. } | Self::Share { .. } | Self::Anyone | Self::Nobody => Ok(()),
        }
    }

    fn holds(&self, approvers: &[&Approver], active: usize) -> bool {
        match self {
            Self::Threshold { least, nodes } => {
                let held = nodes.iter().filter(|node| node.holds(approvers, active)).count();
                held >= usize::from(*least)
            }
            Self::Principal { organization, role, least } => {
                let counts = organizations_with(approvers, *role);
                let count = match organization {
                    Some(organization) => counts.get(organization).copied().unwrap_or(0),
                    None => counts.values().sum(),
                };
                count >= usize::from(*least)
            }
            Self::Share { role, numerator, denominator } => {
                let present = organizations_with(approvers, *role).len();
                present * usize::from(*denominator) > active * usize::from(*numerator)
            }
            Self::Anyone => true,
            Self::Nobody => false,
        }
    }
}

/// How many approvers with a role each organization has.
fn organizations_with<'a>(approvers: &[&'a Approver], role: Role) -> BTreeMap<&'a MspId, usize> {
    let mut counts = BTreeMap::new();
    for approver in approvers {
        if role == Role::Member || approver.roles.contains(role) {
            *counts.entry(&approver.organization).or_default() += 1;
        }
    }
    counts
}

/// The one text that is written for a policy. It reads as the same policy.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({})", self.0)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threshold { least, nodes } => {
                if usize::from(*least) == nodes.len() {
                    f.write_str("AND(")?;
                } else if *least == 1 {
                    f.write_str("OR(")?;
                } else {
                    write!(f, "{least} of (")?;
                }
                for (at, node) in nodes.iter().enumerate() {
                    write!(f, "{}{node}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            Self::Principal { organization, role, least } => {
                if *least > 1 {
                    write!(f, "{least} of ")?;
                }
                let name = organization.as_ref().map_or("*", MspId::as_str);
                write!(f, "'{name}.{role}'")
            }
            Self::Share { role, numerator: 1, denominator: 2 } => write!(f, "MAJORITY({role})"),
            Self::Share { role, numerator, denominator } => {
                write!(f, "MORE_THAN({numerator}/{denominator}, {role})")
            }
            Self::Anyone => f.write_str("ANYONE"),
            Self::Nobody => f.write_str("NOBODY"),
        }
    }
}
