use crate::{
    AuditEntry, Methods, Rpc, RpcError,
    access::Caller,
    lanes::{Cancel, Lane},
    limits::INLINE_TRANSACTIONS_MAX,
    methods::{self, Call, Method, submit},
    server::Session,
    wire::{
        Envelope, Message, NULL_ID, Params, Reply, read, transaction, write_error, write_result,
    },
};
use alloy_primitives::{Bytes, hex};
use serde_json::value::RawValue;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// On whose behalf requests are answered.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) methods: Arc<Methods>,
    /// The connection that subscriptions belong to; none over HTTP.
    pub(crate) session: Option<Arc<Session>>,
    pub(crate) caller: Caller,
}

impl Access {
    /// Whether the server has a method on offer, to this caller too.
    fn offers(&self, method: &str) -> bool {
        self.methods.offers(method) && self.caller.may(method).is_ok()
    }
}

/// Answers the text of one request, single or batch, on the calling thread. Empty when nobody asked
/// for an answer. What servers do, without sockets, lanes and subscriptions: for tests and fuzzing.
#[must_use]
pub fn handle_text(rpc: &Rpc, request: &[u8]) -> Vec<u8> {
    let access =
        Access { methods: Arc::new(Methods::All), session: None, caller: Caller::default() };
    match read(request) {
        Ok(message) => {
            Responder { rpc, access: &access, cancel: &Cancel::never() }.all(&message).bytes
        }
        Err(error) => failure(&error),
    }
}

/// Answers a request in the lane that it belongs to. Empty when nobody asked for an answer.
pub(crate) async fn answer(rpc: &Rpc, access: &Access, request: bytes::Bytes) -> bytes::Bytes {
    let answer = written(rpc, access, request).await;
    rpc.budget().hold(answer).unwrap_or_else(|| {
        let busy = RpcError::Unavailable("too many large answers are under way");
        failure(&busy).into()
    })
}

async fn written(rpc: &Rpc, access: &Access, request: bytes::Bytes) -> Vec<u8> {
    let (lane, wait) = match read(&request) {
        Err(error) => return failure(&error),
        Ok(message) => match lane_of(&message) {
            Lane::Memory => {
                return Responder { rpc, access, cancel: &Cancel::never() }.all(&message).bytes;
            }
            lane => (lane, wait_of(rpc, &message)),
        },
    };
    let mut chain = wait.map(|_| rpc.events.chain());
    let deadline = wait.map(|wait| tokio::time::Instant::now() + wait);
    loop {
        let (worker, on_behalf, again) = (rpc.clone(), access.clone(), request.clone());
        let work = move |cancel: &Cancel| match read(&again) {
            // Read once more: borrowed parts cannot move to another thread, and this takes less
            // than the move does.
            Ok(message) => Responder { rpc: &worker, access: &on_behalf, cancel }.all(&message),
            Err(error) => Written { bytes: failure(&error), not_yet: false },
        };
        let written = match rpc.lanes().run(lane, work).await {
            Ok(written) => written,
            Err(error) => return failure(&error),
        };
        let (Some(chain), Some(deadline), true) = (&mut chain, deadline, written.not_yet) else {
            return written.bytes;
        };
        // Any event may bring the receipt, also one of several that were missed.
        if tokio::time::timeout_at(deadline, chain.recv()).await.is_err() {
            return written.bytes;
        }
    }
}

/// An answer, and whether it may be another one after the next block.
struct Written {
    bytes: Vec<u8>,
    not_yet: bool,
}

/// How long a request wants to wait for a receipt; `None` for all but one method.
fn wait_of(rpc: &Rpc, message: &Message<'_>) -> Option<Duration> {
    let Message::Single(Ok(envelope)) = message else { return None };
    let waits = envelope.method == submit::SEND_RAW_SYNC && envelope.id.is_some();
    waits.then(|| submit::wait(envelope.params, rpc.limits.receipt_wait_max))
}

/// An answer to nobody in particular.
pub(crate) fn failure(error: &RpcError) -> Vec<u8> {
    let mut out = Vec::new();
    write_error(&mut out, NULL_ID, error);
    out
}

