//! Pipelines keep to the folders and urls that the settings allow.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use config::{Environment, load};

fn environment() -> Environment<'static> {
    Environment { variable: &|name| (name == "ELSEWHERE").then(|| "/etc/canary".to_owned()), cores: 2 }
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("roots").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("config")).unwrap();
    folder
}

/// What is said of a pipeline, with the folder's name taken out.
fn said(folder: &Path, roots: &str, connection: &str, to: &str) -> String {
    fs::write(folder.join("config/default.yaml"), format!("limits: {{roots: [{roots}]}}\n")).unwrap();
    let from = if connection.contains("sqlite") { "from: drop, table: sales" } else { "from: drop, path: sales.csv" };
    let text = format!(
        "version: 1\nname: shop\nconnections:\n  drop: {connection}\nextract:\n  sales: {{{from}}}\npublish: {{to: {to}}}\n"
    );
    fs::write(folder.join("shop.yaml"), text).unwrap();
    match load(&folder.join("shop.yaml"), Some(&folder.join("config")), None, &environment()) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string().replace(&folder.display().to_string(), "TOP"),
    }
}

#[test]
fn what_lies_outside_is_refused_with_its_place() {
    let top = folder("outside");
    let at = top.display();
    fs::create_dir_all(top.join("data")).unwrap();
    std::os::unix::fs::symlink("/etc", top.join("data/link")).unwrap();
    let roots = format!("{at}/data, {at}/out, \"s3://lake/shop\"");
    for (connection, to) in [
        (format!("{{type: files, url: {at}/data/drop}}"), format!("{at}/out/shop")),
        (format!("{{type: sqlite, path: {at}/data/shop.sqlite}}"), "\"s3://lake/shop/out\"".to_owned()),
        ("{type: files, url: \"s3://lake/shop/in\"}".to_owned(), format!("{at}/data/../out")),
    ] {
        assert_eq!(said(&top, &roots, &connection, &to), "", "{connection} {to}");
        assert_eq!(said(&top, "", &connection, "/anywhere"), "", "without roots all are allowed");
    }
    let both = said(&top, &roots, &format!("{{type: files, url: {at}/data/../private}}"), "\"s3://lake/other\"");
    let expected = "error: `url` leads out of what pipelines may use\n --> TOP/shop.yaml:4:28\n";
    assert!(both.starts_with(expected), "{both}");
    assert!(both.contains("error: `to` leads out of what pipelines may use\n --> TOP/shop.yaml:7:15\n"), "{both}");
    assert!(both.contains("help: `limits: roots` of the settings allows `TOP/data`, `TOP/out`, `s3://lake/shop`"), "{both}");
    for connection in [
        format!("{{type: files, url: {at}/data/link}}"),
        format!("{{type: sqlite, path: {at}/data/link/shop.sqlite}}"),
        "{type: files, url: /}".to_owned(),
        "{type: files, url: \"${env:ELSEWHERE}\"}".to_owned(),
        "{type: files, url: \"s3://lake/shop/../other\"}".to_owned(),
    ] {
        let told = said(&top, &roots, &connection, &format!("{at}/out"));
        assert!(told.contains("leads out of") && told.contains(":4:"), "{connection}: {told}");
        assert!(!told.contains("canary"), "{told}");
    }
}

#[test]
fn a_secret_and_a_driver_lead_nowhere_else() {
    let top = folder("secrets");
    let at = top.display();
    fs::create_dir_all(top.join("data")).unwrap();
    fs::write(top.join("data/url"), format!("{at}/data/drop")).unwrap();
    let roots = format!("{at}/data, {at}/out");
    let out = format!("{at}/out");
    assert_eq!(said(&top, &roots, &format!("{{type: files, url: \"${{file:{at}/data/url}}\"}}"), &out), "");
    let outside = said(&top, &roots, "{type: files, url: \"${file:/etc/hostname}\"}", &out);
    assert!(outside.starts_with("error: `${file:…}` leads out of what pipelines may use\n --> TOP/shop.yaml:4:28"), "{outside}");
    let driver = said(&top, &roots, "{type: odbc, connection: \"Driver=SQLite3;Database=/etc/passwd\"}", &out);
    assert!(driver.contains("a driver's attributes can name any file"), "{driver}");
}
