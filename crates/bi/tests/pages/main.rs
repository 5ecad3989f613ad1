//! The report: nothing overlaps, everything has words, every field is there, colours can be told apart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod colour;
mod measures;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use bi::pages::theme::{BLUES, DATA_COLOURS, ORANGES, PAGE, QUIET_TEXT, SURFACE, TEXT};
use bi::pages::{Field, MEASURES_TABLE, fields, files};
use serde_json::Value;

use colour::{contrast, least_difference};
use measures::MEASURES;

const PROJECT: &str = "Consumer360";

/// The JSON of every file by its path.
fn documents() -> BTreeMap<String, Value> {
    files(PROJECT).into_iter().map(|file| (file.path, serde_json::from_str(&file.text).unwrap())).collect()
}

/// The visuals of each page, by the folder of the page.
fn visuals() -> BTreeMap<String, Vec<Value>> {
    let mut pages: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (path, document) in documents() {
        if let Some((page, _)) = path.split_once("/visuals/") {
            pages.entry(page.to_owned()).or_default().push(document);
        }
    }
    pages
}

fn literal(value: &Value) -> &str {
    value["expr"]["Literal"]["Value"].as_str().unwrap_or_default().trim_matches('\'')
}

#[test]
fn every_page_of_the_book_is_there_with_its_visuals() {
    let documents = documents();
    let order = documents[&format!("{PROJECT}.Report/definition/pages/pages.json")]["pageOrder"].as_array().unwrap().clone();
    let titles: Vec<&str> = order
        .iter()
        .map(|id| {
            let page = &documents[&format!("{PROJECT}.Report/definition/pages/{}/page.json", id.as_str().unwrap())];
            page["displayName"].as_str().unwrap()
        })
        .collect();
    let expected = [
        "Overview",
        "RFM matrix",
        "Customers and win-back",
        "Cohorts",
        "Products and baskets",
        "Prediction",
        "Risk",
        "Data quality",
    ];
    assert_eq!(titles, expected);
    assert_eq!(visuals().len(), expected.len());
    assert!(visuals().values().all(|visuals| visuals.len() >= 6));
}

/// Left, top, right and bottom edge of a visual.
fn edges(visual: &Value) -> [u64; 4] {
    let [x, y, width, height] = ["x", "y", "width", "height"].map(|side| visual["position"][side].as_u64().unwrap());
    [x, y, x + width, y + height]
}

