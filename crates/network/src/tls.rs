//! Encryption and proof of identity: TLS 1.3 with raw public keys (RFC 8446, RFC 7250) on both sides.
//!
//! A node's ed25519 key is its certificate: no names, no dates, no authorities. The handshake proves
//! that the peer holds the key; whether that key is welcome is decided after it.

use crate::{NetworkError, NodeKey};
use hanse_primitives::PeerId;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
    client::{
        AlwaysResolvesClientRawPublicKeys, Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls13_signature_with_raw_key},
    pki_types::{
        CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
    },
    server::{
        AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    version::TLS13,
};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// An ed25519 public key as a certificate: what stands before its 32 bytes (RFC 8410, section 4).
const KEY_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Says that what follows is our protocol and no other that runs over TLS (RFC 7301).
const PROTOCOL: &[u8] = b"hanse";

/// Encrypted bytes that may wait for the kernel: more would be bytes that no vote can overtake.
const UNSENT_RECORDS_BYTES: usize = 64 * 1024;

/// Both ends of the handshake with one key.
pub(crate) struct Tls {
    connector: TlsConnector,
    acceptor: TlsAcceptor,
}

impl Tls {
    pub(crate) fn new(key: &NodeKey) -> Result<Self, NetworkError> {
        build(key).map_err(|error| NetworkError::Setup(error.to_string()))
    }

    /// Proves our key to whoever answers, and learns theirs.
    pub(crate) async fn connect(
        &self,
        tcp: TcpStream,
    ) -> std::io::Result<(PeerId, TlsStream<TcpStream>)> {
        let name = ServerName::try_from("hanse").expect("it is a DNS name; it is not sent");
        let mut stream = self.connector.connect(name, tcp).await?;
        stream.get_mut().1.set_buffer_limit(Some(UNSENT_RECORDS_BYTES));
        identified(TlsStream::Client(stream))
    }

    /// Learns the key of whoever connected, and proves ours.
    pub(crate) async fn accept(
        &self,
        tcp: TcpStream,
    ) -> std::io::Result<(PeerId, TlsStream<TcpStream>)> {
        let mut stream = self.acceptor.accept(tcp).await?;
        stream.get_mut().1.set_buffer_limit(Some(UNSENT_RECORDS_BYTES));
        identified(TlsStream::Server(stream))
    }
}

fn identified(stream: TlsStream<TcpStream>) -> std::io::Result<(PeerId, TlsStream<TcpStream>)> {
    let key = stream.get_ref().1.peer_certificates().and_then(|keys| keys.first());
    let peer = key.and_then(|key| peer_of(key));
    match peer {
        Some(peer) => Ok((peer, stream)),
        None => Err(std::io::Error::other("the peer proved no ed25519 key")),
    }
}

/// Whose key this is; `None` when it is of another kind.
fn peer_of(key: &[u8]) -> Option<PeerId> {
    key.strip_prefix(&KEY_PREFIX)?.try_into().ok().map(PeerId)
}

fn build(key: &NodeKey) -> Result<Tls, Error> {
    let mut provider = ring::default_provider();
    provider.kx_groups = vec![ring::kx_group::X25519];
    let provider = Arc::new(provider);
    let secret = PrivatePkcs8KeyDer::from(key.to_pkcs8());
    let signer = ring::sign::any_eddsa_type(&secret)?;
    let public = [KEY_PREFIX.as_slice(), &key.id().0].concat();
    let certified = Arc::new(CertifiedKey::new(vec![CertificateDer::from(public)], signer));
    let verifier = Arc::new(RawKeys(Arc::clone(&provider)));

    let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<dyn ServerCertVerifier>)
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(Arc::clone(
            &certified,
        ))));
    client.alpn_protocols = vec![PROTOCOL.to_vec()];
    client.enable_sni = false;
    client.resumption = Resumption::disabled();

    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(certified)));
    server.alpn_protocols = vec![PROTOCOL.to_vec()];
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;

    let (connector, acceptor) = (Arc::new(client).into(), Arc::new(server).into());
    Ok(Tls { connector, acceptor })
}

/// Takes every ed25519 key that is proven, and nothing else.
#[derive(Debug)]
struct RawKeys(Arc<CryptoProvider>);

impl RawKeys {
    fn check_key(key: &CertificateDer<'_>, more: &[CertificateDer<'_>]) -> Result<(), Error> {
        if more.is_empty() && peer_of(key).is_some() {
            return Ok(());
        }
        Err(CertificateError::BadEncoding.into())
    }

    fn check_proof(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        proof: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if proof.scheme != SignatureScheme::ED25519 {
            return Err(CertificateError::BadSignature.into());
        }
        let key = SubjectPublicKeyInfoDer::from(key.as_ref());
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &key, proof, algorithms)
    }
}

/// TLS 1.2 is not compiled in; its methods are never called.
pub(crate) fn not_version_12() -> Error {
    Error::General("TLS 1.2 is not spoken here".to_owned())
}

impl ServerCertVerifier for RawKeys {
    fn verify_server_cert(
        &self,
        key: &CertificateDer<'_>,
        more: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Self::check_key(key, more).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _key: &CertificateDer<'_>,
        _proof: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(not_version_12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        proof: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_proof(message, key, proof)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for RawKeys {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        key: &CertificateDer<'_>,
        more: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Self::check_key(key, more).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _key: &CertificateDer<'_>,
        _proof: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(not_version_12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        proof: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_proof(message, key, proof)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
