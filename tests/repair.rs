//! A ledger that is gone or damaged: `state repair` makes it again.

use std::fs;

use crate::served::{LINES, PIPELINE};
use crate::support::{Workspace, contents};

const DATABASE: &str = "state/consumer360.db";

/// A shop with two snapshots, one run that failed, and the folder of the first run pruned.
fn shop() -> Workspace {
    let space = Workspace::new();
    space.write("shop.yaml", PIPELINE);
    for price in [10, 11] {
        space.write("drop/lines.csv", LINES.replace(",10\n", &format!(",{price}\n")));
        space.run(&["run", "shop.yaml", "--quiet"]).ok();
    }
    let first = fs::read_dir(space.path("state/runs")).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
    fs::remove_dir_all(first).unwrap();
    space.write("drop/lines.csv", "order_id\n");
    assert_eq!(space.run(&["run", "shop.yaml", "--quiet"]).code, 4);
    space
}

fn statuses(space: &Workspace) -> Vec<(String, String)> {
    let runs = space.run(&["runs", "list", "--output", "json"]).ok().json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    runs.as_array().unwrap().iter().map(|run| (text(&run["run_id"]), text(&run["status"]))).collect()
}

#[test]
fn a_deleted_ledger_comes_back_from_records_and_manifests() {
    let space = shop();
    let before = statuses(&space);
    assert_eq!(before.iter().map(|(_, status)| status.as_str()).collect::<Vec<_>>(), ["source_failed", "published", "published"]);
    let sound = space.run(&["state", "repair"]).ok();
    assert!(sound.stdout.contains("3 on record, 0 of them brought back"), "{}", sound.stdout);
    assert!(sound.stdout.contains("nothing was changed"), "{}", sound.stdout);

    fs::remove_file(space.path(DATABASE)).unwrap();
    let published = contents(&space.path("out"));
    let repaired = space.run(&["state", "repair"]).ok();
    for told in [
        "Runs       3 on record, 3 of them brought back, 1 from manifests alone",
        "Snapshots  2 in out",
        "Not brought back: slots that were missed or skipped, and pauses",
    ] {
        assert!(repaired.stdout.contains(told), "{}", repaired.stdout);
    }
    assert_eq!(statuses(&space), before);
    assert_eq!(contents(&space.path("out")), published, "a repair changes nothing that readers see");
    let oldest = space.run(&["runs", "show", &before[2].0]).ok();
    assert!(oldest.stdout.contains("its record was lost"), "{}", oldest.stdout);
    space.write("drop/lines.csv", LINES);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
}

#[test]
fn a_damaged_ledger_says_what_to_do_and_is_moved_aside() {
    let space = shop();
    let before = statuses(&space);
    fs::write(space.path(DATABASE), "not a database ".repeat(400)).unwrap();
    for arguments in [vec!["run", "shop.yaml", "--quiet"], vec!["runs", "list"], vec!["status"]] {
        let told = space.run(&arguments);
        assert_eq!(told.code, 1, "{}", told.stderr);
        assert!(told.stderr.contains("is damaged") && told.stderr.contains("consumer360 state repair"), "{}", told.stderr);
    }
    let repaired = space.run(&["state", "repair", "--output", "json"]).ok().json();
    assert_eq!((&repaired["was_lost"], &repaired["runs"]["known"]), (&true.into(), &3.into()), "{repaired}");
    let aside = repaired["moved_to"].as_str().unwrap();
    assert!(fs::read_to_string(space.path(aside)).unwrap().starts_with("not a database"));
    assert_eq!(statuses(&space), before);
}

#[test]
fn a_lost_state_folder_comes_back_as_far_as_a_named_pipeline_tells() {
    let space = shop();
    fs::remove_dir_all(space.path("state")).unwrap();
    let nothing = space.run(&["state", "repair"]).ok();
    assert!(nothing.stdout.contains("0 on record"), "{}", nothing.stdout);
    let named = space.run(&["state", "repair", "shop.yaml"]).ok();
    assert!(named.stdout.contains("2 on record, 2 of them brought back, 2 from manifests alone"), "{}", named.stdout);
    space.write("config/default.yaml", "ledger: {postgres: 'postgres://etl@localhost/ledger'}\n");
    let shared = space.run(&["state", "repair"]);
    assert_eq!(shared.code, 2, "{}", shared.stderr);
}
