//! A server behind TLS, with a certificate that only those trust who are told to.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const REQUEST: &str = "[req]\ndistinguished_name = name\nx509_extensions = kind\nprompt = no\n\
     [name]\nCN = localhost\n[kind]\nsubjectAltName = IP:127.0.0.1\nbasicConstraints = CA:FALSE\n";

/// A certificate and its key, as files.
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Decrypts what comes in on the returned port and hands it to another one.
pub fn before(port: u16, identity: &Identity) -> u16 {
    let chain = vec![CertificateDer::from_pem_file(&identity.certificate).unwrap()];
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(chain, PrivateKeyDer::from_pem_file(&identity.key).unwrap()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let own = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((socket, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust the certificate hangs up here.
                    let Ok(mut outer) = acceptor.accept(socket).await else { return };
                    let mut inner = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
                });
            }
        });
    });
    own
}

/// Makes a certificate of this machine's loopback, signed by nobody else.
pub fn identity(folder: &Path) -> Identity {
    let (request, certificate, key) = (folder.join("tls.cnf"), folder.join("tls.pem"), folder.join("tls.key"));
    fs::write(&request, REQUEST).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    openssl.arg("-config").arg(&request).arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    let made = openssl.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Identity { certificate, key }
}
