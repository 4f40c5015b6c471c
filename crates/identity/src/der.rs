//! DER to the letter (ITU-T X.690, sections 8, 10 and 11): every value has one encoding and nothing else is
//! read. Otherwise one certificate could come in many forms with as many fingerprints, and a revoked one
//! come back in another.

use crate::{CertificateError, limits::DER_DEPTH_MAX};

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
const ENUMERATED: u8 = 0x0a;
pub(crate) const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The form of tags with more than five bits, which nothing here has.
const LONG_TAG: u8 = 0x1f;
const CONSTRUCTED: u8 = 0x20;
const CLASS: u8 = 0xc0;
const UNIVERSAL: u8 = 0x00;
const CONTEXT: u8 = 0x80;

/// From this year on, dates are written with four digits (RFC 5280, section 4.1.2.5).
const FOUR_DIGITS_FROM: &[u8] = b"2050";

/// One value with its header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// Header and content.
    pub(crate) whole: &'a [u8],
}

/// Makes sure that bytes are one value, in DER to the letter.
pub(crate) fn check(bytes: &[u8]) -> Result<(), CertificateError> {
    let (element, rest) = read(bytes, 0)?;
    if !rest.is_empty() {
        return Err(not_der(element.whole.len(), "something follows its end"));
    }
    check_element(&element, 0, 1)
}

/// Reads one value from the front; `at` is where it stands, for messages.
pub(crate) fn read(bytes: &[u8], at: usize) -> Result<(Element<'_>, &[u8]), CertificateError> {
    let short = || not_der(at, "it ends early");
    let (tag, rest) = bytes.split_first().ok_or_else(short)?;
    if tag & LONG_TAG == LONG_TAG {
        return Err(not_der(at, "a tag that certificates do not have"));
    }
    let (first, rest) = rest.split_first().ok_or_else(short)?;
    let (length, header) = match *first {
        length @ 0..=0x7f => (usize::from(length), 2),
        0x80 => return Err(not_der(at, "an indefinite length")),
        0x81..=0x83 => {
            let count = usize::from(first & 0x7f);
            let digits = rest.get(..count).ok_or_else(short)?;
            let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
            if digits[0] == 0 || length < 0x80 {
                return Err(not_der(at, "a length with more bytes than it needs"));
            }
            (length, 2 + count)
        }
        _ => return Err(not_der(at, "a length that nothing here has")),
    };
    let end = header + length;
    let whole = bytes.get(..end).ok_or_else(short)?;
    Ok((Element { tag: *tag, content: &whole[header..], whole }, &bytes[end..]))
}

fn check_element(element: &Element<'_>, at: usize, depth: usize) -> Result<(), CertificateError> {
    if depth > DER_DEPTH_MAX {
        return Err(not_der(at, "it is nested too deeply"));
    }
    let is_constructed = element.tag & CONSTRUCTED != 0;
    match (element.tag & CLASS, is_constructed) {
        (UNIVERSAL, true) if matches!(element.tag, SEQUENCE | SET) => {
            check_content(element, at, depth)
        }
        (UNIVERSAL, false) => check_primitive(element.tag, element.content, at),
        (CONTEXT, true) => check_content(element, at, depth),
        // What is in it only its place tells; whoever reads it there looks at the bytes.
        (CONTEXT, false) => Ok(()),
        _ => Err(not_der(at, "a tag that certificates do not have")),
    }
}

fn check_content(element: &Element<'_>, at: usize, depth: usize) -> Result<(), CertificateError> {
    let mut rest = element.content;
    let mut before: Option<&[u8]> = None;
    while !rest.is_empty() {
        let at = at + element.whole.len() - rest.len();
        let (inner, after) = read(rest, at)?;
        check_element(&inner, at, depth + 1)?;
        if element.tag == SET && before.is_some_and(|before| before >= inner.whole) {
            return Err(not_der(at, "a set that is not in order, or holds a value twice"));
        }
        (before, rest) = (Some(inner.whole), after);
    }
    Ok(())
}

fn check_primitive(tag: u8, content: &[u8], at: usize) -> Result<(), CertificateError> {
    let problem = match tag {
        // `FALSE` is the default wherever certificates have a boolean, and defaults are left out.
        BOOLEAN => (content != [0xff]).then_some("a boolean that is not TRUE as DER has it"),
        INTEGER | ENUMERATED => {
            (!is_least_integer(content)).then_some("a number with more bytes than it needs")
        }
        BIT_STRING => (!is_bit_string(content)).then_some("bits that are not padded with zeros"),
        OCTET_STRING => None,
        NULL => (!content.is_empty()).then_some("a null with content"),
        OBJECT_IDENTIFIER => (!is_object_identifier(content)).then_some("no object identifier"),
        UTF8_STRING => std::str::from_utf8(content).is_err().then_some("text that is not UTF-8"),
        PRINTABLE_STRING => (!content.iter().all(|byte| is_printable(*byte)))
            .then_some("text with characters that it must not have"),
        IA5_STRING => (!content.is_ascii()).then_some("text that is not ASCII"),
        UTC_TIME => (!is_time(content, 12)).then_some("a date that is not YYMMDDhhmmssZ"),
        GENERALIZED_TIME => (!is_time(content, 14) || content[..4] < *FOUR_DIGITS_FROM)
            .then_some("a date before 2050 with four digits, or not YYYYMMDDhhmmssZ"),
        _ => Some("a type that certificates do not have"),
    };
    problem.map_or(Ok(()), |problem| Err(not_der(at, problem)))
}

fn is_least_integer(content: &[u8]) -> bool {
    match content {
        [] => false,
        [first, second, ..] => !matches!((first, second >> 7), (0, 0) | (0xff, 1)),
        [_] => true,
    }
}

fn is_bit_string(content: &[u8]) -> bool {
    match content {
        [0] => true,
        [unused @ 0..=7, .., last] => last & ((1 << unused) - 1) == 0,
        _ => false,
    }
}

fn is_object_identifier(content: &[u8]) -> bool {
    let mut starts = true;
    for byte in content {
        // A part of the number begins with a digit that is not zero.
        if starts && *byte == 0x80 {
            return false;
        }
        starts = byte & 0x80 == 0;
    }
    !content.is_empty() && starts
}

const fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b' ' | b'\'' | b'('..=b')' | b'+'..=b'/' | b':' | b'=' | b'?')
}

fn is_time(content: &[u8], digits: usize) -> bool {
    content.len() == digits + 1
        && content[..digits].iter().all(u8::is_ascii_digit)
        && content[digits] == b'Z'
}

const fn not_der(at: usize, problem: &'static str) -> CertificateError {
    CertificateError::NotDer { at, problem }
}

/// Writes one value.
pub(crate) fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let digits = length.to_be_bytes();
    let first = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len() - 1);
    let digits = &digits[first..];
    let mut bytes = vec![tag];
    if length >= 0x80 {
        let count = u8::try_from(digits.len()).expect("a length has at most eight bytes");
        bytes.push(0x80 | count);
    }
    bytes.extend_from_slice(digits);
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Writes a number that is not negative, given by its bytes.
pub(crate) fn write_unsigned(magnitude: &[u8]) -> Vec<u8> {
    let first = magnitude.iter().position(|byte| *byte != 0).unwrap_or(magnitude.len());
    match &magnitude[first..] {
        [] => write(INTEGER, &[&[0]]),
        digits if digits[0] & 0x80 != 0 => write(INTEGER, &[&[0], digits]),
        digits => write(INTEGER, &[digits]),
    }
}
