use crate::Guard;
use hanse_network::ServerTls;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::runtime::Handle;

/// Whom one server answers, and what.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Names that a request's `Host` may have besides IP addresses, against DNS rebinding; `*` for any.
    pub hosts: Vec<String>,
    /// Pages of other origins that may call, as `https://shop.example`; `*` for any. None by default.
    pub origins: Vec<String>,
    /// The methods on offer.
    pub methods: Methods,
    /// Where connections are served.
    pub workers: Workers,
    /// Encrypts connections; none: they are plain.
    pub tls: Option<Arc<ServerTls>>,
    /// Asks callers who they are; none: everybody may call what is on offer.
    pub guard: Option<Arc<dyn Guard>>,
}

/// Runtimes that a server spreads its connections over, in turn. By default all are served where the
/// server itself runs.
///
/// One runtime of one thread a core serves small requests with a third less work than one runtime of
/// many threads: a connection stays on its thread, and nobody is woken to look for work.
#[derive(Clone, Debug, Default)]
pub struct Workers {
    handles: Arc<[Handle]>,
    next: Arc<AtomicUsize>,
}

impl Workers {
    /// Connections go to these runtimes, which must outlive the server.
    #[must_use]
    pub fn new(handles: Vec<Handle>) -> Self {
        Self { handles: handles.into(), next: Arc::default() }
    }

    /// The runtime for the next connection.
    pub(super) fn next(&self) -> Handle {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let chosen = turn.checked_rem(self.handles.len()).and_then(|at| self.handles.get(at));
        chosen.map_or_else(Handle::current, Handle::clone)
    }
}

/// Which methods a server offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Methods {
    /// All that the node has.
    #[default]
    All,
    /// Only these: whole namespaces (`eth`) or single methods (`debug_traceCall`).
    Only(Vec<String>),
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            hosts: vec!["localhost".to_owned()],
            origins: Vec::new(),
            methods: Methods::All,
            workers: Workers::default(),
            tls: None,
            guard: None,
        }
    }
}

impl Methods {
    /// True when `method` is on offer.
    #[must_use]
    pub fn offers(&self, method: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => {
                let namespace = method.split_once('_').map_or(method, |(namespace, _)| namespace);
                names.iter().any(|name| name == method || name == namespace)
            }
        }
    }
}
