//! Access to this node: which role a caller has, by a token, by a client's certificate, or by nothing, and
//! what its role offers. The servers ask; the record of what was done is [`crate::audit`].

mod settings;
mod tokens;

pub use settings::{Access, ByCertificate, Clients, Rate, Role, Tls};
pub(crate) use tokens::{Token, TokenFile, after, new_token};

use crate::{Config, NodeError, driver};
use hanse_network::ServerTls;
use hanse_rpc::{Guard, Identity, Methods, ServerOptions};
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use settings::known_role;
use std::{collections::BTreeMap, fs, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};
use tokens::Tokens;

/// Callers whose rates are remembered. Whoever is forgotten begins with a full bucket.
const CALLERS_MAX: usize = 16_384;

/// How often files are looked at for what has changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What a certificate says to this node: a name, and the role by which its owner may call.
pub(crate) trait Certificates: Send + Sync + std::fmt::Debug {
    /// Whom a certificate names, and in which role of this node it may call.
    ///
    /// # Errors
    /// What is wrong with it.
    fn identify(&self, der: &[u8]) -> Result<(String, String), String>;
}

/// Knows callers.
#[derive(Debug)]
pub(crate) struct Doorman {
    roles: BTreeMap<String, Role>,
    anonymous: Option<String>,
    tokens: Tokens,
    certificates: Option<Box<dyn Certificates>>,
    /// By name, with the role: so that a caller has one rate over all its connections.
    known: Cache<(String, String), Arc<Identity>>,
}

impl Doorman {
    /// # Errors
    /// [`NodeError::Config`] when the settings name a role that does not exist, or the file of tokens is broken.
    pub(crate) fn new(
        access: &Access,
        certificates: Option<Box<dyn Certificates>>,
    ) -> Result<Arc<Self>, NodeError> {
        let roles = access.roles();
        if let Some(role) = &access.anonymous {
            known_role(&roles, role, "access.anonymous")?;
        }
        let tokens = Tokens::open(access.tokens.clone(), &roles)?;
        let (anonymous, known) = (access.anonymous.clone(), Cache::new(CALLERS_MAX));
        Ok(Arc::new(Self { roles, anonymous, tokens, certificates, known }))
    }

    /// Takes notice of changed files for as long as the runtime lasts.
    pub(crate) fn watch(self: &Arc<Self>) {
        let doorman = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                doorman.tokens.look(&doorman.roles);
            }
        });
    }

    fn identity(&self, name: &str, role: &str) -> Arc<Identity> {
        let key = (name.to_owned(), role.to_owned());
        if let Some(known) = self.known.get(&key) {
            return known;
        }
        let Role { methods, rate } = self.roles.get(role).cloned().unwrap_or_default();
        let methods = match methods.iter().any(|name| name == "*") {
            true => Methods::All,
            false => Methods::Only(methods),
        };
        let rate = rate.map(|Rate(calls)| calls);
        let identity = Arc::new(Identity::new(name.to_owned(), role.to_owned(), methods, rate));
        self.known.insert(key, Arc::clone(&identity));
        identity
    }
}

impl Guard for Doorman {
    fn token(&self, token: &str) -> Result<Arc<Identity>, String> {
        let Some(Token { name, role, .. }) = self.tokens.find(token, driver::now) else {
            tracing::warn!("somebody has shown a token that is unknown or expired");
            return Err("the token is unknown or expired".to_owned());
        };
        Ok(self.identity(&name, &role))
    }

    fn certificate(&self, der: &[u8]) -> Result<Arc<Identity>, String> {
        let Some(certificates) = &self.certificates else {
            return Err("this node takes no client certificates".to_owned());
        };
        let (name, role) = certificates.identify(der)?;
        Ok(self.identity(&name, &role))
    }

    fn anonymous(&self, address: IpAddr) -> Option<Arc<Identity>> {
        let role = self.anonymous.as_ref()?;
        Some(self.identity(&address.to_string(), role))
    }
}

/// Puts what the settings say of encryption and callers in front of the servers.
///
/// # Errors
/// [`NodeError`] with the setting that is wrong.
pub(crate) fn protect(
    options: ServerOptions,
    config: &Config,
    certificates: Option<Box<dyn Certificates>>,
) -> Result<ServerOptions, NodeError> {
    let tls = tls(&config.tls)?;
    let mut guard = None;
    if config.access.enabled {
        let doorman = Doorman::new(&config.access, certificates)?;
        doorman.watch();
        guard = Some(doorman as Arc<dyn Guard>);
    }
    Ok(ServerOptions { tls, guard, ..options })
}

/// Reads the server's certificate, and reads it again whenever its file has changed.
///
/// # Errors
/// When the files cannot be read, or do not belong together.
fn tls(settings: &Tls) -> Result<Option<Arc<ServerTls>>, NodeError> {
    let (certificate, key) = match (&settings.certificate, &settings.key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
        _ => {
            let why = "tls.certificate and tls.key belong together; give both or none";
            return Err(NodeError::Config(why.to_owned()));
        }
    };
    let read = move || -> Result<(Vec<u8>, Vec<u8>), NodeError> {
        let read = |path: &PathBuf| fs::read(path).map_err(|e| NodeError::file("read", path, e));
        Ok((read(&certificate)?, read(&key)?))
    };
    let (certificate, key) = read()?;
    let tls = Arc::new(ServerTls::new(&certificate, &key, settings.clients.into())?);
    let (renewed, seen) = (Arc::clone(&tls), Mutex::new((certificate, key)));
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Ok(now) = read() else { continue };
            let mut seen = seen.lock();
            if *seen == now {
                continue;
            }
            match renewed.replace(&now.0, &now.1) {
                Ok(()) => tracing::info!("the servers have a new certificate"),
                // Perhaps one of the two files is still to be written.
                Err(error) => tracing::warn!(%error, "the old certificate stays"),
            }
            *seen = now;
        }
    });
    Ok(Some(tls))
}
