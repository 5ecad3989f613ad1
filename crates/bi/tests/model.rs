//! The project as a whole: its bytes, its names, and what becomes of a folder that a person works in.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bi::{Content, Error, ProjectFile, Region, Source, project, write};
use schema::{TABLES, Visibility};

fn region(key: i64, name: &str) -> Region {
    Region { key, name: name.to_owned() }
}

fn content(source: Source, location: &str) -> Content {
    let regions = vec![region(0, "Unknown"), region(11, "North"), region(12, "South")];
    Content { project: "retail".to_owned(), regions, source, location: location.to_owned() }
}

fn folder_content() -> Content {
    content(Source::Folder, "C:\\Consumer360\\out")
}

fn text<'a>(files: &'a [ProjectFile], end: &str) -> &'a str {
    &files.iter().find(|file| file.path.ends_with(end)).unwrap().text
}

/// With the variable `UPDATE_GOLDEN` set the files are written anew.
#[test]
fn the_model_is_the_golden_one() {
    let files = project(&folder_content()).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for name in [
        "definition/model.tmdl",
        "definition/expressions.tmdl",
        "definition/relationships.tmdl",
        "definition/tables/dim_date.tmdl",
        "definition/tables/dim_product.tmdl",
        "definition/tables/fact_sales.tmdl",
        "definition/tables/Key measures.tmdl",
        "definition/roles/Region North.tmdl",
        "definition/roles/Regional manager.tmdl",
        "retail.SemanticModel/.platform",
        "definition.pbism",
        "retail.pbip",
    ] {
        let path = golden.join(name.rsplit('/').next().unwrap().trim_start_matches('.'));
        let now = text(&files, name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, now).unwrap();
        }
        assert_eq!(now, fs::read_to_string(&path).unwrap(), "{name} is not what {} holds", path.display());
    }
}

#[test]
fn every_published_column_is_in_the_model_and_its_query() {
    let files = project(&folder_content()).unwrap();
    for table in TABLES.iter().filter(|table| table.visibility != Visibility::Working) {
        let file = text(&files, &format!("definition/tables/{}.tmdl", table.name));
        for column in table.columns {
            assert!(file.contains(&format!("\t/// {}\n\tcolumn {}\n", column.description, column.name)), "{}", column.name);
            assert!(file.contains(&format!("{} = ", column.name)), "{}.{} is not read", table.name, column.name);
        }
        assert!(text(&files, "model.tmdl").contains(&format!("ref table {}\n", table.name)));
    }
    assert_eq!(files.iter().filter(|file| file.path.contains("/tables/")).count(), 1 + published());
    assert!(text(&files, "Key measures.tmdl").matches("\tmeasure ").count() >= 40);
}

fn published() -> usize {
    TABLES.iter().filter(|table| table.visibility != Visibility::Working).count()
}

#[test]
fn the_same_content_gives_the_same_bytes_whatever_the_order_of_regions() {
    let mut other = folder_content();
    other.regions.reverse();
    assert_eq!(project(&folder_content()).unwrap(), project(&other).unwrap());
}

#[test]
fn each_source_has_one_connector() {
    let connectors = ["Folder.Contents", "AzureStorage.DataLake", "Web.Contents"];
    for (at, source) in [Source::Folder, Source::Adls, Source::Http].into_iter().enumerate() {
        let files = project(&content(source, "x")).unwrap();
        let used: Vec<_> = connectors.iter().filter(|name| text(&files, "expressions.tmdl").contains(**name)).collect();
        assert_eq!(used, [&connectors[at]]);
    }
}

