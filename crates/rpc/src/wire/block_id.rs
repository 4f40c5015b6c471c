use super::{
    FromJson,
    value::{digits, parse_u64, string},
};
use alloy_primitives::{B256, hex};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A block by its place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockTag {
    Latest,
    Earliest,
    Pending,
    Safe,
    Finalized,
    Number(u64),
}

/// A block as a request names it: a tag, a number, a hash, or an object (EIP-1898).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockId {
    Tag(BlockTag),
    Hash {
        hash: B256,
        /// Refuse a block that is not on the chain.
        require_canonical: bool,
    },
}

impl Default for BlockId {
    fn default() -> Self {
        Self::Tag(BlockTag::Latest)
    }
}

impl BlockTag {
    pub(crate) fn parse(text: &str) -> Result<Self, Cow<'static, str>> {
        Ok(match text {
            "latest" => Self::Latest,
            "earliest" => Self::Earliest,
            "pending" => Self::Pending,
            "safe" => Self::Safe,
            "finalized" => Self::Finalized,
            number => Self::Number(parse_u64(number)?),
        })
    }
}

impl<'a> FromJson<'a> for BlockTag {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        Self::parse(&string(raw)?)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Eip1898<'a> {
    #[serde(borrow)]
    block_hash: Option<Cow<'a, str>>,
    #[serde(borrow)]
    block_number: Option<Cow<'a, str>>,
    #[serde(default)]
    require_canonical: bool,
}

impl<'a> FromJson<'a> for BlockId {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        if !raw.get().starts_with('{') {
            let text = string(raw)?;
            // Only a hash is that long: a number has at most 16 digits.
            if text.len() == 66 {
                return Ok(Self::Hash { hash: hash(&text)?, require_canonical: false });
            }
            return BlockTag::parse(&text).map(Self::Tag);
        }
        let object: Eip1898<'_> = serde_json::from_str(raw.get())
            .map_err(|_| "expected an object with blockHash or blockNumber")?;
        match (object.block_hash, object.block_number) {
            (Some(text), None) => {
                Ok(Self::Hash { hash: hash(&text)?, require_canonical: object.require_canonical })
            }
            (None, Some(text)) => BlockTag::parse(&text).map(Self::Tag),
            (Some(_), Some(_)) => {
                Err("cannot specify both BlockHash and BlockNumber, choose one or the other".into())
            }
            (None, None) => Err("expected blockHash or blockNumber".into()),
        }
    }
}

fn hash(text: &str) -> Result<B256, Cow<'static, str>> {
    let mut hash = B256::ZERO;
    hex::decode_to_slice(digits(text)?, &mut hash.0).map_err(|_| "invalid block hash")?;
    Ok(hash)
}
