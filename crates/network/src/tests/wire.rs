use crate::{
    Channel, Hello, NetworkLimits, Refusal,
    error::WireError,
    frame::{self, Content, Control, Decoder},
    hello::{Greeting, Salutation},
    limits::{BATCH_BYTES, CHUNK_BYTES_MAX, GREETING_TEXT_BYTES_MAX, PROTOCOL_VERSION},
    queue::{Outbound, Pushed},
    testing::{decode_frames, decode_greeting},
};
use alloy_primitives::hex;
use bytes::{BufMut, Bytes, BytesMut};
use hanse_primitives::PeerId;
use proptest::{collection::vec, prelude::*};

fn greeting() -> Greeting {
    let hello = Hello {
        chain_id: 31_337,
        genesis_hash: [0xaa; 32].into(),
        engine: "bft".into(),
        software: "hanse 0.1.0".into(),
        credential: vec![0xcc, 0xdd].into(),
    };
    Greeting { version: 2, instance: 0x0102_0304_0506_0708, listen_port: 30_303, hello }
}

/// Bytes are a promise: whoever changes these raises `PROTOCOL_VERSION`.
#[test]
fn greetings_have_these_bytes() {
    let bytes = Salutation::Hello(greeting()).encode();
    let expected = "0049 01 0002 0102030405060708 765f 0000000000007a69 \
        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \
        03 626674 0b 68616e736520302e312e30 0002 ccdd";
    assert_eq!(hex::encode(&bytes), expected.replace(' ', ""));
    assert_eq!(hex::encode(Salutation::Accept.encode()), "000102");
    assert_eq!(hex::encode(Salutation::Refuse(Refusal::WrongGenesis).encode()), "00020306");
}

#[test]
fn frames_have_these_bytes() {
    let mut batch = BytesMut::new();
    frame::begin(&mut batch, Channel::Sync, 5, b"abc");
    frame::go_on(&mut batch, Channel::Sync, b"de");
    frame::control(&mut batch, &Control::Ping(1));
    frame::control(&mut batch, &Control::Pong(1, 2));
    frame::control(&mut batch, &Control::Farewell(Refusal::NotAllowed));
    let peers = vec![
        (PeerId([1; 32]), ([10, 0, 0, 1], 80).into()),
        (PeerId([2; 32]), ([0, 0, 0, 0, 0, 0, 0, 1], 81).into()),
    ];
    frame::control(&mut batch, &Control::Peers(peers));
    let expected = "12000007 00000005 616263 02000002 6465 20000008 0000000000000001 \
        21000010 0000000000000001 0000000000000002 23000001 01 2200005a \
        0101010101010101010101010101010101010101010101010101010101010101 04 0a000001 0050 \
        0202020202020202020202020202020202020202020202020202020202020202 06 \
        00000000000000000000000000000001 0051";
    assert_eq!(hex::encode(&batch), expected.replace(' ', ""));
}

#[test]
fn a_greeting_of_another_version_is_read_as_far_as_its_version() {
    let bytes = [&[1, 0, 9][..], b"whatever comes after version 9"].concat();
    let Ok(Salutation::Hello(theirs)) = Salutation::decode(&bytes) else { panic!() };
    let (refusal, words) = greeting().mismatch(&theirs).unwrap();
    assert_eq!((refusal, words.as_str()), (Refusal::WrongVersion, "ours 2, theirs 9"));
    assert_eq!(greeting().mismatch(&greeting()), None);
}

#[test]
fn texts_that_do_not_fit_are_refused_at_the_start() {
    let mut hello = greeting().hello;
    hello.engine = "x".repeat(GREETING_TEXT_BYTES_MAX);
    assert!(Greeting::new(hello.clone(), 1, 1).is_ok());
    hello.engine.push('x');
    assert!(Greeting::new(hello, 1, 1).is_err());
}

#[test]
fn reasons_keep_their_numbers() {
    for code in 0..=u8::MAX {
        assert_eq!(Refusal::from_code(code).code(), code);
    }
    assert_eq!(Refusal::NotAllowed.code(), 1);
    assert_eq!(Refusal::Replaced.code(), 14);
}

fn decode_one(bytes: &[u8]) -> Result<Option<crate::frame::Frame>, WireError> {
    Decoder::default().next(&mut BytesMut::from(bytes))
}

