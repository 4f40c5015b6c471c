//! TLS for servers that answer programs and browsers: a certificate of an authority, and, if wanted,
//! clients that prove the key of a certificate of theirs. The nodes' own connections are [`crate::tls`].

use crate::{NetworkError, tls::not_version_12};
use parking_lot::RwLock;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, ring, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject},
    server::danger::{ClientCertVerified, ClientCertVerifier},
    version::TLS13,
};
use std::{fmt, io, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

/// Certificates that a client may show with its own one; ours have one authority and no steps between.
const CHAIN_MAX: usize = 4;

/// Whether clients show certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They are not asked.
    #[default]
    None,
    /// They may.
    Optional,
    /// They must; others get no connection.
    Required,
}

/// Our side of TLS connections.
pub struct ServerTls {
    clients: ClientCertificates,
    acceptor: RwLock<TlsAcceptor>,
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerTls(client certificates: {:?})", self.clients)
    }
}

impl ServerTls {
    /// `certificates` (ours first, then those that lead to its authority) and `key` are PEM texts.
    ///
    /// # Errors
    /// [`NetworkError::Setup`] when they are not, or do not belong together.
    pub fn new(
        certificates: &[u8],
        key: &[u8],
        clients: ClientCertificates,
    ) -> Result<Self, NetworkError> {
        let acceptor = RwLock::new(acceptor(certificates, key, clients)?);
        Ok(Self { clients, acceptor })
    }

    /// Takes a renewed certificate for connections from now on; those that are open stay.
    ///
    /// # Errors
    /// As [`ServerTls::new`]; the old one stays then.
    pub fn replace(&self, certificates: &[u8], key: &[u8]) -> Result<(), NetworkError> {
        *self.acceptor.write() = acceptor(certificates, key, self.clients)?;
        Ok(())
    }

    /// Shakes hands. Returns the encrypted connection and the client's certificate (DER), whose key has been
    /// proven and nothing else: what it says is for the caller to judge.
    ///
    /// # Errors
    /// When the other side speaks no TLS 1.3, or proves no key where it must.
    pub async fn accept<S>(
        &self,
        stream: S,
    ) -> io::Result<(impl AsyncRead + AsyncWrite + Unpin + Send + use<S>, Option<Vec<u8>>)>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let acceptor = self.acceptor.read().clone();
        let stream = acceptor.accept(stream).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let certificate = shown.map(|certificate| certificate.to_vec());
        Ok((stream, certificate))
    }
}

fn acceptor(
    certificates: &[u8],
    key: &[u8],
    clients: ClientCertificates,
) -> Result<TlsAcceptor, NetworkError> {
    let broken = |what: &str, why: &dyn fmt::Display| NetworkError::Setup(format!("{what}: {why}"));
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
        .collect::<Result<_, _>>()
        .map_err(|error| broken("the TLS certificate is no PEM file", &error))?;
    if chain.is_empty() {
        let why = "it has no -----BEGIN CERTIFICATE-----";
        return Err(broken("the TLS certificate is no PEM file", &why));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| broken("the key of the TLS certificate is no PEM file", &error))?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| broken("TLS", &error))?;
    let builder = match clients {
        ClientCertificates::None => builder.with_no_client_auth(),
        ClientCertificates::Optional | ClientCertificates::Required => {
            let required = clients == ClientCertificates::Required;
            builder.with_client_cert_verifier(Arc::new(ProvenKeys { provider, required }))
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| broken("the TLS certificate and its key do not fit", &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config).into())
}

/// Takes every certificate with a P-256 key that is proven. Whose it is follows from the state of the chain,
/// which changes while connections last.
#[derive(Debug)]
struct ProvenKeys {
    provider: Arc<CryptoProvider>,
    required: bool,
}

impl ClientCertVerifier for ProvenKeys {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn verify_client_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        more: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if more.len() >= CHAIN_MAX {
            return Err(CertificateError::BadEncoding.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _proof: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(not_version_12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        proof: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, proof, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
