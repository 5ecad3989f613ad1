//! The segment grid: which segment a recency score and the sum of the other two fall in.
//!
//! The sum F + M (2 to 10) is the finest that any of the grids asks: the standard grid rounds half of it up, the
//! workshop's cuts it in three.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int16Array, Int32Array, StringArray};
use config::Grid;

use crate::build::{Builder, Computed, Error};
use crate::rows::batch;

const STANDARD: [[&str; 5]; 5] = [
    ["Lost", "Lost", "Hibernating", "Can't Lose Them", "Can't Lose Them"],
    ["Hibernating", "Hibernating", "Needs Attention", "Can't Lose Them", "Can't Lose Them"],
    ["About To Sleep", "About To Sleep", "Needs Attention", "Loyal Customers", "Loyal Customers"],
    ["Promising", "Potential Loyalist", "Potential Loyalist", "Loyal Customers", "Loyal Customers"],
    ["Recent Users", "Potential Loyalist", "Potential Loyalist", "Champions", "Champions"],
];

/// By recency score; below 2.5, below 4 and from 4 on in the mean of F and M.
const WORKSHOP12: [[&str; 3]; 5] = [
    ["Lost", "Hibernating", "Can't Lose Them"],
    ["Lost", "Hibernating", "Can't Lose Them"],
    ["About To Sleep", "Needs Attention", "Loyal Customers"],
    ["Promising", "Potential Loyalist", "Loyal Customers"],
    ["Price Sensitive", "Recent Users", "Champions"],
];

/// The working table `segment_grid`.
pub(crate) fn tables(builder: &Builder) -> Result<Computed, Error> {
    let cells = cells(&builder.options.rfm.grid);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(cells.iter().map(|c| c.0).collect::<Int16Array>()),
        Arc::new(cells.iter().map(|c| c.1).collect::<Int32Array>()),
        Arc::new(cells.iter().map(|c| Some(c.2.as_str())).collect::<StringArray>()),
    ];
    Ok(vec![("segment_grid", vec![batch("segment_grid", columns)?])])
}

/// The 45 cells: recency score, sum of frequency and monetary score, segment.
pub(crate) fn cells(grid: &Grid) -> Vec<(i16, i32, String)> {
    let mut cells = Vec::with_capacity(45);
    for (r_score, row) in (1..=5).zip(0..5) {
        for fm_sum in 2..=10_usize {
            let segment = match grid {
                Grid::Standard => cell(&STANDARD, row, fm_sum.div_ceil(2) - 1).map(|s| (*s).to_owned()),
                Grid::Own(own) => cell(own, row, fm_sum.div_ceil(2) - 1).cloned(),
                Grid::Workshop12 => {
                    let band = usize::from(fm_sum >= 5) + usize::from(fm_sum >= 8);
                    WORKSHOP12.get(row).and_then(|bands| bands.get(band)).map(|s| (*s).to_owned())
                }
            };
            if let (Some(segment), Ok(fm_sum)) = (segment, i32::try_from(fm_sum)) {
                cells.push((r_score, fm_sum, segment));
            }
        }
    }
    cells
}

fn cell<T>(grid: &[[T; 5]; 5], row: usize, column: usize) -> Option<&T> {
    grid.get(row).and_then(|cells| cells.get(column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_there() {
        for grid in [Grid::Standard, Grid::Workshop12] {
            assert_eq!(cells(&grid).len(), 45);
        }
    }
}