#[test]
fn broken_frames_are_told_apart() {
    let framed = |kind: u8, body: &[u8]| {
        let mut bytes = BytesMut::new();
        bytes.put_u32(u32::from(kind) << 24 | u32::try_from(body.len()).unwrap());
        bytes.put_slice(body);
        bytes
    };
    let too_long = u32::try_from(Channel::Consensus.message_bytes_max() + 1).unwrap();
    for (bytes, error) in [
        (framed(0x04, b"x"), WireError::UnknownKind(0x04)),
        (framed(0x14, b"\0\0\0\x01x"), WireError::UnknownKind(0x14)),
        (framed(0x99, b""), WireError::UnknownKind(0x99)),
        (framed(0x00, b"x"), WireError::Unbegun(Channel::Consensus)),
        (framed(0x10, b"\0\0\0"), WireError::EmptyChunk),
        (framed(0x10, b"\0\0\0\x05"), WireError::EmptyChunk),
        (framed(0x11, b"\0\0\0\x01xy"), WireError::Overrun(Channel::Blocks)),
        (
            framed(0x10, &too_long.to_be_bytes()),
            WireError::Oversized {
                channel: Channel::Consensus,
                bytes: Channel::Consensus.message_bytes_max() + 1,
            },
        ),
        (framed(0x20, b"short"), WireError::BadControl),
        (framed(0x23, b"\x01\x01"), WireError::BadControl),
        (framed(0x22, &[5; 40]), WireError::BadControl),
        (BytesMut::from(&[0x10, 0xff, 0xff, 0xff][..]), WireError::ChunkTooLong(0x00ff_ffff)),
    ] {
        assert_eq!(decode_one(&bytes), Err(error));
    }
    // Two messages of one channel do not mix, and nothing empty goes on.
    let mut bytes = framed(0x13, b"\0\0\0\x05abc");
    bytes.unsplit(framed(0x13, b"\0\0\0\x05abc"));
    let mut decoder = Decoder::default();
    assert!(decoder.next(&mut bytes).unwrap().is_some());
    assert_eq!(decoder.next(&mut bytes), Err(WireError::Interleaved(Channel::Transactions)));
    assert_eq!(decoder.next(&mut framed(0x03, b"")), Err(WireError::EmptyChunk));
}

#[test]
fn what_was_announced_takes_no_memory_before_it_comes() {
    let mut bytes = BytesMut::new();
    frame::begin(&mut bytes, Channel::Sync, Channel::Sync.message_bytes_max(), b"a");
    let mut decoder = Decoder::default();
    assert_eq!(decoder.next(&mut bytes).unwrap().unwrap().content, Content::Part);
    assert!(format!("{decoder:?}").len() < 1_000, "it holds a byte, and not 16 MiB");
}

#[test]
fn the_urgent_goes_first_and_nothing_is_cut_needlessly() {
    let mut queue = Outbound::new(&NetworkLimits::default());
    let long = Bytes::from(vec![1; 10 * CHUNK_BYTES_MAX]);
    assert_eq!(queue.push(Channel::Transactions, long.clone()), Pushed::Waits);
    assert_eq!(queue.push(Channel::Sync, long.clone()), Pushed::Waits);
    let mut batch = BytesMut::new();
    queue.fill(&mut batch);
    assert!(batch.len() <= BATCH_BYTES);
    assert_eq!(batch[0], 0x12, "sync goes before transactions");
    // What became urgent meanwhile stands first in the next batch.
    queue.push(Channel::Blocks, Bytes::from_static(b"block"));
    queue.push(Channel::Consensus, Bytes::from_static(b"vote"));
    queue.push_control(Control::Ping(7));
    batch.clear();
    queue.fill(&mut batch);
    let mut kinds = Vec::new();
    while !batch.is_empty() {
        let length = u32::from_be_bytes([0, batch[1], batch[2], batch[3]]) as usize;
        kinds.push(batch[0]);
        let _ = batch.split_to(4 + length);
    }
    assert_eq!(kinds[..4], [0x20, 0x10, 0x11, 0x02]);
}

#[test]
fn full_queues_drop_the_oldest_transactions_and_overflow_elsewhere() {
    let mut limits = NetworkLimits::default();
    for channel in Channel::ALL {
        limits.channel_mut(channel).queue.messages_max = 3;
    }
    let mut queue = Outbound::new(&limits);
    let message = |byte: u8| Bytes::from(vec![byte; 20_000]);
    for byte in 1..=3 {
        assert_eq!(queue.push(Channel::Transactions, message(byte)), Pushed::Waits);
    }
    // The first is under way, so the second is the oldest that can go.
    let mut batch = BytesMut::new();
    let batched = queue.fill(&mut batch);
    assert_eq!(batched[Channel::Transactions.index()].0, 1, "and the next has begun");
    assert_eq!(queue.push(Channel::Transactions, message(4)), Pushed::Waits);
    assert_eq!(queue.push(Channel::Transactions, message(5)), Pushed::Dropped(1));
    assert_eq!(queue.bytes(), 3 * 20_000);
    let mut decoder = Decoder::default();
    let mut heard = Vec::new();
    while !batch.is_empty() {
        while let Some(frame) = decoder.next(&mut batch).unwrap() {
            if let Content::Message(_, bytes) = frame.content {
                heard.push(bytes[0]);
            }
        }
        queue.fill(&mut batch);
    }
    assert_eq!(heard, [1, 2, 4, 5]);
    for channel in [Channel::Consensus, Channel::Blocks, Channel::Sync] {
        for byte in 1..=3 {
            assert_eq!(queue.push(channel, message(byte)), Pushed::Waits);
        }
        assert_eq!(queue.push(channel, message(4)), Pushed::Overflow);
    }
}

