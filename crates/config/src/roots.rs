//! Below which folders and urls pipelines may read files and publish.

use std::fmt;
use std::path::{Component, Path, PathBuf};

/// Folders, relative to the working directory, and urls of object stores; none allows all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roots {
    written: Vec<String>,
}

impl Roots {
    pub(crate) fn new(written: Vec<String>) -> Self {
        Self { written }
    }

    pub(crate) fn allow_all(&self) -> bool {
        self.written.is_empty()
    }

    /// Whether a folder, file or url lies below one of them, wherever links lead.
    pub fn hold(&self, place: &str) -> bool {
        let is_url = |text: &str| text.contains("://");
        let mut alike = self.written.iter().filter(|root| is_url(root) == is_url(place));
        match (self.written.as_slice(), is_url(place)) {
            ([], _) => true,
            (_, true) => !climbs(place) && alike.any(|root| is_below(place, root)),
            (_, false) => {
                let place = resolved(Path::new(place));
                alike.any(|root| place.starts_with(resolved(Path::new(root))))
            }
        }
    }
}

impl fmt::Display for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written.iter().map(|root| format!("`{root}`")).collect::<Vec<_>>().join(", "))
    }
}

/// A url that a reader of urls may take for one further up.
fn climbs(url: &str) -> bool {
    url.to_lowercase().replace("%2e", ".").split(['/', '\\']).any(|part| part == "..")
}

fn is_below(url: &str, root: &str) -> bool {
    let rest = url.strip_prefix(root.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path with its links followed; what is not there yet is taken as it is written.
fn resolved(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut found = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => _ = found.pop(),
            Component::CurDir => {}
            part => found.push(part),
        }
        // Step by step, so that `..` after a link climbs from where the link leads.
        if let Ok(real) = found.canonicalize() {
            found = real;
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot make its folders has failed")]
mod tests {
    use super::*;

    #[test]
    fn links_and_dots_lead_nowhere_else() {
        let top = std::env::temp_dir().join(format!("consumer360-roots-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&top);
        for folder in ["in/deep", "inside", "out"] {
            std::fs::create_dir_all(top.join(folder)).unwrap();
        }
        std::os::unix::fs::symlink(top.join("out"), top.join("in/link")).unwrap();
        std::os::unix::fs::symlink(top.join("in/deep"), top.join("way")).unwrap();
        let at = |name: &str| top.join(name).display().to_string();
        let roots = Roots::new(vec![at("in"), "s3://lake/shop/".to_owned()]);
        for held in ["in", "in/deep", "in/not/yet/there", "in/deep/../deep", "way", "out/../in/deep", "way/new"] {
            assert!(roots.hold(&at(held)), "{held}");
        }
        for refused in
            ["inside", "in/..", "in/../out", "in/link", "in/link/new", "in/not/../../out", "in/link/..", "way/../../out"]
        {
            assert!(!roots.hold(&at(refused)), "{refused}");
        }
        for held in ["s3://lake/shop", "s3://lake/shop/a"] {
            assert!(roots.hold(held), "{held}");
        }
        for refused in ["s3://lake/shopping", "s3://lake", "gs://lake/shop", "s3://lake/shop/../b", "s3://lake/shop/%2E./b"] {
            assert!(!roots.hold(refused), "{refused}");
        }
        assert!(Roots::default().hold("/") && Roots::default().hold("s3://any"));
        std::fs::remove_dir_all(top).unwrap();
    }
}
