use std::error::Error as _;
use std::fs;
use std::path::Path;

use sample::{Error, MAX_LINES, generate};

use crate::made::{csv, make, parquet};

#[test]
fn a_shop_needs_a_line() {
    let error = generate(&csv(0, 1, 0.0), Path::new("never-made")).unwrap_err();
    assert!(matches!(error, Error::LinesOutOfRange { lines: 0 }));
    assert_eq!(error.to_string(), "cannot make a shop of 0 lines: the number of lines is from 1 to 1000000000");
    assert!(!Path::new("never-made").exists());
}

#[test]
fn too_many_lines_and_too_much_dirt_are_refused() {
    for lines in [MAX_LINES + 1, u64::MAX] {
        let error = generate(&csv(lines, 1, 0.0), Path::new("never-made")).unwrap_err();
        assert!(matches!(error, Error::LinesOutOfRange { .. }), "{lines}");
    }
    for dirt in [-0.01, 0.21, f64::NAN, f64::INFINITY] {
        let error = generate(&csv(10, 1, dirt), Path::new("never-made")).unwrap_err();
        assert!(matches!(error, Error::DirtOutOfRange { .. }), "{dirt}");
    }
}

#[test]
fn a_file_in_the_place_of_the_folder_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    fs::write(&taken, "mine").unwrap();
    let error = generate(&csv(10, 1, 0.0), &taken).unwrap_err();
    assert!(matches!(&error, Error::CreateFolder { path, .. } if *path == taken));
    assert!(error.to_string().contains("taken"));
    assert_eq!(fs::read_to_string(&taken).unwrap(), "mine");
}

#[test]
fn a_table_that_cannot_take_its_name_leaves_no_rest() {
    let made = make(csv(10, 1, 0.0));
    let summary = fs::read(made.folder.path().join("summary.json")).unwrap();
    fs::remove_file(made.path("tickets")).unwrap();
    fs::create_dir(made.path("tickets")).unwrap();
    let error = generate(&csv(20, 1, 0.0), made.folder.path()).unwrap_err();
    assert!(matches!(&error, Error::Write { path, .. } if path.ends_with("tickets.csv")));
    assert!(error.source().is_some());
    assert!(names(made.folder.path()).iter().all(|name| !name.starts_with('.')));
    assert_eq!(fs::read(made.folder.path().join("summary.json")).unwrap(), summary);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_of_somebody_else_stay_and_nothing_is_written_beside_them() {
    let ours = r#"{"arguments": {"format": "parquet"}, "total": 3}"#;
    for (name, text) in [("customers.csv", "my,precious,customers\n"), ("tickets.csv", ""), ("summary.json", ours)] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let error = generate(&csv(20, 1, 0.0), folder.path()).unwrap_err();
        assert!(matches!(&error, Error::Taken { path } if *path == file), "{error}");
        assert!(error.to_string().contains(&format!("{name} is there already and stays as it is")), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
        assert_eq!(names(folder.path()), [name]);
    }
}

#[test]
fn an_earlier_shop_gives_way_in_the_other_format_too() {
    let made = make(csv(100, 1, 0.0));
    fs::write(made.folder.path().join("notes.csv"), "mine").unwrap();
    generate(&parquet(50, 2, 0.0), made.folder.path()).unwrap();
    let tables = ["customers", "order_lines", "payments", "products", "tickets"].map(|table| format!("{table}.parquet"));
    let mut expected = tables.to_vec();
    expected.extend(["notes.csv", "summary.json"].map(str::to_owned));
    expected.sort();
    assert_eq!(names(made.folder.path()), expected);
    // What lies beside a shop of the one format under a name of the other is not of that shop.
    fs::write(made.path("products"), "mine").unwrap();
    let error = generate(&csv(50, 2, 0.0), made.folder.path()).unwrap_err();
    assert!(matches!(&error, Error::Taken { path } if *path == made.path("products")), "{error}");
    assert_eq!(fs::read_to_string(made.path("products")).unwrap(), "mine");
}

#[test]
fn other_files_in_the_folder_stay() {
    let made = make(csv(100, 1, 0.0));
    fs::write(made.folder.path().join("notes.txt"), "mine").unwrap();
    generate(&csv(50, 2, 0.0), made.folder.path()).unwrap();
    assert_eq!(fs::read_to_string(made.folder.path().join("notes.txt")).unwrap(), "mine");
    assert_eq!(made.table("order_lines").rows.len(), 50);
    assert_eq!(fs::read_dir(made.folder.path()).unwrap().count(), 7);
}