fn overlap(a: [u64; 4], b: [u64; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

#[test]
fn visuals_stand_on_the_grid_and_never_overlap() {
    for (page, visuals) in visuals() {
        for (at, visual) in visuals.iter().enumerate() {
            let [left, top, right, bottom] = edges(visual);
            let title = literal(&visual["visual"]["visualContainerObjects"]["title"][0]["properties"]["text"]);
            assert!(left >= 16 && right <= 1280 - 16 && top >= 12 && bottom <= 720 - 12, "{page}: {title} leaves the page");
            assert_eq!(((left - 16) % 105, (right + 12 - 16) % 105), (0, 0), "{page}: {title} is off the columns");
            assert!(top == 12 || (top - 104).is_multiple_of(51), "{page}: {title} is off the rows");
            for other in &visuals[at + 1..] {
                assert!(!overlap([left, top, right, bottom], edges(other)), "{page}: {title} overlaps {}", other["name"]);
            }
        }
    }
}

#[test]
fn overlapping_rectangles_are_noticed() {
    assert!(overlap([0, 0, 10, 10], [9, 9, 20, 20]));
    assert!(!overlap([0, 0, 10, 10], [10, 0, 20, 10]));
}

#[test]
fn every_visual_has_a_title_and_a_text_for_screen_readers() {
    for (page, visuals) in visuals() {
        let mut titles = BTreeSet::new();
        for visual in &visuals {
            let container = &visual["visual"]["visualContainerObjects"];
            let title = literal(&container["title"][0]["properties"]["text"]);
            let alt = literal(&container["general"][0]["properties"]["altText"]);
            assert!(!title.is_empty(), "{page}: {} has no title", visual["name"]);
            assert!(titles.insert(title.to_owned()), "{page}: {title} twice");
            let width = visual["position"]["width"].as_u64().unwrap();
            assert!(title.chars().count() as u64 * 8 + 16 <= width, "{page}: {title} does not fit on one line of {width} pixels");
            assert!((20..=250).contains(&alt.len()), "{page}: {title} is described with {} letters", alt.len());
            assert_ne!(title, alt, "{page}: a title is no description");
        }
    }
}

#[test]
fn the_tab_key_goes_through_a_page_in_reading_order() {
    for (page, mut visuals) in visuals() {
        visuals.sort_by_key(|visual| visual["position"]["tabOrder"].as_u64());
        let order: Vec<u64> = visuals.iter().map(|visual| visual["position"]["tabOrder"].as_u64().unwrap()).collect();
        let expected: Vec<u64> = (0..visuals.len() as u64).map(|order| order * 1000).collect();
        assert_eq!(order, expected, "{page}");
        let corners: Vec<(u64, u64)> = visuals.iter().map(edges).map(|[left, top, ..]| (top, left)).collect();
        let headers = corners.iter().take_while(|(top, _)| *top == 12).count();
        assert!(corners[..headers].is_sorted(), "{page}: {corners:?}");
        assert!(corners[headers..].iter().all(|(top, _)| *top >= 104), "{page}: the header comes first");
    }
}

#[test]
fn every_field_is_in_the_contract_or_among_the_measures() {
    let fields = fields();
    assert!(fields.len() > 60);
    for field in fields {
        match field {
            Field::Column { table, name } => {
                let table = schema::table(table).unwrap_or_else(|| panic!("no table {table}"));
                assert!(table.columns.iter().any(|column| column.name == name), "no column {}.{name}", table.name);
                assert_ne!(table.visibility, schema::Visibility::Working, "{} is not published", table.name);
            }
            Field::Measure(name) => assert!(MEASURES.contains(&name), "no measure {name}"),
        }
    }
}

/// The fields by what the files say, so that none is left out of the list above.
#[test]
fn the_files_name_no_other_field() {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        if let Some(object) = value.as_object() {
            for kind in ["Column", "Measure"] {
                let field = object.get(kind);
                let table = field.and_then(|field| field["Expression"]["SourceRef"]["Entity"].as_str());
                if let (Some(field), Some(table)) = (field, table) {
                    found.insert(format!("{table}.{}", field["Property"].as_str().unwrap()));
                }
            }
        }
        let parts: Vec<&Value> = match value {
            Value::Object(object) => object.values().collect(),
            Value::Array(array) => array.iter().collect(),
            _ => Vec::new(),
        };
        for part in parts {
            walk(part, found);
        }
    }
    let mut found = BTreeSet::new();
    for document in documents().values() {
        walk(document, &mut found);
    }
    let listed: BTreeSet<String> = fields().into_iter().map(Field::query_ref).collect();
    assert_eq!(found, listed);
    assert!(listed.iter().any(|field| field.starts_with(MEASURES_TABLE)));
}

/// The fields that a visual shows, as (kind, table, name).
fn shown(visual: &Value) -> Vec<(String, String, String)> {
    let wells = visual["visual"]["query"]["queryState"].as_object().into_iter().flat_map(|wells| wells.values());
    wells
        .flat_map(|well| well["projections"].as_array().unwrap())
        .map(|projection| {
            let (kind, field) = projection["field"].as_object().unwrap().iter().next().unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (kind.clone(), text(&field["Expression"]["SourceRef"]["Entity"]), text(&field["Property"]))
        })
        .collect()
}

/// Without a measure, Power BI would pair every row of the one table with every row of the other.
#[test]
fn a_visual_over_several_tables_shows_a_measure_that_joins_them() {
    for visual in visuals().values().flatten() {
        let shown = shown(visual);
        let tables: BTreeSet<&String> = shown.iter().filter(|(kind, ..)| kind == "Column").map(|(_, table, _)| table).collect();
        let measures = shown.iter().filter(|(kind, ..)| kind == "Measure").count();
        assert!(tables.len() <= 1 || measures > 0, "{}: {shown:?}", visual["name"]);
    }
}

/// The model hides keys: nobody can read them, and some are beyond what a visual shows digit by digit.
#[test]
fn no_visual_shows_a_key_or_an_address() {
    for visual in visuals().values().flatten() {
        for (_, table, name) in shown(visual) {
            assert!(!name.ends_with("_key") && name != "email", "{} shows {table}.{name}", visual["name"]);
        }
    }
}

#[test]
fn a_slicer_of_one_choice_is_in_step_on_all_pages() {
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut pages: BTreeMap<String, usize> = BTreeMap::new();
    for visual in visuals().values().flatten().filter(|visual| visual["visual"]["visualType"] == "slicer") {
        if let Some(group) = visual["visual"]["syncGroup"]["groupName"].as_str() {
            let field = visual["visual"]["query"]["queryState"]["Values"]["projections"][0]["queryRef"].to_string();
            groups.entry(group.to_owned()).or_default().insert(field);
            *pages.entry(group.to_owned()).or_default() += 1;
        }
    }
    assert_eq!(groups.keys().collect::<Vec<_>>(), ["dates", "region", "segment"]);
    assert!(groups.values().all(|fields| fields.len() == 1), "{groups:?}");
    assert!(pages.values().all(|pages| *pages >= 3), "{pages:?}");
}

#[test]
fn choices_lead_from_and_to_visuals_of_the_page() {
    let mut flows = 0;
    for (path, page) in documents().into_iter().filter(|(path, _)| path.ends_with("/page.json")) {
        let prefix = path.trim_end_matches("page.json");
        let on_page: BTreeSet<String> =
            visuals()[prefix.trim_end_matches('/')].iter().map(|visual| visual["name"].as_str().unwrap().to_owned()).collect();
        for flow in page["visualInteractions"].as_array().into_iter().flatten() {
            assert!(["source", "target"].iter().all(|end| on_page.contains(flow[end].as_str().unwrap())), "{path}: {flow}");
            flows += 1;
        }
    }
    assert!(flows >= 5);
}

#[test]
fn text_and_marks_can_be_read() {
    for under in [SURFACE, PAGE, BLUES.low, BLUES.high, ORANGES.low, ORANGES.high] {
        assert!(contrast(TEXT, under) >= 4.5, "text on {under}: {}", contrast(TEXT, under));
    }
    for under in [SURFACE, PAGE] {
        assert!(contrast(QUIET_TEXT, under) >= 4.5, "quiet text on {under}: {}", contrast(QUIET_TEXT, under));
        for colour in DATA_COLOURS {
            assert!(contrast(colour, under) >= 3.0, "{colour} on {under}: {}", contrast(colour, under));
        }
    }
}

#[test]
fn colours_of_data_keep_apart_for_the_colour_blind() {
    let (difference, sight, pair) = least_difference(&DATA_COLOURS);
    assert!(difference >= 20.0, "{pair:?} are only {difference} apart with {sight}");
    assert!(least_difference(&["#C2570C", "#8C6D00"]).0 < 20.0, "the measure tells likeness");
}

#[test]
fn the_theme_goes_by_one_name_everywhere() {
    let documents = documents();
    let report = &documents[&format!("{PROJECT}.Report/definition/report.json")];
    let name = report["themeCollection"]["customTheme"]["name"].as_str().unwrap();
    let theme = &documents[&format!("{PROJECT}.Report/StaticResources/RegisteredResources/{name}")];
    assert_eq!(theme["name"], name);
    assert_eq!(report["resourcePackages"][0]["items"][0]["path"], name);
    assert!(!name.contains(' '), "Power BI cannot save a theme with a blank in its name");
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn walk(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.insert(path);
        }
    }
}

