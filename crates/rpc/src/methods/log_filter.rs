use super::resolve::by_tag;
use crate::{
    Context, RpcError,
    limits::{FILTER_ALTERNATIVES_MAX, TOPICS_MAX},
    wire::{BlockTag, FromJson},
};
use alloy_primitives::{Address, B256, Bloom, BloomInput, Log};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, ops::RangeInclusive};

/// Which logs somebody wants (`eth_getLogs`, filters and subscriptions).
#[derive(Clone, Debug, Default)]
pub(crate) struct LogFilter {
    pub(crate) blocks: Blocks,
    /// Any of these; all when empty.
    addresses: Vec<Address>,
    /// For each position any of these; all when empty.
    topics: Vec<Vec<B256>>,
    /// The bits that the alternatives above would have set in a block's bloom filter.
    blooms: Vec<Vec<Bloom>>,
}

/// Where to look.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Blocks {
    Range { from: Option<BlockTag>, to: Option<BlockTag> },
    Hash(B256),
}

impl Default for Blocks {
    fn default() -> Self {
        Self::Range { from: None, to: None }
    }
}

impl LogFilter {
    /// True when the log is wanted.
    pub(crate) fn wants(&self, log: &Log) -> bool {
        (self.addresses.is_empty() || self.addresses.contains(&log.address))
            && self.topics.len() <= log.topics().len()
            && self
                .topics
                .iter()
                .zip(log.topics())
                .all(|(wanted, topic)| wanted.is_empty() || wanted.contains(topic))
    }

    /// False when a block with this bloom filter cannot hold a wanted log.
    pub(crate) fn may_be_in(&self, bloom: &Bloom) -> bool {
        self.blooms.iter().all(|wanted| wanted.iter().any(|bits| bloom.contains(bits)))
    }

    /// The heights to look at; the head where the filter names none.
    ///
    /// # Errors
    /// [`RpcError::InvalidParams`] when the range is upside down or beyond the head, and
    /// [`RpcError::LimitExceeded`] when it is too long.
    pub(crate) fn range(
        context: &Context,
        from: Option<BlockTag>,
        to: Option<BlockTag>,
    ) -> Result<RangeInclusive<u64>, RpcError> {
        let head = context.ledger.head().height.0;
        let height = |tag: Option<BlockTag>| -> Result<u64, RpcError> {
            Ok(match tag {
                None => head,
                Some(BlockTag::Number(number)) => number,
                Some(tag) => by_tag(context, tag)?.map_or(head, |found| found.height.0),
            })
        };
        let (from, to) = (height(from)?, height(to)?);
        if from > to {
            return Err(RpcError::InvalidParams("invalid block range params".into()));
        }
        if to > head {
            let why = "block range extends beyond current head block";
            return Err(RpcError::InvalidParams(why.into()));
        }
        let most = context.limits.log_blocks_max;
        if to - from >= most {
            return Err(RpcError::LimitExceeded(format!(
                "block range of {} is too long, at most {most} blocks at a time",
                (to - from).saturating_add(1)
            )));
        }
        Ok(from..=to)
    }

    fn with_blooms(mut self) -> Self {
        let bits = |bytes: &[u8]| Bloom::from(BloomInput::Raw(bytes));
        let addresses = self.addresses.iter().map(|address| bits(address.as_slice())).collect();
        let topics = self
            .topics
            .iter()
            .map(|wanted| wanted.iter().map(|topic| bits(topic.as_slice())).collect());
        self.blooms = std::iter::once(addresses).chain(topics).collect();
        self.blooms.retain(|wanted: &Vec<Bloom>| !wanted.is_empty());
        self
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow)]
    block_hash: Option<&'a RawValue>,
    #[serde(borrow)]
    from_block: Option<&'a RawValue>,
    #[serde(borrow)]
    to_block: Option<&'a RawValue>,
    #[serde(borrow)]
    address: Option<&'a RawValue>,
    #[serde(borrow)]
    topics: Option<Vec<Option<&'a RawValue>>>,
}

impl<'a> FromJson<'a> for LogFilter {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        let fields: Fields<'a> =
            serde_json::from_str(raw.get()).map_err(|_| "expected a filter object")?;
        let tag = |raw: Option<&'a RawValue>| raw.map(BlockTag::from_json).transpose();
        let blocks = match (fields.block_hash, fields.from_block, fields.to_block) {
            (Some(hash), None, None) => Blocks::Hash(B256::from_json(hash)?),
            (None, from, to) => Blocks::Range { from: tag(from)?, to: tag(to)? },
            (Some(_), ..) => {
                return Err("cannot specify both BlockHash and FromBlock/ToBlock, \
                            choose one or the other"
                    .into());
            }
        };
        let topics = fields.topics.unwrap_or_default();
        if topics.len() > TOPICS_MAX {
            return Err("exceed max topics".into());
        }
        let topics = topics.into_iter().map(one_or_many).collect::<Result<_, _>>()?;
        let addresses = one_or_many(fields.address)?;
        Ok(Self { blocks, addresses, topics, blooms: Vec::new() }.with_blooms())
    }
}

/// Nothing, one value, or a list of alternatives. A null among the alternatives admits all.
fn one_or_many<'a, T: FromJson<'a>>(
    raw: Option<&'a RawValue>,
) -> Result<Vec<T>, Cow<'static, str>> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    if !raw.get().starts_with('[') {
        return Ok(vec![T::from_json(raw)?]);
    }
    let list: Vec<Option<&'a RawValue>> =
        serde_json::from_str(raw.get()).map_err(|_| "expected a list")?;
    if list.len() > FILTER_ALTERNATIVES_MAX {
        return Err(
            format!("exceed max addresses or topics, at most {FILTER_ALTERNATIVES_MAX}").into()
        );
    }
    if list.iter().any(Option::is_none) {
        return Ok(Vec::new());
    }
    list.into_iter().flatten().map(T::from_json).collect()
}
