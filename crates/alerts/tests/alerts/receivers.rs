//! Receivers on loopback: real sockets with every bad habit.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How an HTTP receiver answers a connection.
#[derive(Clone, Copy)]
pub enum Answer {
    Status(&'static str),
    Hang,
    Close,
    Endless,
}

pub type Seen = Arc<Mutex<Vec<String>>>;

/// Starts an HTTP receiver that gives the answers in turn, the last for ever. The requests it saw come with its port.
pub fn http(answers: Vec<Answer>) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let requests = Arc::clone(&seen);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let answer = answers[number.min(answers.len() - 1)];
            let requests = Arc::clone(&requests);
            thread::spawn(move || answer_http(stream.unwrap(), answer, &requests));
        }
    });
    (port, seen)
}

fn answer_http(mut stream: TcpStream, answer: Answer, seen: &Seen) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        request.push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request.push_str(&String::from_utf8(body).unwrap());
    seen.lock().unwrap().push(request);
    match answer {
        Answer::Status(head) => {
            let _ = write!(stream, "HTTP/1.1 {head}\r\ncontent-length: 15\r\n\r\ninvalid_payload");
        }
        Answer::Hang => thread::sleep(Duration::from_secs(20)),
        Answer::Close => {}
        Answer::Endless => {
            let _ = write!(stream, "HTTP/1.1 400 Bad\r\ntransfer-encoding: chunked\r\n\r\n");
            while stream.write_all(b"4\r\naaaa\r\n").is_ok() {}
        }
    }
}

/// How a mail server behaves.
#[derive(Clone, Copy)]
pub enum Habit {
    Good,
    RejectsRecipient,
    HangsAfterBanner,
    /// Is busy for so many connections, then good.
    Busy(usize),
}

/// Starts a mail server; the letters it took come with its port.
pub fn smtp(habit: Habit) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let letters = Arc::clone(&seen);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let letters = Arc::clone(&letters);
            thread::spawn(move || answer_smtp(stream.unwrap(), habit, number, &letters));
        }
    });
    (port, seen)
}

fn answer_smtp(mut stream: TcpStream, habit: Habit, number: usize, seen: &Seen) {
    let reader = BufReader::new(stream.try_clone().unwrap());
    let busy = matches!(habit, Habit::Busy(times) if number < times);
    let _ = stream.write_all(if busy { b"421 busy\r\n" } else { b"220 ready\r\n" });
    if matches!(habit, Habit::HangsAfterBanner) {
        thread::sleep(Duration::from_secs(20));
    }
    let mut letter: Option<String> = None;
    for line in reader.lines() {
        let Ok(line) = line else { return };
        if let Some(text) = &mut letter {
            if line != "." {
                text.push_str(&line);
                text.push('\n');
                continue;
            }
            seen.lock().unwrap().push(letter.take().unwrap());
        }
        let answer: &[u8] = match line.get(..4).unwrap_or(".") {
            "DATA" => {
                letter = Some(String::new());
                b"354 go on\r\n"
            }
            "RCPT" if matches!(habit, Habit::RejectsRecipient) => b"550 no such user\r\n",
            "QUIT" => b"221 bye\r\n",
            "AUTH" => b"235 welcome\r\n",
            "EHLO" => b"250-here\r\n250 AUTH PLAIN\r\n",
            _ => b"250 ok\r\n",
        };
        if stream.write_all(answer).is_err() {
            return;
        }
    }
}
