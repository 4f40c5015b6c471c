use crate::{IdentityError, limits::ORGANIZATION_CHARACTERS_MAX};
use alloy_primitives::B256;
use std::{fmt, str::FromStr};

/// Names an organization, as Fabric's MSP id does: a letter, then up to 30 letters, digits, `-` or `_`, all
/// ASCII. Upper and lower case differ.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MspId(String);

impl MspId {
    /// The name with these characters.
    ///
    /// # Errors
    /// [`IdentityError::Organization`].
    pub fn new(text: &str) -> Result<Self, IdentityError> {
        let bad = |problem| IdentityError::Organization { name: shown(text), problem };
        if text.len() > ORGANIZATION_CHARACTERS_MAX {
            return Err(bad("it has more than 31 characters"));
        }
        if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Err(bad("it does not begin with a letter from A to Z"));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !text.bytes().all(allowed) {
            return Err(bad("only letters from A to Z, digits, - and _ may be in it"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name in a word of the chain: ASCII, left-aligned, zeros after it.
    ///
    /// # Errors
    /// [`IdentityError::Organization`].
    pub fn from_word(word: &B256) -> Result<Self, IdentityError> {
        let length = word.iter().position(|byte| *byte == 0).unwrap_or(word.len());
        let (name, rest) = word.split_at(length);
        let text = String::from_utf8_lossy(name);
        if rest.iter().any(|byte| *byte != 0) {
            let problem = "something follows its end";
            return Err(IdentityError::Organization { name: shown(&text), problem });
        }
        Self::new(&text)
    }

    /// The name as a word of the chain.
    #[must_use]
    pub fn to_word(&self) -> B256 {
        B256::right_padding_from(self.0.as_bytes())
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What somebody gave as a name, for a message: not all of it, and nothing that a terminal would obey.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(48).flat_map(char::escape_debug).collect()
}

impl FromStr for MspId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl fmt::Display for MspId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MspId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MspId({})", self.0)
    }
}
