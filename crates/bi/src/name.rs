//! Names from data made fit for files and roles.

use std::collections::BTreeSet;

use crate::id;

/// Longest name kept, in characters: Windows allows 260 for a whole path.
const LONGEST: usize = 60;

/// Names that Windows keeps for devices, whatever ending follows them.
const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];

/// `text` as the name of a file or a folder on any system. A name that had to change says so by a hash of the original,
/// so that two names never meet.
pub(crate) fn file(text: &str) -> String {
    let kept = plain(text);
    let stem = kept.split('.').next().unwrap_or_default().to_uppercase();
    let port = matches!(stem.get(..3), Some("COM" | "LPT")) && stem.chars().count() == 4;
    if kept == text && !kept.is_empty() && !port && !DEVICES.contains(&stem.as_str()) { kept } else { marked(&kept, text) }
}

/// The names of roles for regions, in their order: one each, different also to who ignores case, since each has a file.
///
/// The service lists roles by commas in places, and quotes and brackets have a meaning in others, so that only letters,
/// digits, blanks, hyphens and underscores are kept.
pub(crate) fn roles(regions: &[&str]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut names = Vec::new();
    for region in regions {
        let kept = plain(region);
        let mut name = if kept == *region { format!("Region {kept}") } else { format!("Region {}", marked(&kept, region)) };
        if !taken.insert(name.to_lowercase()) {
            name = format!("Region {}", marked(&kept, region));
            taken.insert(name.to_lowercase());
        }
        names.push(name);
    }
    names
}

fn marked(kept: &str, text: &str) -> String {
    let hash = id::short(text);
    let hash = hash.get(..8).unwrap_or_default();
    if kept.is_empty() { hash.to_owned() } else { format!("{kept} {hash}") }
}

fn plain(text: &str) -> String {
    let allowed = |c: char| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { ' ' };
    let words: String = text.chars().map(allowed).collect();
    let joined = words.split_whitespace().collect::<Vec<_>>().join(" ");
    joined.chars().take(LONGEST).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{file, roles};

    #[test]
    fn plain_names_stay() {
        assert_eq!(file("superstore"), "superstore");
        assert_eq!(roles(&["North", "Île-de-France"]), ["Region North", "Region Île-de-France"]);
    }

    #[test]
    fn every_file_name_is_one_that_windows_takes() {
        for text in ["con", "NUL", "com1", "Lpt9", "a/b", "a\\b:c", "x.", " x", "<b>", "?*|\"", "🛒", "a\nb", &"é".repeat(200)]
        {
            let name = file(text);
            assert!(!name.is_empty() && name.chars().count() <= 70, "{text:?} gives {name:?}");
            assert!(name.chars().all(|c| c.is_alphanumeric() || " -_".contains(c)), "{text:?} gives {name:?}");
            assert_ne!(name.to_lowercase(), text.to_lowercase());
            assert_eq!(name.trim(), name);
        }
    }

    #[test]
    fn roles_never_meet() {
        let names = ["North", "north", "NORTH", "No,rth", "No;rth", "=1+1", "1 1", "🛒", "🍎", "O'Brien \"North\" <b>&"];
        let roles: Vec<_> = roles(&names).iter().map(|name| name.to_lowercase()).collect();
        let different: std::collections::BTreeSet<_> = roles.iter().collect();
        assert_eq!(different.len(), names.len(), "{roles:?}");
    }
}
