//! The recorded exchanges of Ethereum's JSON-RPC specification, if they are at hand: set
//! `HANSE_RPC_SUITE` to the folder that holds `genesis.json`, `chain.rlp` and one folder a method.
//! With `HANSE_RPC_URL` they go to a running node instead, which must have that chain already.
//!
//! An answer must equal the recorded one. Exchanges marked `speconly` are measured by their shape:
//! the same fields with values of the same kind. Of an error the code must be right; a message that
//! differs is told, since tools read messages, too.
#![expect(clippy::print_stdout, reason = "what is missed is told where tests are run")]

use super::chain::TestChain;
use alloy_rlp::Decodable;
use hanse_primitives::{Block, SealedBlock};
use hanse_rpc::RpcLimits;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
};

/// Of a hundred exchanges at least so many must be right.
const RIGHT_PERCENT_MIN: usize = 95;

/// What the recorded node's blocks move towards.
const GAS_LIMIT: u64 = 60_000_000;

/// Where the requests go.
enum Target {
    InProcess(Box<TestChain>),
    Url(String),
}

impl Target {
    fn ask(&self, request: &str) -> Value {
        match self {
            Self::InProcess(chain) => chain.text(request),
            Self::Url(address) => post(address, request),
        }
    }
}

/// Bytes on one connection: all that is needed of HTTP to ask a node of our own.
fn post(address: &str, request: &str) -> Value {
    let host = address.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).expect("the node of HANSE_RPC_URL is reachable");
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        request.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

/// One request with the answer it had.
struct Exchange {
    request: String,
    recorded: Value,
}

struct Case {
    name: String,
    /// Only the shape counts.
    shape_only: bool,
    exchanges: Vec<Exchange>,
}

#[derive(Default)]
struct Score {
    right: usize,
    wrong: usize,
    worded: usize,
}

#[test]
fn recorded_exchanges() {
    let Some(folder) = std::env::var_os("HANSE_RPC_SUITE").map(PathBuf::from) else {
        println!("skipped: HANSE_RPC_SUITE does not name the folder of the recorded exchanges");
        return;
    };
    let target = match std::env::var("HANSE_RPC_URL") {
        Ok(url) => Target::Url(url),
        Err(_) => Target::InProcess(Box::new(imported(&folder))),
    };
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for case in cases(&folder) {
        let method = case.name.split('/').next().unwrap().to_owned();
        run(&target, &case, scores.entry(method).or_default());
    }
    let total = |part: fn(&Score) -> usize| scores.values().map(part).sum::<usize>();
    let (right, wrong) = (total(|score| score.right), total(|score| score.wrong));
    for (method, score) in &scores {
        println!(
            "{method}: {} right, {} wrong, {} worded differently",
            score.right, score.wrong, score.worded
        );
    }
    println!("all: {right} of {} right, {} worded differently", right + wrong, total(|s| s.worded));
    assert!(right > 0, "the folder holds no exchanges");
    assert!(right * 100 >= (right + wrong) * RIGHT_PERCENT_MIN, "{wrong} answers are wrong");
}

fn imported(folder: &Path) -> TestChain {
    let genesis = fs::read(folder.join("genesis.json")).unwrap();
    let chain = TestChain::of(&genesis, RpcLimits::default(), Some(GAS_LIMIT));
    let blocks = fs::read(folder.join("chain.rlp")).unwrap();
    let mut rest = blocks.as_slice();
    while !rest.is_empty() {
        let block = SealedBlock::new(Block::decode(&mut rest).unwrap());
        if block.height().0 > 0 {
            chain.import(block);
        }
    }
    chain.refresh_pool(&[], &[]);
    chain
}

fn cases(folder: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut folders: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    // Reading first: what is sent fills the pool, and what is built from it comes last.
    folders.sort_by_key(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let turn = if name.starts_with("eth_send") {
            1
        } else {
            usize::from(name.starts_with("txpool")) * 2 + usize::from(name.starts_with("test")) * 3
        };
        (turn, name)
    });
    for method in folders {
        let mut files: Vec<_> =
            fs::read_dir(&method).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "io")) {
            cases.push(read(file, folder));
        }
    }
    cases
}

fn read(file: &Path, folder: &Path) -> Case {
    let text = fs::read_to_string(file).unwrap();
    let name = file.strip_prefix(folder).unwrap().with_extension("").display().to_string();
    let mut case = Case { name, shape_only: false, exchanges: Vec::new() };
    let mut request = None;
    for line in text.lines() {
        if line.starts_with("//") {
            case.shape_only |= line.contains("speconly");
        } else if let Some(asked) = line.strip_prefix(">> ") {
            request = Some(asked.to_owned());
        } else if let Some(told) = line.strip_prefix("<< ") {
            let request = request.take().expect("an answer follows its request");
            case.exchanges
                .push(Exchange { request, recorded: serde_json::from_str(told).unwrap() });
        }
    }
    case
}

