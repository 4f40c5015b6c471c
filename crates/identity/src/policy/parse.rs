//! The text of policies.

use super::{Node, Policy};
use crate::{
    MspId, PolicyError, Role,
    limits::{POLICY_DEPTH_MAX, POLICY_NODES_MAX, POLICY_TEXT_BYTES_MAX},
};
use std::str::FromStr;

const POLICY: &str = "a policy: AND(…), OR(…), 2 of (…), 'Organization.role', '*.role', MAJORITY(role), \
                      MORE_THAN(2/3, role), ANYONE or NOBODY";

impl Policy {
    /// Reads the text of a policy, as `AND('Bank.admin', 2 of (Brand.member, Shop.member, *.auditor))`.
    /// Fabric's `OutOf(2, …)` is read too. Upper and lower case count in organizations only.
    ///
    /// # Errors
    /// [`PolicyError::Text`] with the column and what could stand there; [`PolicyError::Number`] and limits.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > POLICY_TEXT_BYTES_MAX {
            return Err(PolicyError::TooLong);
        }
        let mut reader = Reader { text: text.chars().collect(), at: 0, count: 0 };
        let node = reader.node(1)?;
        reader.space();
        if reader.at != reader.text.len() {
            return Err(reader.expected("the end"));
        }
        Self::checked(node)
    }
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
    count: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn expected(&self, expected: &str) -> PolicyError {
        self.expected_at(self.at, expected)
    }

    fn expected_at(&self, at: usize, expected: &str) -> PolicyError {
        let found: String =
            self.text[at..].iter().take(16).flat_map(|c| c.escape_debug()).collect();
        let found = if found.is_empty() { "the end".to_owned() } else { format!("`{found}`") };
        PolicyError::Text { column: at + 1, expected: expected.to_owned(), found }
    }

    fn sign(&mut self, sign: char) -> Result<(), PolicyError> {
        if self.is_sign(sign) { Ok(()) } else { Err(self.expected(&format!("`{sign}`"))) }
    }

    /// Takes a sign if it is the next.
    fn is_sign(&mut self, sign: char) -> bool {
        self.space();
        let is_next = self.peek() == Some(sign);
        self.at += usize::from(is_next);
        is_next
    }

    /// Letters, digits, `-` and `_`; may be empty.
    fn word(&mut self) -> String {
        self.space();
        let rest = &self.text[self.at..];
        let allowed = |c: &&char| c.is_ascii_alphanumeric() || **c == '-' || **c == '_';
        let word: String = rest.iter().take_while(allowed).collect();
        self.at += word.len();
        word
    }

    fn number(&mut self) -> Result<u8, PolicyError> {
        self.space();
        let start = self.at;
        let word = self.word();
        let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let number = word.parse().ok().filter(|_| is_number);
        number.ok_or_else(|| self.expected_at(start, "a number up to 255"))
    }

    fn role(&mut self) -> Result<Role, PolicyError> {
        self.space();
        let start = self.at;
        let word = self.word().to_ascii_lowercase();
        word.parse().map_err(|_| {
            let names: Vec<&str> = Role::ALL.into_iter().map(Role::name).collect();
            self.expected_at(start, &format!("a role ({})", names.join(", ")))
        })
    }

    fn node(&mut self, depth: usize) -> Result<Node, PolicyError> {
        // Before anything is read deeper: the text decides how deep we go.
        self.count += 1;
        if depth > POLICY_DEPTH_MAX {
            return Err(PolicyError::TooDeep);
        }
        if self.count > POLICY_NODES_MAX {
            return Err(PolicyError::TooManyNodes);
        }
        self.space();
        let start = self.at;
        match self.peek() {
            Some('\'' | '"' | '*') => self.principal(1),
            Some(c) if c.is_ascii_digit() => self.several(depth),
            Some(c) if c.is_ascii_alphabetic() => {
                let word = self.word();
                // An organization may be called as a keyword is: the dot tells.
                if self.peek() == Some('.') {
                    self.at = start;
                    return self.principal(1);
                }
                self.keyword(&word, start, depth)
            }
            _ => Err(self.expected(POLICY)),
        }
    }

    fn keyword(&mut self, word: &str, start: usize, depth: usize) -> Result<Node, PolicyError> {
        match word.to_ascii_uppercase().as_str() {
            "AND" => {
                let nodes = self.list(depth)?;
                let least = u8::try_from(nodes.len()).map_err(|_| PolicyError::TooManyNodes)?;
                Ok(Node::Threshold { least, nodes })
            }
            "OR" => Ok(Node::Threshold { least: 1, nodes: self.list(depth)? }),
            "OUTOF" => {
                self.sign('(')?;
                let least = self.number()?;
                self.sign(',')?;
                Ok(Node::Threshold { least, nodes: self.rest_of_list(depth)? })
            }
            "MAJORITY" => {
                self.sign('(')?;
                let role = self.role()?;
                self.sign(')')?;
                Ok(Node::Share { role, numerator: 1, denominator: 2 })
            }
            "MORE_THAN" => {
                self.sign('(')?;
                let numerator = self.number()?;
                self.sign('/')?;
                let denominator = self.number()?;
                self.sign(',')?;
                let role = self.role()?;
                self.sign(')')?;
                Ok(Node::Share { role, numerator, denominator })
            }
            "ANYONE" => Ok(Node::Anyone),
            "NOBODY" => Ok(Node::Nobody),
            _ => Err(self.expected_at(start, POLICY)),
        }
    }

    /// `2 of (…)`, or `2 of 'Bank.admin'`.
    fn several(&mut self, depth: usize) -> Result<Node, PolicyError> {
        let least = self.number()?;
        self.space();
        let start = self.at;
        if !self.word().eq_ignore_ascii_case("of") {
            return Err(self.expected_at(start, "`of`"));
        }
        self.space();
        match self.peek() {
            Some('(') => Ok(Node::Threshold { least, nodes: self.list(depth)? }),
            Some(c) if c.is_ascii_alphabetic() || matches!(c, '\'' | '"' | '*') => {
                self.principal(least)
            }
            _ => Err(self.expected("`(` with policies, or 'Organization.role'")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, PolicyError> {
        self.sign('(')?;
        self.rest_of_list(depth)
    }

    fn rest_of_list(&mut self, depth: usize) -> Result<Vec<Node>, PolicyError> {
        let mut nodes = vec![self.node(depth + 1)?];
        while self.is_sign(',') {
            nodes.push(self.node(depth + 1)?);
        }
        if self.is_sign(')') { Ok(nodes) } else { Err(self.expected("`,` or `)`")) }
    }

    fn principal(&mut self, least: u8) -> Result<Node, PolicyError> {
        self.space();
        let quote = self.peek().filter(|c| matches!(c, '\'' | '"'));
        self.at += usize::from(quote.is_some());
        let start = self.at;
        let organization = if self.is_sign('*') {
            None
        } else {
            let word = self.word();
            Some(MspId::new(&word).map_err(|_| {
                let expected =
                    "an organization (a letter, then up to 30 letters, digits, - or _) or `*`";
                self.expected_at(start, expected)
            })?)
        };
        self.sign('.')?;
        let role = self.role()?;
        if let Some(quote) = quote {
            self.sign(quote)?;
        }
        Ok(Node::Principal { organization, role, least })
    }
}
