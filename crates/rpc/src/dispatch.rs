use crate::Rpc;

/// Answers the text of one request, single or batch, on the calling thread. Empty when nobody asked
/// for an answer. What servers do, without sockets, lanes and subscriptions: for tests and fuzzing.
#[must_use]
pub fn handle_text(rpc: &Rpc, request: &[u8]) -> Vec<u8> {
    let _ = (rpc, request);
    todo!()
}