fn run(target: &Target, case: &Case, score: &mut Score) {
    for exchange in &case.exchanges {
        let mut found = target.ask(&exchange.request);
        let mut recorded = exchange.recorded.clone();
        let messages = (take_message(&mut found), take_message(&mut recorded));
        let right = if case.shape_only {
            same_shape(&recorded, &found)
        } else {
            lower(recorded.clone()) == lower(found.clone())
        };
        if right {
            score.right += 1;
        } else {
            score.wrong += 1;
            println!("WRONG {}\n  asked    {}", case.name, brief(&exchange.request));
            if let Some(unwanted) = &messages.0 {
                println!("  found the error: {unwanted}");
            }
            match difference(&recorded, &found, "") {
                Some(difference) => println!("  {difference}"),
                None => println!("  the shape differs"),
            }
        }
        if let (found, Some(recorded)) = messages
            && found.as_ref() != Some(&recorded)
        {
            score.worded += 1;
            println!("WORDED {}\n  recorded {recorded}\n  found    {found:?}", case.name);
        }
    }
}

/// Takes the message out of an error, so that the rest can be compared strictly.
fn take_message(answer: &mut Value) -> Option<String> {
    let message = answer.get_mut("error")?.as_object_mut()?.remove("message")?;
    message.as_str().map(str::to_owned)
}

/// Hex digits have no case; addresses are recorded in both.
fn lower(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("0x") => Value::String(text.to_lowercase()),
        Value::Array(list) => list.into_iter().map(lower).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name.to_lowercase(), lower(value))).collect()
        }
        other => other,
    }
}

/// The first place where two answers differ.
fn difference(recorded: &Value, found: &Value, at: &str) -> Option<String> {
    match (recorded, found) {
        (Value::Object(recorded), Value::Object(found)) => {
            let names = recorded.keys().chain(found.keys().filter(|k| !recorded.contains_key(*k)));
            names.into_iter().find_map(|name| {
                let missing = Value::String("(missing)".to_owned());
                let recorded = recorded.get(name).unwrap_or(&missing);
                difference(recorded, found.get(name).unwrap_or(&missing), &format!("{at}.{name}"))
            })
        }
        (Value::Array(recorded), Value::Array(found)) if recorded.len() == found.len() => {
            let pairs = recorded.iter().zip(found).enumerate();
            pairs.into_iter().find_map(|(i, (recorded, found))| {
                difference(recorded, found, &format!("{at}[{i}]"))
            })
        }
        (recorded, found) if lower(recorded.clone()) == lower(found.clone()) => None,
        (recorded, found) => Some(format!(
            "at {at}: recorded {}, found {}",
            brief(&recorded.to_string()),
            brief(&found.to_string())
        )),
    }
}

/// The same fields with values of the same kind. Lists are compared by their first items; maps
/// whose names are values (addresses, nonces) by their values.
fn same_shape(recorded: &Value, found: &Value) -> bool {
    match (recorded, found) {
        (Value::Object(recorded), Value::Object(found)) => {
            let named_by_value = |name: &String| name.starts_with(|c: char| c.is_ascii_digit());
            if recorded.keys().chain(found.keys()).any(named_by_value) {
                let known = |f: &Value| recorded.values().any(|r| same_shape(r, f));
                return found.values().all(known);
            }
            let missing = |name: &String| found.get(name).is_none_or(Value::is_null);
            recorded.iter().all(|(name, value)| {
                let optional = value.is_null() || OPTIONAL.contains(&&**name);
                if missing(name) { optional } else { same_shape(value, &found[name]) }
            }) && found
                .keys()
                .all(|name| recorded.contains_key(name) || OPTIONAL.contains(&&**name))
        }
        (Value::Array(recorded), Value::Array(found)) => {
            recorded.first().zip(found.first()).is_none_or(|(r, f)| same_shape(r, f))
        }
        (Value::String(recorded), Value::String(found)) => {
            recorded.starts_with("0x") == found.starts_with("0x")
        }
        (Value::Null, _) | (_, Value::Null) => true,
        (recorded, found) => std::mem::discriminant(recorded) == std::mem::discriminant(found),
    }
}

/// Fields that the specification allows and the recorded node left out.
const OPTIONAL: &[&str] = &[
    "blobGasUsed",
    "blobVersionedHashes",
    "deleteStrategy",
    "error",
    "input",
    "maxFeePerBlobGas",
    "memory",
    "refund",
    "returnData",
    "storage",
];

fn brief(text: &str) -> String {
    const CHARACTERS: usize = 300;
    let short: String = text.chars().take(CHARACTERS).collect();
    if short.len() < text.len() { format!("{short}… ({} bytes)", text.len()) } else { short }
}
