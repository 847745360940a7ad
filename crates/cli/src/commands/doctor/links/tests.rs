use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// What a daemon says to a link that it has not signed.
const DAEMON: &str = "HTTP/1.1 404 Not Found\r\nx-robots-tag: noindex\r\ncontent-length: 0\r\n\r\n";
const ANOTHER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// A server behind TLS that answers each request so, as `localhost`; its port, and the root of its certificate.
async fn serve(answer: &'static str) -> (u16, CertificateDer<'static>) {
    let mut root = CertificateParams::new([]).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &root).unwrap();
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], secret)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(client).await else { continue };
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) && line != "\r\n" {
                assert!(!line.starts_with("GET ") || line.starts_with("GET /o/doctor HTTP/1.1"), "{line}");
                line.clear();
            }
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.flush().await;
        }
    });
    (port, root.der().clone())
}

#[tokio::test]
async fn links_are_followed_behind_tls() {
    let (daemon, root) = serve(DAEMON).await;
    let (another, anothers) = serve(ANOTHER).await;
    let trusting = |root: CertificateDer<'static>| {
        let mut roots = RootCertStore::empty();
        roots.add(root).unwrap();
        roots
    };
    for (domain, roots, health, expected) in [
        (format!("localhost:{daemon}"), trusting(root.clone()), Health::Ok, "leads to a daemon"),
        (
            format!("https://localhost:{another}"),
            trusting(anothers),
            Health::Broken,
            "leads to something else, which answered 200",
        ),
        // Of another name; by nobody who is known; not hidden at all.
        (
            format!("127.0.0.1:{daemon}"),
            trusting(root.clone()),
            Health::Broken,
            "can't be reached: invalid peer certificate",
        ),
        (
            format!("localhost:{daemon}"),
            known(),
            Health::Broken,
            "can't be reached: invalid peer certificate: UnknownIssuer",
        ),
        (
            format!("http://localhost:{daemon}"),
            trusting(root),
            Health::Broken,
            "can't be reached: it answers no HTTP",
        ),
    ] {
        let links = Links { domain: Some(domain.as_str().into()), ..Links::default() };
        let found = look_from(&links, roots).await;
        let base = if domain.contains("://") { domain } else { format!("https://{domain}") };
        assert!(
            found.health == health && found.what.starts_with(&format!("{base} {expected}")),
            "{base}, not {expected}: {found:?}"
        );
        assert_eq!(found.todo.is_empty(), health == Health::Ok, "{found:?}");
    }
}
