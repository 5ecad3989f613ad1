//! A page: its name, the slicers of its header and its visuals.

use serde_json::{Value, json};

use super::SCHEMAS;
use super::field::Field;
use super::format::named;
use super::place::{PAGE, header};
use super::visual::{Slicer, Visual, heading, slicer};
use crate::id;

/// A page of the report.
pub(super) struct Page {
    /// Part of the identifiers: the title may change, this may not.
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    /// What the page answers, shown under the title.
    pub(super) question: &'static str,
    /// At the right of the header, from left to right.
    pub(super) slicers: Vec<Slicer>,
    /// In reading order, which is the order of the tab key.
    pub(super) visuals: Vec<Visual>,
    /// Visuals in which a choice filters another one: their keys.
    pub(super) choices: Vec<(&'static str, &'static str)>,
}

impl Page {
    fn path(&self) -> String {
        format!("pages/{}", self.key)
    }

    pub(super) fn id(&self) -> String {
        id::short(&self.path())
    }

    fn visual_path(&self, key: &str) -> String {
        format!("{}/{key}", self.path())
    }

    pub(super) fn json(&self) -> Value {
        let mut parts = vec![
            ("$schema", json!(format!("{SCHEMAS}/definition/page/2.0.0/schema.json"))),
            ("name", json!(self.id())),
            ("displayName", json!(self.title)),
            ("displayOption", json!("FitToPage")),
            ("height", json!(PAGE.1)),
            ("width", json!(PAGE.0)),
        ];
        if !self.choices.is_empty() {
            let visual = |key: &str| id::short(&self.visual_path(key));
            let flow = |(source, target): &(&str, &str)| json!({"source": visual(source), "target": visual(target), "type": "DataFilter"});
            parts.push(("visualInteractions", self.choices.iter().map(flow).collect()));
        }
        named(parts)
    }

    /// Every visual with its identifier, the header first.
    pub(super) fn visuals_json(&self) -> Vec<(String, Value)> {
        self.all()
            .iter()
            .enumerate()
            .map(|(order, visual)| {
                let path = self.visual_path(visual.key);
                (id::short(&path), visual.json(&path, order))
            })
            .collect()
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        self.all().iter().flat_map(Visual::fields).collect()
    }

    /// The slicers end at the right margin; the heading has what they leave.
    fn all(&self) -> Vec<Visual> {
        let mut column = 12 - self.slicers.iter().map(|slicer| slicer.columns).sum::<u32>();
        let mut all = vec![heading(self.title, self.question, header(0, column))];
        for choice in &self.slicers {
            all.push(slicer(choice, header(column, choice.columns)));
            column += choice.columns;
        }
        all.extend(self.visuals.iter().cloned());
        all
    }
}
