use super::*;

#[test]
fn transactions_are_packed_into_messages_that_the_network_takes() {
    let raw: Vec<Bytes> = (0..40_u8).map(|n| vec![n; 60 * 1024].into()).collect();
    let packed = messages(&raw);
    assert!(packed.len() > 1);
    assert!(
        packed.iter().all(|message| message.len() <= Channel::Transactions.message_bytes_max())
    );
    let unpacked = packed.iter().flat_map(|message| {
        let mut rest = &message[..];
        let list = Vec::<Bytes>::decode(&mut rest).unwrap();
        assert!(rest.is_empty());
        list
    });
    assert_eq!(unpacked.collect::<Vec<_>>(), raw);
    assert!(messages(&[]).is_empty());
    // One that is longer than a message should be goes alone.
    let long: Bytes = vec![1; MESSAGE_BYTES + 1].into();
    assert_eq!(messages(&[long.clone(), long]).len(), 2);
}
