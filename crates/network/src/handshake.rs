//! From a TCP connection to a registered one.

use crate::{
    Direction, Refusal,
    connection::Registration,
    frame::{self, Control},
    hello::{Greeting, Salutation},
    hub::Hub,
    limits::{FAREWELL_TIME_MAX, GREETING_BYTES_MAX, UNSENT_BYTES_MAX},
};
use bytes::BytesMut;
use hanse_primitives::PeerId;
use std::{fmt, io, net::SocketAddr, sync::Arc, sync::atomic::Ordering};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsStream;

/// Why no connection came about.
#[derive(Debug)]
pub(crate) enum Problem {
    /// TCP or TLS failed, or the peer speaks something else.
    Failed(String),
    /// It took too long.
    Late,
    /// Somebody else answered there.
    Stranger(PeerId),
    /// We do not want it, for this reason and in these words.
    ByUs(PeerId, Refusal, String),
    /// We do not want it any more, though we had agreed and the peer counts on it.
    Withdrawn(PeerId, Refusal),
    /// The peer does not want it.
    ByPeer(PeerId, Refusal),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(problem) => f.write_str(problem),
            Self::Late => f.write_str("it took too long"),
            Self::Stranger(other) => write!(f, "another node answers there: {other}"),
            Self::ByUs(_, refusal, words) if words.is_empty() => write!(f, "we refused: {refusal}"),
            Self::ByUs(_, refusal, words) => write!(f, "we refused: {refusal} ({words})"),
            Self::Withdrawn(_, refusal) => write!(f, "we refused after all: {refusal}"),
            Self::ByPeer(_, refusal) => write!(f, "it refused: {refusal}"),
        }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// What a handshake leads to.
pub(crate) type Established = (Registration, TlsStream<TcpStream>);

/// Proves keys, exchanges greetings, and registers the connection. `expected` is whom we dialled.
pub(crate) async fn shake_hands(
    hub: &Arc<Hub>,
    tcp: TcpStream,
    remote: SocketAddr,
    expected: Option<PeerId>,
) -> Result<Established, Problem> {
    let shaking = timeout(hub.limits.handshake_time_max, shake(hub, tcp, remote, expected));
    let shaken = tokio::select! {
        shaken = shaking => shaken.unwrap_or(Err(Problem::Late)),
        () = hub.until_stopping() => Err(Problem::Late),
    };
    if matches!(shaken, Err(Problem::ByUs(..) | Problem::Withdrawn(..))) {
        hub.counters.refused.fetch_add(1, Ordering::Relaxed);
    }
    shaken
}

async fn shake(
    hub: &Arc<Hub>,
    tcp: TcpStream,
    remote: SocketAddr,
    expected: Option<PeerId>,
) -> Result<Established, Problem> {
    set_up(&tcp)?;
    let (direction, (peer, mut stream)) = match expected {
        Some(_) => (Direction::Outbound, hub.tls.connect(tcp).await?),
        None => (Direction::Inbound, hub.tls.accept(tcp).await?),
    };
    if expected.is_some_and(|expected| expected != peer) {
        return Err(Problem::Stranger(peer));
    }
    let greeted = greet(hub, &mut stream, peer, remote, direction).await;
    let last_word = match &greeted {
        Err(Problem::ByUs(_, refusal, _)) => Some(Salutation::Refuse(*refusal).encode()),
        Err(Problem::Withdrawn(_, refusal)) => Some(farewell(*refusal)),
        _ => None,
    };
    if let Some(last_word) = last_word {
        // The peer may be gone already.
        let _ = timeout(FAREWELL_TIME_MAX, refuse(&mut stream, &last_word)).await;
    }
    Ok((greeted?, stream))
}

/// No waiting for more bytes to fill a packet, and no heap of bytes in the kernel that a vote would
/// have to wait behind.
fn set_up(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let unsent = u32::try_from(UNSENT_BYTES_MAX).expect("it is a small constant");
        // An old kernel that cannot do it sends the same bytes a little later.
        let _ = socket2::SockRef::from(tcp).set_tcp_notsent_lowat(unsent);
    }
    Ok(())
}

/// Both say hello; then the node with the larger key agrees, and the one with the smaller decides.
/// So one side alone settles which of two crossing connections stays.
async fn greet(
    hub: &Arc<Hub>,
    stream: &mut TlsStream<TcpStream>,
    peer: PeerId,
    remote: SocketAddr,
    direction: Direction,
) -> Result<Registration, Problem> {
    let refused = |refusal| Problem::ByUs(peer, refusal, String::new());
    if let Some(refusal) = hub.objection(&peer) {
        return Err(refused(refusal));
    }
    let ours = hub.greeting();
    say(stream, &Salutation::Hello(ours.clone())).await?;
    let theirs: Greeting = match hear(stream).await? {
        Salutation::Hello(greeting) => greeting,
        Salutation::Refuse(refusal) => return Err(Problem::ByPeer(peer, refusal)),
        Salutation::Accept => return Err(Problem::Failed("it accepts before it greets".into())),
    };
    if let Some((refusal, words)) = ours.mismatch(&theirs) {
        return Err(Problem::ByUs(peer, refusal, words));
    }
    if let Err(why) = hub.judge(peer, &theirs.hello) {
        return Err(Problem::ByUs(peer, Refusal::Uncertified, why));
    }
    let decides = hub.id < peer;
    if !decides {
        say(stream, &Salutation::Accept).await?;
    }
    match hear(stream).await? {
        Salutation::Accept => {}
        Salutation::Refuse(refusal) => return Err(Problem::ByPeer(peer, refusal)),
        Salutation::Hello(_) => return Err(Problem::Failed("it greets twice".into())),
    }
    let registered = hub.register(peer, theirs, remote, direction);
    // The decider has decided and speaks in frames from here on.
    let too_late = |refusal| Problem::Withdrawn(peer, refusal);
    let (link, old) =
        registered.map_err(|refusal| if decides { refused(refusal) } else { too_late(refusal) })?;
    let registration = Registration::new(Arc::clone(hub), link, old);
    if decides {
        say(stream, &Salutation::Accept).await?;
    }
    Ok(registration)
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), what: &Salutation) -> io::Result<()> {
    stream.write_all(&what.encode()).await?;
    stream.flush().await
}

async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> Result<Salutation, Problem> {
    let wrong = |error: crate::error::WireError| Problem::Failed(error.to_string());
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    let mut body = vec![0; Salutation::length(head).map_err(wrong)?];
    stream.read_exact(&mut body).await?;
    Salutation::decode(&body).map_err(wrong)
}

/// Says no, and reads what is still on its way: closing at once would make the kernel discard the
/// refusal together with what we have not read.
async fn refuse(stream: &mut TlsStream<TcpStream>, last_word: &[u8]) -> io::Result<()> {
    stream.write_all(last_word).await?;
    stream.flush().await?;
    stream.shutdown().await?;
    let mut rest = [0; GREETING_BYTES_MAX];
    for _ in 0..4 {
        if stream.read(&mut rest).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// A refusal for a peer that has left the handshake behind.
fn farewell(refusal: Refusal) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    frame::control(&mut bytes, &Control::Farewell(refusal));
    bytes.to_vec()
}
