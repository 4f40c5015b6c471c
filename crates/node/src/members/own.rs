use super::{Doubt, Members};
use crate::NodeError;
use hanse_identity::{Certificate, CertificateError, Identity, Purpose, limits::WARNING_DAYS};
use hanse_network::Network;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The certificate of this node's key, in a file that may be renewed while the node runs.
#[derive(Debug)]
pub(crate) struct OwnCertificate {
    path: PathBuf,
    der: Option<Vec<u8>>,
}

impl OwnCertificate {
    /// Reads the file; one that is not there is no certificate yet.
    ///
    /// # Errors
    /// When it is no certificate.
    pub(crate) fn open(path: &Path) -> Result<Self, NodeError> {
        Ok(Self { path: path.to_owned(), der: read(path)? })
    }

    /// DER.
    pub(crate) fn der(&self) -> Option<Vec<u8>> {
        self.der.clone()
    }

    /// Looks at the file for as long as the runtime lasts: shows peers a renewed certificate, and tells the
    /// operator when the time is near. `credential` makes of a certificate what is shown.
    pub(crate) fn watch(
        mut self,
        network: Arc<Network>,
        members: Members,
        credential: impl Fn(Option<Vec<u8>>) -> Result<bytes::Bytes, NodeError> + Send + 'static,
    ) {
        tokio::spawn(async move {
            let mut told = None;
            loop {
                match read(&self.path) {
                    Ok(now) if now != self.der => {
                        let shown = credential(now.clone())
                            .and_then(|bytes| network.show(bytes).map_err(NodeError::from));
                        match shown {
                            Ok(()) => tracing::info!("peers are shown a new certificate"),
                            Err(error) => tracing::error!(%error, "the old certificate stays"),
                        }
                        self.der = now;
                        told = None;
                    }
                    Ok(_) => {}
                    Err(error) => tracing::debug!(%error, "the certificate is being written"),
                }
                self.remind(&members, &mut told);
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
    }

    /// Tells the operator, once for each step, and the metrics always.
    fn remind(&self, members: &Members, told: &mut Option<Notice>) {
        // Before the first block there is no time to judge by.
        if !members.time().is_ok_and(|time| time > 0) {
            return;
        }
        let notice = match &self.der {
            None => Notice::Missing,
            Some(der) => notice(members.check(der, Purpose::Node)),
        };
        let days = match &notice {
            Notice::Fine(days) | Notice::Near(_, days) => *days,
            _ => 0,
        };
        #[expect(clippy::cast_precision_loss, reason = "a gauge is for people")]
        metrics::gauge!("hanse_certificate_days_left").set(days as f64);
        let is_news = match (&notice, &*told) {
            (Notice::Near(step, _), Some(Notice::Near(before, _))) => step != before,
            (Notice::Fine(_), _) => false,
            (now, before) => before.as_ref() != Some(now),
        };
        if is_news {
            notice.tell(&self.path);
        }
        *told = Some(notice);
    }
}

/// What there is to say of the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Notice {
    Missing,
    /// Days that are left.
    Fine(u64),
    /// The step that is reached, and the days that are left.
    Near(u64, u64),
    Expired,
    Wrong(String),
}

impl Notice {
    fn tell(&self, path: &Path) {
        let path = path.display();
        match self {
            Self::Missing => tracing::warn!(
                %path,
                "this node has no certificate; members will not talk to it. Have one issued: hanse org enroll node"
            ),
            Self::Fine(days) => tracing::info!(days, "this node's certificate is valid"),
            Self::Near(_, days) => {
                tracing::warn!(%path, days, "this node's certificate ends soon; hanse org renew");
            }
            Self::Expired => tracing::error!(
                %path,
                "this node's certificate has expired: peers keep it only while it votes; hanse org renew"
            ),
            Self::Wrong(why) => tracing::error!(%path, why, "peers will refuse this node"),
        }
    }
}

fn notice(checked: Result<Identity, Doubt>) -> Notice {
    match checked {
        Ok(identity) => {
            let days = identity.days_left;
            match WARNING_DAYS.iter().rev().find(|step| days < **step) {
                Some(step) => Notice::Near(*step, days),
                None => Notice::Fine(days),
            }
        }
        Err(Doubt::Certificate(CertificateError::Expired(_))) => Notice::Expired,
        Err(doubt) => Notice::Wrong(doubt.to_string()),
    }
}

/// A certificate from a file, PEM.
fn read(path: &Path) -> Result<Option<Vec<u8>>, NodeError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let certificate = Certificate::from_pem(&text)
                .map_err(|error| NodeError::Config(format!("{}: {error}", path.display())))?;
            Ok(Some(certificate.der().to_vec()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(NodeError::file("read", path, error)),
    }
}