#[test]
fn no_name_from_data_leaves_its_place() {
    let long = "ä".repeat(200);
    let names =
        ["O'Brien \"North\" <b>&", "=1+1", "🛒", &long, "CON", "a\nrole x", "b\u{2028}c", "../../up", "north", "North", ""];
    let regions: Vec<_> = names.iter().zip(1..).map(|(name, key)| region(key, name)).collect();
    let content = Content {
        project: "../O'Brien \"Shop\"".to_owned(),
        regions,
        source: Source::Folder,
        location: "C:\\a \"b\" #(lf)\nlet".to_owned(),
    };
    let files = project(&content).unwrap();
    let paths: BTreeSet<_> = files.iter().map(|file| file.path.to_lowercase()).collect();
    assert_eq!(paths.len(), files.len());
    for file in &files {
        assert!(file.path.chars().all(|c| c.is_alphanumeric() || " -_./".contains(c)), "{}", file.path);
        assert!(!file.path.contains("..") && file.path.split('/').all(|part| part.len() < 150), "{}", file.path);
        assert!(!file.text.contains('\r') && !file.text.contains('\u{2028}'), "{}", file.path);
    }
    let roles: Vec<_> = files.iter().filter(|file| file.path.contains("/roles/")).collect();
    assert_eq!(roles.len(), names.len() + 2);
    for role in roles {
        assert_eq!(role.text.lines().filter(|line| line.starts_with("role ")).count(), 1, "{}", role.text);
    }
    let location = "expression DataLocation = \"C:\\a \"\"b\"\" #(#)(lf)#(lf)let\" meta";
    assert!(text(&files, "expressions.tmdl").contains(location));
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &files, false).unwrap();
}

#[test]
fn a_region_key_stands_for_one_region() {
    let mut content = folder_content();
    content.regions.push(region(11, "Else"));
    assert!(matches!(project(&content), Err(Error::RegionTwice { key: 11, .. })));
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn an_edited_file_stops_the_writing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let files = project(&folder_content()).unwrap();
    let first = write(folder, &files, false).unwrap();
    assert_eq!((first.written, first.unchanged, first.removed), (files.len(), 0, 0));
    let again = write(folder, &files, false).unwrap();
    assert_eq!((again.written, again.unchanged, again.removed), (0, files.len(), 0));

    let edited = "retail.SemanticModel/definition/model.tmdl";
    fs::write(folder.join(edited), "mine").unwrap();
    let newer = project(&content(Source::Http, "https://example.com/out")).unwrap();
    let refused = write(folder, &newer, false).unwrap_err();
    assert!(refused.to_string().contains(edited) && refused.to_string().contains("--force"), "{refused}");
    assert_eq!(read(folder, edited), "mine");
    let expressions = "retail.SemanticModel/definition/expressions.tmdl";
    assert_eq!(read(folder, expressions), text(&files, "expressions.tmdl"), "nothing is written where one file is refused");

    write(folder, &newer, true).unwrap();
    assert_eq!(read(folder, edited), text(&newer, "model.tmdl"));
    assert_eq!(read(folder, expressions), text(&newer, "expressions.tmdl"));
}

#[test]
fn a_file_no_longer_written_goes_and_a_foreign_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, &project(&folder_content()).unwrap(), false).unwrap();
    let foreign = "retail.SemanticModel/.pbi/localSettings.json";
    fs::create_dir_all(folder.join("retail.SemanticModel/.pbi")).unwrap();
    fs::write(folder.join(foreign), "{}").unwrap();

    let mut fewer = folder_content();
    fewer.regions.pop();
    let done = write(folder, &project(&fewer).unwrap(), false).unwrap();
    assert_eq!(done.removed, 1);
    assert!(!folder.join("retail.SemanticModel/definition/roles/Region South.tmdl").exists());
    assert_eq!(read(folder, foreign), "{}");
}

#[test]
fn a_project_of_somebody_else_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("retail.pbip"), "theirs").unwrap();
    let refused = write(folder.path(), &project(&folder_content()).unwrap(), false).unwrap_err();
    assert!(matches!(&refused, Error::Edited { files, .. } if files == &["retail.pbip"]), "{refused}");
    assert_eq!(read(folder.path(), "retail.pbip"), "theirs");
}

#[test]
fn a_list_that_leads_out_of_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(folder.path().join("precious"), "").unwrap();
    fs::write(inner.join(".consumer360.json"), "{\"files\": {\"../precious\": \"\"}}").unwrap();
    assert!(matches!(write(&inner, &[], true), Err(Error::Outside { .. })));
    assert!(folder.path().join("precious").exists());
}
