use super::{
    Session, Shared,
    accept::{Seat, stopped},
    gate::Credential,
};
use crate::{
    access::Caller,
    dispatch::{self, Access},
    limits::ANSWERS_WAITING_MAX,
};
use axum::{
    extract::{
        Extension, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code},
    },
    response::Response,
};
use bytes::Bytes;
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};

/// How long the last word may take.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);

/// A silent connection is asked for a sign of life after this long, and closed after twice.
const PING_EVERY: Duration = Duration::from_secs(30);

type Closing = watch::Receiver<Option<&'static str>>;

/// `GET` with an upgrade: a connection for requests and notifications.
pub(super) async fn upgrade(
    State(shared): State<Shared>,
    Extension(seat): Extension<Arc<Seat>>,
    caller: Option<Extension<Caller>>,
    credential: Option<Extension<Credential>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let caller = caller.map(|Extension(caller)| caller).unwrap_or_default();
    let credential = credential.map(|Extension(credential)| credential);
    let most = shared.rpc.limits.request_bytes_max;
    upgrade
        .max_message_size(most)
        .max_frame_size(most)
        .max_write_buffer_size(shared.rpc.limits.response_bytes_max.saturating_mul(2))
        .on_upgrade(move |socket| async move {
            serve(shared, caller, credential, socket).await;
            drop(seat);
        })
}

async fn serve(shared: Shared, caller: Caller, credential: Option<Credential>, socket: WebSocket) {
    let limits = &shared.rpc.limits;
    let (sink, stream) = socket.split();
    let (notify, notifications) = mpsc::channel(limits.backlog_messages_max);
    let (outgoing, answers) = mpsc::channel(ANSWERS_WAITING_MAX);
    let (closing, closed) = watch::channel(None);
    let closing = Arc::new(closing);
    let session = Arc::new(Session::new(notify, Arc::clone(&closing), limits.subscriptions_max));
    let writer =
        tokio::spawn(write(sink, answers, notifications, closed.clone(), limits.send_time_max));
    let methods = Arc::clone(&shared.methods);
    let access = Access { methods, session: Some(Arc::clone(&session)), caller };
    let guest = Guest { access, credential };
    let mut stopping = shared.stopping.clone();
    let mut closed = closed;
    tokio::select! {
        why = read(&shared, guest, &session, stream, &outgoing) => {
            let _ = closing.send(Some(why));
        }
        () = stopped(&mut stopping) => {
            let _ = closing.send(Some("the server is shutting down"));
        }
        () = told(&mut closed) => {}
    }
    session.end();
    drop(outgoing);
    let _ = tokio::time::timeout(CLOSE_TIME_MAX * 2, writer).await;
}

/// Who is at the other end.
struct Guest {
    access: Access,
    credential: Option<Credential>,
}

impl Guest {
    /// Asks again who it is: a token may have been revoked, a certificate may have ended. False when it may
    /// not call any more.
    fn is_still_welcome(&mut self, shared: &Shared) -> bool {
        let Some(credential) = &self.credential else { return true };
        match credential.caller(&shared.options) {
            Some(caller) => {
                self.access.caller = caller;
                true
            }
            None => false,
        }
    }
}

/// Answers requests one after the other; says why it ended.
async fn read(
    shared: &Shared,
    mut guest: Guest,
    session: &Session,
    mut stream: SplitStream<WebSocket>,
    outgoing: &mpsc::Sender<Bytes>,
) -> &'static str {
    let mut asked = false;
    loop {
        let next = tokio::time::timeout(PING_EVERY, stream.next()).await;
        if !guest.is_still_welcome(shared) {
            return "what you have shown counts no longer";
        }
        let message = match next {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => {
                tracing::trace!(%error, "a connection ended early");
                return "the message is too large or malformed";
            }
            Ok(None) => return "goodbye",
            Err(_) if asked => return "no sign of life",
            Err(_) => {
                asked = true;
                // An empty message stands for a ping: see `write`.
                if outgoing.send(Bytes::new()).await.is_err() {
                    return "goodbye";
                }
                continue;
            }
        };
        asked = false;
        let request = match message {
            Message::Text(text) => Bytes::from(text),
            Message::Binary(bytes) => bytes,
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => return "goodbye",
        };
        let answer = dispatch::answer(&shared.rpc, &guest.access, request).await;
        if !answer.is_empty() && outgoing.send(answer).await.is_err() {
            return "goodbye";
        }
        session.start();
    }
}

/// Sends what waits, until the connection is to be closed; then says why.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut answers: mpsc::Receiver<Bytes>,
    mut notifications: mpsc::Receiver<Bytes>,
    mut closing: Closing,
    send_time_max: Duration,
) {
    loop {
        let message = tokio::select! {
            biased;
            () = told(&mut closing) => break,
            // Answers first: the id of a subscription is told before what it has to say.
            message = answers.recv() => match message {
                Some(message) => message,
                None => break,
            },
            Some(message) = notifications.recv() => message,
        };
        let message = if message.is_empty() {
            Message::Ping(Bytes::new())
        } else {
            match Utf8Bytes::try_from(message) {
                Ok(text) => Message::Text(text),
                Err(error) => {
                    tracing::error!(%error, "an answer was not text");
                    break;
                }
            }
        };
        tokio::select! {
            biased;
            () = told(&mut closing) => break,
            sent = tokio::time::timeout(send_time_max, sink.send(message)) => {
                if !matches!(sent, Ok(Ok(()))) {
                    return;
                }
            }
        }
    }
    let why = (*closing.borrow()).unwrap_or("goodbye");
    let code = if why == "goodbye" { close_code::NORMAL } else { close_code::POLICY };
    let farewell = CloseFrame { code, reason: Utf8Bytes::from_static(why) };
    let _ = tokio::time::timeout(CLOSE_TIME_MAX, sink.send(Message::Close(Some(farewell)))).await;
}

/// Waits until somebody wants the connection closed.
async fn told(closing: &mut Closing) {
    let _ = closing.wait_for(Option::is_some).await;
}