/// The dearest lane that any call of the message asks for.
fn lane_of(message: &Message<'_>) -> Lane {
    let lane = |method: &str| methods::find(method).map_or(Lane::Memory, |method| method.lane);
    match message {
        Message::Single(Ok(envelope)) => lane(&envelope.method),
        Message::Single(Err(_)) => Lane::Memory,
        Message::Batch(calls) => {
            let floor =
                if calls.len() > INLINE_TRANSACTIONS_MAX { Lane::Read } else { Lane::Memory };
            let each = calls.iter().filter(|raw| transaction(raw.get()).is_none());
            let each = each.filter_map(|raw| Envelope::of(raw).ok());
            each.map(|envelope| lane(&envelope.method)).max().unwrap_or(floor).max(floor)
        }
    }
}

/// Transactions of a batch that have not been submitted yet, with the ids to answer to.
#[derive(Debug, Default)]
struct Submissions<'a> {
    ids: Vec<Option<&'a str>>,
    raw: Vec<Bytes>,
}

#[derive(Clone, Copy)]
struct Responder<'r> {
    rpc: &'r Rpc,
    access: &'r Access,
    cancel: &'r Cancel,
}

impl Responder<'_> {
    fn all(&self, message: &Message<'_>) -> Written {
        let mut bytes = Vec::new();
        let mut not_yet = false;
        match message {
            Message::Single(Ok(envelope)) => {
                let outcome = self.call(envelope);
                not_yet = outcome.as_ref().is_err_and(submit::is_not_yet);
                self.write(&mut bytes, envelope.id, &outcome);
            }
            Message::Single(Err(malformed)) => {
                write_error(&mut bytes, malformed.id, &malformed.error);
            }
            Message::Batch(calls) => bytes = self.batch(calls),
        }
        Written { bytes, not_yet }
    }

    fn batch(&self, calls: &[&RawValue]) -> Vec<u8> {
        if calls.is_empty() {
            return failure(&RpcError::InvalidRequest("empty batch"));
        }
        let most = self.rpc.limits.batch_calls_max;
        if calls.len() > most {
            return failure(&RpcError::LimitExceeded(format!(
                "batch too large: {} calls, at most {most}",
                calls.len()
            )));
        }
        let mut out = vec![b'['];
        let mut waiting = Submissions::default();
        for raw in calls {
            if let Some((id, raw)) = self.spelled_out(raw.get()) {
                waiting.ids.push(Some(id));
                waiting.raw.push(raw);
                continue;
            }
            match Envelope::of(raw) {
                Err(malformed) => {
                    self.submit(&mut out, &mut waiting);
                    write_error(&mut out, malformed.id, &malformed.error);
                    out.push(b',');
                }
                Ok(envelope) => match self.transaction_of(&envelope) {
                    Some(raw) => {
                        waiting.ids.push(envelope.id);
                        waiting.raw.push(raw);
                    }
                    None => {
                        self.submit(&mut out, &mut waiting);
                        let outcome = self.room(&out).and_then(|()| self.call(&envelope));
                        self.write(&mut out, envelope.id, &outcome);
                        if envelope.id.is_some() {
                            out.push(b',');
                        }
                    }
                },
            }
        }
        self.submit(&mut out, &mut waiting);
        if out.len() == 1 {
            return Vec::new(); // only notifications
        }
        *out.last_mut().expect("a batch has at least its opening bracket") = b']';
        out
    }

    /// Id and bytes of an `eth_sendRawTransaction` that can be recognized without parsing it.
    fn spelled_out<'a>(&self, text: &'a str) -> Option<(&'a str, Bytes)> {
        let (id, digits) = transaction(text)?;
        let raw = hex::decode(digits).ok()?;
        self.access.offers(submit::SEND_RAW).then(|| (id, raw.into()))
    }

    /// The bytes of a well-formed `eth_sendRawTransaction`; anything else takes the ordinary road,
    /// which also words the errors.
    fn transaction_of(&self, envelope: &Envelope<'_>) -> Option<Bytes> {
        if envelope.method != submit::SEND_RAW || !self.access.offers(submit::SEND_RAW) {
            return None;
        }
        Params::split(envelope.params, 1).ok()?.required(0).ok()
    }

    /// Hands the transactions that stand next to each other to the pool as one batch.
    fn submit(&self, out: &mut Vec<u8>, waiting: &mut Submissions<'_>) {
        if waiting.raw.is_empty() {
            return;
        }
        if let Err(error) = self.access.caller.take(waiting.raw.len()) {
            waiting.raw.clear();
            for id in waiting.ids.drain(..) {
                self.write(out, id, &Err(error.clone()));
                if id.is_some() {
                    out.push(b',');
                }
            }
            return;
        }
        let started = self.rpc.meter.is_some().then(Instant::now);
        let outcomes = self.rpc.submit.submit(std::mem::take(&mut waiting.raw));
        let mut refused = 0_usize;
        for (id, outcome) in waiting.ids.drain(..).zip(outcomes) {
            refused += usize::from(outcome.is_err());
            self.write(out, id, &submit::reply(outcome));
            if id.is_some() {
                out.push(b',');
            }
        }
        if let (Some(meter), Some(started)) = (&self.rpc.meter, started) {
            meter.called(submit::SEND_RAW, micros(started), refused == 0);
        }
    }

    /// # Errors
    /// When the batch has already used up its answer's bytes or its time.
    fn room(&self, out: &[u8]) -> Result<(), RpcError> {
        if out.len() > self.rpc.limits.response_bytes_max {
            return Err(RpcError::ResponseTooLarge);
        }
        self.cancel.check()
    }

    fn call(&self, envelope: &Envelope<'_>) -> Result<Reply, RpcError> {
        let method = methods::find(&envelope.method)
            .filter(|method| self.access.methods.offers(method.name))
            .ok_or_else(|| RpcError::MethodNotFound(envelope.method.to_string()));
        let Some(meter) = &self.rpc.meter else {
            return self.run(method?, envelope);
        };
        let started = Instant::now();
        let name = method.as_ref().map_or("unknown", |method| method.name);
        let outcome = method.and_then(|method| self.run(method, envelope));
        meter.called(name, micros(started), outcome.is_ok());
        outcome
    }

    fn run(&self, method: &Method, envelope: &Envelope<'_>) -> Result<Reply, RpcError> {
        let caller = &self.access.caller;
        if let Err(refusal) = caller.may(method.name) {
            // Somebody who is known tries what is not his to do. Whoever is unknown could fill the record.
            if method.administrative && caller.is_known && caller.take(1).is_ok() {
                self.record(method, envelope, &refusal.to_string())?;
            }
            return Err(refusal);
        }
        caller.take(1)?;
        if method.administrative {
            self.record(method, envelope, "asked")?;
        }
        let outcome = self.handle(method, envelope);
        if method.administrative {
            let error = outcome.as_ref().err().map(ToString::to_string);
            self.record(method, envelope, error.as_deref().unwrap_or("done"))?;
        }
        outcome
    }

    /// Writes a call that does something to the node into the record.
    fn record(
        &self,
        method: &Method,
        envelope: &Envelope<'_>,
        outcome: &str,
    ) -> Result<(), RpcError> {
        let Some(audit) = &self.rpc.audit else { return Ok(()) };
        let caller = &self.access.caller;
        let entry = AuditEntry {
            identity: caller.name(),
            role: caller.role(),
            remote: caller.remote,
            action: method.name,
            details: envelope.params.map_or("[]", RawValue::get),
            outcome,
        };
        let unrecorded = |error| RpcError::internal("the audit log cannot be written", &error);
        audit.record(&entry).map_err(unrecorded)
    }

    fn handle(&self, method: &Method, envelope: &Envelope<'_>) -> Result<Reply, RpcError> {
        let params = Params::split(envelope.params, method.arity)?;
        let session = self.access.session.as_ref();
        let reply =
            (method.handler)(&Call { rpc: self.rpc, params, session, cancel: self.cancel })?;
        if reply.as_bytes().len() > self.rpc.limits.response_bytes_max {
            return Err(RpcError::ResponseTooLarge);
        }
        Ok(reply)
    }

    fn write(&self, out: &mut Vec<u8>, id: Option<&str>, outcome: &Result<Reply, RpcError>) {
        match (id, outcome) {
            (None, _) => {}
            (Some(id), Ok(reply)) => write_result(out, id, reply),
            (Some(id), Err(error)) => write_error(out, id, error),
        }
    }
}

fn micros(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX)
}
