//! Who may call what: identities that callers prove by a token or a certificate, what their roles offer
//! them, how much of it, and the record of what they did to the node.

use crate::{Methods, RpcError};
use parking_lot::Mutex;
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

/// Knows callers by what they show. Implemented by the node; asked for every request, so it answers from
/// memory.
pub trait Guard: Send + Sync + fmt::Debug {
    /// Whom a bearer token belongs to.
    ///
    /// # Errors
    /// A text for the caller that does not help to guess.
    fn token(&self, token: &str) -> Result<Arc<Identity>, String>;

    /// Whom a client's certificate (DER) names, after its key was proven.
    ///
    /// # Errors
    /// What is wrong with it, for the caller.
    fn certificate(&self, der: &[u8]) -> Result<Arc<Identity>, String>;

    /// What somebody may do who shows nothing; `None` for nothing at all.
    fn anonymous(&self, address: IpAddr) -> Option<Arc<Identity>>;
}

/// Keeps the record of administrative calls.
pub trait Audit: Send + Sync {
    /// Writes an entry; it is durable when this returns.
    ///
    /// # Errors
    /// A text for people. What cannot be recorded is not done.
    fn record(&self, entry: &AuditEntry<'_>) -> Result<(), String>;
}

/// What happened, or is about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditEntry<'a> {
    /// Who.
    pub identity: &'a str,
    /// In which role.
    pub role: &'a str,
    /// From where.
    pub remote: Option<SocketAddr>,
    /// Did what: the method.
    pub action: &'a str,
    /// With what: the parameters as JSON.
    pub details: &'a str,
    /// How it went; `asked` before it is done.
    pub outcome: &'a str,
}

/// Somebody who calls, in a role.
#[derive(Debug)]
pub struct Identity {
    name: String,
    role: String,
    methods: Methods,
    meter: Option<Mutex<Bucket>>,
}

impl Identity {
    /// `methods` also names what is not JSON-RPC: `api` (the routes of the web pages) and `metrics`.
    /// `rate` is calls a second, with as many at once as two seconds give.
    #[must_use]
    pub fn new(name: String, role: String, methods: Methods, rate: Option<u32>) -> Self {
        let meter = rate.map(|rate| Mutex::new(Bucket::new(rate, Instant::now())));
        Self { name, role, methods, meter }
    }

    /// Who it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is.
    #[must_use]
    pub fn role(&self) -> &str {
        &self.role
    }
}

/// Calls that may still be made; refills with time.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    calls: f64,
    at: Instant,
}

impl Bucket {
    /// Seconds whose calls may come at once.
    const BURST_SECONDS: f64 = 2.0;

    fn new(rate: u32, now: Instant) -> Self {
        let rate = f64::from(rate.max(1));
        Self { rate, calls: rate * Self::BURST_SECONDS, at: now }
    }

    /// Takes `calls` out, or says how long to wait. More than fit at once are let through when the bucket is
    /// full and paid for afterwards, so that a large batch is not refused for ever.
    fn take(&mut self, calls: u32, now: Instant) -> Result<(), Duration> {
        let most = self.rate * Self::BURST_SECONDS;
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.calls = (self.calls + passed * self.rate).min(most);
        self.at = now;
        let needed = f64::from(calls);
        let least = needed.min(most);
        if self.calls + f64::EPSILON >= least {
            self.calls -= needed;
            return Ok(());
        }
        Err(Duration::from_secs_f64((least - self.calls) / self.rate))
    }
}

/// On whose behalf a request is answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    /// `None` where nobody is asked who they are, and everything on offer is for everybody.
    pub(crate) identity: Option<Arc<Identity>>,
    /// It has shown something that names it.
    pub(crate) is_known: bool,
    pub(crate) remote: Option<SocketAddr>,
}

impl Caller {
    pub(crate) fn name(&self) -> &str {
        self.identity.as_ref().map_or("anybody", |identity| identity.name())
    }

    pub(crate) fn role(&self) -> &str {
        self.identity.as_ref().map_or("none", |identity| identity.role())
    }

    /// Whether the caller's role has a method.
    pub(crate) fn may(&self, method: &str) -> Result<(), RpcError> {
        match &self.identity {
            Some(identity) if !identity.methods.offers(method) => Err(RpcError::Coded {
                code: RpcError::NOT_PERMITTED,
                message: format!("not permitted: the role {} may not call {method}", identity.role),
                data: None,
            }),
            _ => Ok(()),
        }
    }

    /// Counts calls against the caller's rate.
    pub(crate) fn take(&self, calls: usize) -> Result<(), RpcError> {
        let Some(meter) = self.identity.as_ref().and_then(|identity| identity.meter.as_ref())
        else {
            return Ok(());
        };
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        meter.lock().take(calls, Instant::now()).map_err(|wait| {
            let milliseconds = wait.as_millis().max(1);
            let name = self.name();
            RpcError::LimitExceeded(format!(
                "{name} has used up its calls; try again in {milliseconds} ms"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_rate_and_a_burst_of_two_seconds() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, start);
        assert_eq!(bucket.take(20, start), Ok(()));
        assert_eq!(bucket.take(1, start), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(1, start + Duration::from_millis(100)), Ok(()));
        assert!(bucket.take(1, start + Duration::from_millis(150)).is_err());
        // Long silence gives no more than a burst.
        let later = start + Duration::from_secs(60);
        assert_eq!(bucket.take(21, later), Ok(()), "a large batch goes through a full bucket");
        assert_eq!(bucket.take(1, later), Err(Duration::from_millis(200)), "and is paid for");
    }

    #[test]
    fn a_role_has_its_methods_and_no_others() {
        let methods = Methods::Only(vec!["eth".to_owned(), "hanse_status".to_owned()]);
        let identity = Identity::new("a".to_owned(), "reader".to_owned(), methods, None);
        let caller = Caller { identity: Some(Arc::new(identity)), is_known: true, remote: None };
        assert_eq!(caller.may("eth_call"), Ok(()));
        assert_eq!(caller.may("hanse_status"), Ok(()));
        for method in ["hanse_setFault", "debug_traceCall", "api", "metrics"] {
            let error = caller.may(method).expect_err(method).to_string();
            assert!(error.contains("reader") && error.contains(method), "{error}");
        }
        assert_eq!(Caller::default().may("debug_traceCall"), Ok(()));
    }
}
