//! A server as a process, and what it shows.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Workspace;

pub const PIPELINE: &str = "
version: 1
name: shop
as_of: 2024-12-31
connections: {drop: {type: files, url: drop}}
extract: {sales: {from: drop, path: lines.csv}}
publish: {to: out}
";

pub const LINES: &str = "order_id,line_number,customer_id,product_id,ordered_at,quantity,unit_price\n\
    o1,1,c1,p1,2024-05-01,1,10\no2,1,c2,p1,2024-06-01,2,10\n";

pub const EVERY_MINUTE: &str = "schedule: {cron: '* * * * *'}\n";

/// A port that nobody has just now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub fn shop(options: &str) -> (Workspace, u16) {
    let space = Workspace::new();
    space.write("pipelines/shop.yaml", PIPELINE.to_owned() + options);
    space.write("drop/lines.csv", LINES);
    let port = free_port();
    space.write("config/default.yaml", format!("serve: {{listen: '127.0.0.1:{port}'}}\n"));
    (space, port)
}

/// A server that does not outlive its test.
pub struct Served(pub Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn serve(space: &Workspace, config: &str) -> Served {
    let log = std::fs::File::create(space.path(&format!("{config}.log"))).unwrap();
    let mut command = space.command(&["--config", config, "serve", "pipelines"]);
    Served(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
}

pub fn signal(served: &Served, name: &str) {
    assert!(Command::new("kill").args([name, &served.0.id().to_string()]).status().unwrap().success());
}

/// Waits until it holds, at most four minutes: a slot comes in one, and a busy machine takes its time.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_mins(4), "waited in vain for: {what}");
        thread::sleep(Duration::from_millis(200));
    }
}

pub fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some((answer.split(' ').nth(1)?.parse().ok()?, answer))
}

pub fn slots(space: &Workspace) -> Vec<Value> {
    let slots = space.run(&["schedule", "slots", "pipelines/shop.yaml", "--output", "json"]).ok().json();
    slots.as_array().unwrap().clone()
}
