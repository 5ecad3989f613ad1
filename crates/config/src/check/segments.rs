//! The segment grid: a preset, or a grid of the user's own with all 25 cells and known names.

use super::Check;
use crate::pipeline::Grid;
use crate::problem::suggestion;
use crate::raw::{Preset, Segments};

/// The eleven segments reports know.
const NAMES: [&str; 11] = [
    "Champions",
    "Loyal Customers",
    "Potential Loyalist",
    "Recent Users",
    "Promising",
    "Needs Attention",
    "About To Sleep",
    "Price Sensitive",
    "Can't Lose Them",
    "Hibernating",
    "Lost",
];
const ROWS: [&str; 5] = ["R1", "R2", "R3", "R4", "R5"];
const PATH: [&str; 3] = ["transform", "rfm", "segments"];

pub(super) fn grid(check: &mut Check<'_>, raw: Option<&Segments>) -> Option<Grid> {
    match raw {
        None | Some(Segments::Preset(Preset::Standard)) => Some(Grid::Standard),
        Some(Segments::Preset(Preset::Workshop12)) => Some(Grid::Workshop12),
        Some(Segments::Own(rows)) => {
            for name in rows.keys().filter(|k| !ROWS.contains(&k.as_str())) {
                check.say_key(
                    &[PATH.as_slice(), &[name]].concat(),
                    format!("`{name}` is not a row of the grid"),
                    "its rows are R1, R2, R3, R4 and R5",
                );
            }
            let own: Vec<Option<[String; 5]>> = ROWS.iter().map(|row| cells(check, row, rows.get(*row))).collect();
            let own: Vec<[String; 5]> = own.into_iter().collect::<Option<_>>()?;
            <[[String; 5]; 5]>::try_from(own).ok().map(Grid::Own)
        }
    }
}

fn cells(check: &mut Check<'_>, row: &str, cells: Option<&Vec<String>>) -> Option<[String; 5]> {
    let Some(cells) = cells else {
        check.say_key(&PATH, format!("the grid lacks row `{row}`"), "give rows R1 to R5 with five segments each, for FM 1 to 5");
        return None;
    };
    let mut sound = true;
    for (place, name) in cells.iter().enumerate().filter(|(_, name)| !NAMES.contains(&name.as_str())) {
        let place = place.to_string();
        check.say(
            &[PATH.as_slice(), &[row, place.as_str()]].concat(),
            format!("there is no segment `{name}`"),
            suggestion(name, NAMES, "segments"),
        );
        sound = false;
    }
    let Ok(five) = <[String; 5]>::try_from(cells.clone()) else {
        let message = format!("row `{row}` has {} cell{}, it needs five", cells.len(), if cells.len() == 1 { "" } else { "s" });
        check.say(&[PATH.as_slice(), &[row]].concat(), message, "one segment each for FM 1, 2, 3, 4 and 5");
        return None;
    };
    sound.then_some(five)
}