/// A change of the report shows as a change of these files; `UPDATE_GOLDEN=1` writes them anew.
#[test]
fn the_report_is_the_one_that_passed_the_validators() {
    let report = golden().join(format!("{PROJECT}.Report"));
    if env::var_os("UPDATE_GOLDEN").is_some() {
        if report.exists() {
            fs::remove_dir_all(&report).unwrap();
        }
        for file in files(PROJECT) {
            let path = golden().join(file.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file.text).unwrap();
        }
    }
    let mut kept = BTreeSet::new();
    walk(&report, &mut kept);
    let written = files(PROJECT);
    assert_eq!(written.iter().map(|file| golden().join(&file.path)).collect::<BTreeSet<_>>(), kept);
    for file in written {
        assert_eq!(fs::read_to_string(golden().join(&file.path)).unwrap(), file.text, "{}", file.path);
    }
}

#[test]
fn writing_again_gives_the_same_files_and_unique_names() {
    assert_eq!(files(PROJECT), files(PROJECT));
    let names: Vec<String> = visuals().values().flatten().map(|visual| visual["name"].to_string()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    let longest = files(PROJECT).into_iter().map(|file| file.path.len()).max().unwrap();
    assert!(longest < 150, "Windows takes paths of 260 letters, the project's folder included, not {longest}");
}

#[test]
fn the_name_of_a_project_may_hold_any_letter() {
    let name = "O'Brien \"North\" & <Söhne>";
    for file in files(name) {
        let document: Value = serde_json::from_str(&file.text).unwrap();
        if file.path.ends_with(".Report/.platform") {
            assert_eq!(document["metadata"]["displayName"], name);
        }
        if file.path.ends_with("definition.pbir") {
            assert_eq!(document["datasetReference"]["byPath"]["path"], format!("../{name}.SemanticModel"));
        }
    }
}
