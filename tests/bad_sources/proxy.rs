//! A connection that breaks off: a proxy that hands on so many bytes of the server's and then closes both ends.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub struct Proxy {
    pub port: u16,
    cut: Arc<AtomicBool>,
}

impl Proxy {
    /// Serves one connection after the other until the test ends.
    pub fn start(server: u16, bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&cut);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", server)).unwrap());
                let (mut asking, mut asked) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut asking, &mut asked);
                    // A client that hung up is not waited for by the server.
                    asked.shutdown(Shutdown::Both)
                });
                if hand_on(&server, &client, bytes) {
                    told.store(true, Ordering::SeqCst);
                }
                let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
            }
        });
        Self { port, cut }
    }

    pub fn was_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }
}

/// Whether the bytes came to their limit.
fn hand_on(mut server: &TcpStream, mut client: &TcpStream, mut left: usize) -> bool {
    let mut buffer = [0; 8192];
    while left > 0 {
        let most = left.min(buffer.len());
        let Ok(size @ 1..) = server.read(&mut buffer[..most]) else { return false };
        if client.write_all(&buffer[..size]).is_err() {
            return false;
        }
        left -= size;
    }
    true
}
