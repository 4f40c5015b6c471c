//! The commonest request in its commonest spellings, recognized without being parsed: a batch of
//! transactions would otherwise be read three times over (list, request, parameters). Whatever looks
//! any different takes the ordinary road, which gives the same answer.

use alloy_primitives::hex;

/// How the method and its parameter are spelled, up to the digits of the transaction.
const SEND: &str = r#""method":"eth_sendRawTransaction","params":["0x"#;

const VERSION: &str = r#""jsonrpc":"2.0""#;

/// Digits of an id that is echoed without a second look.
const ID_DIGITS_MAX: usize = 15;

/// Id and digits of a single `eth_sendRawTransaction`, in one of the orders in which the known
/// libraries write its fields, without any space.
pub(crate) fn transaction(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('{')?.strip_suffix('}')?;
    if let Some(rest) = text.strip_prefix(SEND) {
        let (digits, rest) = rest.split_once("\"],\"id\":")?;
        let id = rest.strip_suffix(VERSION)?.strip_suffix(',')?;
        return checked(id, digits);
    }
    let rest = text.strip_prefix(VERSION)?.strip_prefix(',')?;
    if let Some(rest) = rest.strip_prefix(SEND) {
        let (digits, id) = rest.split_once("\"],\"id\":")?;
        return checked(id, digits);
    }
    let (id, rest) = rest.strip_prefix("\"id\":")?.split_once(',')?;
    checked(id, rest.strip_prefix(SEND)?.strip_suffix("\"]")?)
}

/// Refuses what might hold more than it seems: anything but digits, in the id or the transaction.
fn checked<'a>(id: &'a str, digits: &'a str) -> Option<(&'a str, &'a str)> {
    let plain = !id.is_empty()
        && id.len() <= ID_DIGITS_MAX
        && (id == "0" || !id.starts_with('0'))
        && id.bytes().all(|digit| digit.is_ascii_digit());
    (plain && hex::check_raw(digits)).then_some((id, digits))
}