fn arb_channel() -> impl Strategy<Value = Channel> {
    (0..Channel::COUNT).prop_map(|index| Channel::ALL[index])
}

fn arb_salutation() -> impl Strategy<Value = Salutation> {
    let text = || "[ -~äπ]{0,60}";
    let hello = (
        any::<u64>(),
        any::<[u8; 32]>(),
        text(),
        text(),
        any::<u64>(),
        any::<u16>(),
        vec(any::<u8>(), 0..99),
    );
    let hello =
        hello.prop_map(|(chain_id, hash, engine, software, instance, listen_port, shown)| {
            let credential = shown.into();
            let hello = Hello { chain_id, genesis_hash: hash.into(), engine, software, credential };
            Salutation::Hello(Greeting { version: PROTOCOL_VERSION, instance, listen_port, hello })
        });
    prop_oneof![
        hello,
        Just(Salutation::Accept),
        any::<u8>().prop_map(|code| Salutation::Refuse(Refusal::from_code(code))),
    ]
}

proptest! {
    #[test]
    fn greetings_survive_the_wire(salutation in arb_salutation()) {
        let bytes = salutation.encode();
        let length = Salutation::length([bytes[0], bytes[1]]).unwrap();
        prop_assert_eq!(length + 2, bytes.len());
        prop_assert_eq!(Salutation::decode(&bytes[2..]), Ok(salutation));
    }

    #[test]
    fn no_part_of_a_greeting_is_a_greeting(salutation in arb_salutation(), cut in 0.0..1.0f64) {
        let bytes = salutation.encode();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in it")]
        let kept = 2 + ((bytes.len() - 2) as f64 * cut) as usize;
        prop_assert!(Salutation::decode(&bytes[2..kept]).is_err());
    }

    #[test]
    fn any_bytes_can_be_looked_at(bytes in vec(any::<u8>(), 0..600)) {
        let _ = decode_greeting(&bytes);
        let _ = decode_frames(&bytes);
    }

    #[test]
    fn bytes_that_look_like_frames_can_be_looked_at(
        frames in vec((0u8..0x26, vec(any::<u8>(), 0..60)), 0..20),
    ) {
        let mut bytes = BytesMut::new();
        for (kind, body) in &frames {
            bytes.put_u32(u32::from(*kind) << 24 | u32::try_from(body.len()).unwrap());
            bytes.put_slice(body);
        }
        let _ = decode_frames(&bytes);
    }

    /// Whatever is queued when, and however the bytes are cut on their way, comes out whole and in
    /// order on each channel.
    #[test]
    fn messages_survive_queue_and_wire(
        messages in vec((arb_channel(), 0usize..60_000, any::<u8>()), 1..30),
        early in 0usize..30,
        cut in 1usize..40_000,
    ) {
        let mut queue = Outbound::new(&NetworkLimits::default());
        let (mut wire, mut batch) = (BytesMut::new(), BytesMut::new());
        let mut send = |queue: &mut Outbound| {
            batch.clear();
            let batched = queue.fill(&mut batch);
            assert!(batch.len() <= BATCH_BYTES);
            wire.put_slice(&batch);
            batched.iter().map(|(messages, _)| *messages).sum::<u64>()
        };
        let mut sent = 0;
        for (index, (channel, length, byte)) in messages.iter().enumerate() {
            let pushed = queue.push(*channel, Bytes::from(vec![*byte; *length]));
            prop_assert_eq!(pushed, Pushed::Waits);
            if index == early {
                sent += send(&mut queue);
            }
        }
        while queue.bytes() > 0 || sent < messages.len() as u64 {
            sent += send(&mut queue);
        }
        let mut decoder = Decoder::default();
        let mut buffer = BytesMut::new();
        let mut heard: [Vec<Bytes>; Channel::COUNT] = Default::default();
        for part in wire.chunks(cut) {
            buffer.put_slice(part);
            while let Some(frame) = decoder.next(&mut buffer).unwrap() {
                if let Content::Message(channel, bytes) = frame.content {
                    heard[channel.index()].push(bytes);
                }
            }
        }
        for channel in Channel::ALL {
            let of = messages.iter().filter(|(of, ..)| *of == channel);
            let said: Vec<_> = of.map(|(_, length, byte)| vec![*byte; *length]).collect();
            prop_assert_eq!(&heard[channel.index()], &said);
        }
    }
}
