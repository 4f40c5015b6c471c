/// Whom one server answers, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerOptions {
    /// Names that a request's `Host` may have besides IP addresses, against DNS rebinding; `*` for any.
    pub hosts: Vec<String>,
    /// Pages of other origins that may call, as `https://shop.example`; `*` for any. None by default.
    pub origins: Vec<String>,
    /// The methods on offer.
    pub methods: Methods,
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
        Self { hosts: vec!["localhost".to_owned()], origins: Vec::new(), methods: Methods::All }
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
