//! Servers on loopback that take what the program sends, and behave as they are told.

pub mod tls;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// A request that came in.
pub struct Received {
    /// Its first line and headers.
    pub head: String,
    pub body: Value,
}

/// What a server does with a connection.
#[derive(Clone, Copy)]
pub enum Answer {
    /// HTTP: this status. SMTP: this reply to the mail.
    Says(&'static str),
    /// It takes the connection and never answers.
    Hangs,
}

/// An HTTP server that hands on what it is sent; after the given answers it says 200.
pub fn http(answers: Vec<Answer>) -> (u16, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, received) = channel();
    thread::spawn(move || {
        let mut answers = answers.into_iter();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Some(request) = request(&mut stream) else { continue };
            if sender.send(request).is_err() {
                return;
            }
            match answers.next().unwrap_or(Answer::Says("200 OK")) {
                Answer::Says(status) => {
                    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                }
                Answer::Hangs => hang(stream),
            }
        }
    });
    (port, received)
}

fn request(stream: &mut TcpStream) -> Option<Received> {
    let mut text = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let size = stream.read(&mut chunk).ok().filter(|size| *size > 0)?;
        text.extend_from_slice(&chunk[..size]);
        let whole = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = whole.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return Some(Received { head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(Value::Null) });
        }
    }
}

/// Keeps the connection open for longer than anybody waits.
fn hang(stream: TcpStream) {
    thread::spawn(move || {
        thread::sleep(Duration::from_mins(10));
        drop(stream);
    });
}

/// A mail server that hands on the mails it takes; after the given answers it takes every mail.
pub fn smtp(answers: Vec<Answer>) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, received) = channel();
    thread::spawn(move || {
        let mut answers = answers.into_iter();
        for stream in listener.incoming() {
            match answers.next().unwrap_or(Answer::Says("250 taken")) {
                Answer::Hangs => hang(stream.unwrap()),
                Answer::Says(reply) => {
                    let Some(mail) = mail(&mut stream.unwrap(), reply) else { continue };
                    if reply.starts_with("250") && sender.send(mail).is_err() {
                        return;
                    }
                }
            }
        }
    });
    (port, received)
}

/// One conversation of SMTP, up to the end of the mail.
fn mail(stream: &mut TcpStream, reply: &str) -> Option<String> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    write!(stream, "220 test\r\n").ok()?;
    loop {
        let line = lines.next()?.ok()?;
        let answer = match line.split(' ').next().unwrap_or_default() {
            "EHLO" | "HELO" => "250 test",
            "DATA" => break,
            "QUIT" => return None,
            _ => "250 ok",
        };
        write!(stream, "{answer}\r\n").ok()?;
    }
    write!(stream, "354 go on\r\n").ok()?;
    let mut mail = String::new();
    loop {
        let line = lines.next()?.ok()?;
        if line == "." {
            break;
        }
        mail += &(line + "\n");
    }
    write!(stream, "{reply}\r\n").ok()?;
    Some(mail)
}
