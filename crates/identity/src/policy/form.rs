//! The form of bytes that the chain keeps (`IPolicies`).

use super::{Node, Policy};
use crate::{
    MspId, PolicyError, Role,
    limits::{POLICY_DEPTH_MAX, POLICY_NODES_MAX},
};
use alloy_primitives::B256;

const THRESHOLD: u8 = 1;
const PRINCIPAL: u8 = 2;
const SHARE: u8 = 3;
const ANYONE: u8 = 4;
const NOBODY: u8 = 5;

impl Policy {
    /// The form.
    #[must_use]
    pub fn to_form(&self) -> Vec<u8> {
        let mut form = Vec::new();
        self.0.write(&mut form);
        form
    }

    /// Reads a form.
    ///
    /// # Errors
    /// [`PolicyError`]: every form that is read is written in the same bytes again, and no other.
    pub fn from_form(form: &[u8]) -> Result<Self, PolicyError> {
        let mut reader = Reader { form, at: 0, count: 0 };
        let node = reader.node(1)?;
        if reader.at != form.len() {
            return Err(reader.bad("something follows its end"));
        }
        Self::checked(node)
    }
}

impl Node {
    fn write(&self, form: &mut Vec<u8>) {
        match self {
            Self::Threshold { least, nodes } => {
                let count = u8::try_from(nodes.len()).expect("a policy has at most 64 nodes");
                form.extend([THRESHOLD, count, *least]);
                nodes.iter().for_each(|node| node.write(form));
            }
            Self::Principal { organization, role, least } => {
                form.push(PRINCIPAL);
                form.extend(organization.as_ref().map_or(B256::ZERO, MspId::to_word));
                form.extend([role.number(), *least]);
            }
            Self::Share { role, numerator, denominator } => {
                form.extend([SHARE, role.number(), *numerator, *denominator]);
            }
            Self::Anyone => form.push(ANYONE),
            Self::Nobody => form.push(NOBODY),
        }
    }
}

struct Reader<'a> {
    form: &'a [u8],
    at: usize,
    count: usize,
}

impl Reader<'_> {
    const fn bad(&self, problem: &'static str) -> PolicyError {
        PolicyError::Form { at: self.at, problem }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], PolicyError> {
        let rest = &self.form[self.at..];
        let bytes = rest.first_chunk().ok_or(self.bad("it ends early"))?;
        self.at += N;
        Ok(*bytes)
    }

    fn role(&mut self) -> Result<Role, PolicyError> {
        let problem = self.bad("no role");
        let [number] = self.take()?;
        Role::from_number(number).ok_or(problem)
    }

    fn node(&mut self, depth: usize) -> Result<Node, PolicyError> {
        // Before anything is read deeper: bytes decide how deep we go.
        self.count += 1;
        if depth > POLICY_DEPTH_MAX {
            return Err(PolicyError::TooDeep);
        }
        if self.count > POLICY_NODES_MAX {
            return Err(PolicyError::TooManyNodes);
        }
        let unknown = self.bad("no node");
        let [kind] = self.take()?;
        match kind {
            THRESHOLD => {
                let [count, least] = self.take()?;
                let nodes = (0..count).map(|_| self.node(depth + 1));
                Ok(Node::Threshold { least, nodes: nodes.collect::<Result<_, _>>()? })
            }
            PRINCIPAL => {
                let problem = self.bad("no organization");
                let word = B256::from(self.take::<32>()?);
                let organization = match word {
                    B256::ZERO => None,
                    word => Some(MspId::from_word(&word).map_err(|_| problem)?),
                };
                let role = self.role()?;
                let [least] = self.take()?;
                Ok(Node::Principal { organization, role, least })
            }
            SHARE => {
                let role = self.role()?;
                let [numerator, denominator] = self.take()?;
                Ok(Node::Share { role, numerator, denominator })
            }
            ANYONE => Ok(Node::Anyone),
            NOBODY => Ok(Node::Nobody),
            _ => Err(unknown),
        }
    }
}
