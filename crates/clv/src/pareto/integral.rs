//! The integral over the time at which a customer stopped, for all pairs of times at once.
//!
//! For one x the integrand g(y) = (α+y)^-(r+x) (β+y)^-(s+1) is the same for all customers, and their integrals run between
//! times of one list. So the integral from each time to the last is summed from the end, relative to g at that time,
//! `c_j` = ∫ g(y)/g(`t_j`) dy = (panel from `t_j` to `t_(j+1)`) + `c_(j+1)` g(`t_(j+1)`)/g(`t_j`), and a customer's is
//! `c_l` - `c_o` g(T)/g(`t_x`), with l and o the numbers of `t_x` and T. As g falls, no more digits are lost than the ratio of
//! the longest to the customer's own stretch of time has.
//!
//! The derivatives by the parameters are integrals of g times logarithms and inverses of α+y and β+y; they are the further
//! moments. Panels are Gauss-Legendre in u = ln(min(α, β) + y), where the poles are at least π away: 4 or 8 points where g
//! falls little, else cut into parts over which it falls by no more than e^-3.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::similar_names,
    reason = "indexes are times of the table, part numbers are small and positive, names tell α from β"
)]

use crate::gauss_legendre::rule;

/// 1, la, ia, lb, ib, la², la·ia, la·lb, la·ib, ia², ia·lb, ia·ib, lb², lb·ib, ib², with l the logarithm and i the inverse
/// of α+y (a) and β+y (b).
pub const MOMENTS: usize = 15;

/// What a panel of 4 points may be wide in u, and g fall in it.
const NARROW: f64 = 0.25;
/// The same of 8 points.
const WIDE: f64 = 0.5;
const STEEP: f64 = 3.0;
/// Past this fall of g the rest of a panel adds nothing.
const VANISHED: f64 = 60.0;

/// A place in a panel.
#[derive(Debug, Clone, Copy, Default)]
struct Node {
    /// ln((α+y)/(α+`t_j`)) and the same with β.
    fall_alpha: f64,
    fall_beta: f64,
    log_alpha: f64,
    log_beta: f64,
    inverse_alpha: f64,
    inverse_beta: f64,
    /// Length of the y that the node stands for.
    length: f64,
}

/// The times and all that does not depend on x.
pub struct Panels<'a> {
    times: &'a [f64],
    parameters: [f64; 4],
    pub log_alpha: Vec<f64>,
    pub log_beta: Vec<f64>,
    pub inverse_alpha: Vec<f64>,
    pub inverse_beta: Vec<f64>,
    /// Width in u of the panel after each time but the last.
    widths: Vec<f64>,
    few: Vec<[Node; 4]>,
    many: Vec<[Node; 8]>,
}

impl<'a> Panels<'a> {
    pub fn new(times: &'a [f64], parameters: [f64; 4]) -> Self {
        let [_, alpha, _, beta] = parameters;
        let mut panels = Self {
            times,
            parameters,
            log_alpha: times.iter().map(|t| (alpha + t).ln()).collect(),
            log_beta: times.iter().map(|t| (beta + t).ln()).collect(),
            inverse_alpha: times.iter().map(|t| 1.0 / (alpha + t)).collect(),
            inverse_beta: times.iter().map(|t| 1.0 / (beta + t)).collect(),
            widths: Vec::new(),
            few: Vec::new(),
            many: Vec::new(),
        };
        let (few, many) = (rule::<4>(), rule::<8>());
        for (from, to) in times.iter().zip(times.iter().skip(1)) {
            let width = ((to - from) / (alpha.min(beta) + from)).ln_1p();
            panels.widths.push(width);
            panels.few.push(few.map(|(place, weight)| panels.node(*from, place * width, weight * width)));
            panels.many.push(many.map(|(place, weight)| panels.node(*from, place * width, weight * width)));
        }
        panels
    }

    /// The place at a distance in u from a time.
    fn node(&self, from: f64, distance: f64, weight: f64) -> Node {
        let [_, alpha, _, beta] = self.parameters;
        let origin = alpha.min(beta) + from;
        let passed = origin * distance.exp_m1();
        let y = from + passed;
        Node {
            fall_alpha: (passed / (alpha + from)).ln_1p(),
            fall_beta: (passed / (beta + from)).ln_1p(),
            log_alpha: (alpha + y).ln(),
            log_beta: (beta + y).ln(),
            inverse_alpha: 1.0 / (alpha + y),
            inverse_beta: 1.0 / (beta + y),
            length: weight * (origin + passed),
        }
    }

    /// r + x.
    pub fn shape(&self, x: f64) -> f64 {
        self.parameters[0] + x
    }

    pub fn s(&self) -> f64 {
        self.parameters[2]
    }

    /// ln g at a time.
    pub fn log_density(&self, x: f64, at: usize) -> f64 {
        -self.shape(x) * self.log_alpha[at] - (self.s() + 1.0) * self.log_beta[at]
    }

    fn fall(&self, x: f64, node: &Node) -> f64 {
        self.shape(x) * node.fall_alpha + (self.s() + 1.0) * node.fall_beta
    }

    fn add(&self, x: f64, node: &Node, sums: &mut [f64; MOMENTS]) {
        let mass = node.length * (-self.fall(x, node)).exp();
        let Node { log_alpha: la, log_beta: lb, inverse_alpha: ia, inverse_beta: ib, .. } = *node;
        let (mla, mia, mlb, mib) = (mass * la, mass * ia, mass * lb, mass * ib);
        let terms = [
            mass,
            mla,
            mia,
            mlb,
            mib,
            mla * la,
            mla * ia,
            mla * lb,
            mla * ib,
            mia * ia,
            mia * lb,
            mia * ib,
            mlb * lb,
            mlb * ib,
            mib * ib,
        ];
        sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
    }

    /// The panel after time j, relative to g at its start.
    fn panel(&self, x: f64, j: usize, fall: f64, sums: &mut [f64; MOMENTS]) {
        let width = self.widths[j];
        if width <= NARROW && fall <= NARROW {
            self.few[j].iter().for_each(|node| self.add(x, node, sums));
        } else if width <= WIDE && fall <= STEEP {
            self.many[j].iter().for_each(|node| self.add(x, node, sums));
        } else {
            self.cut_panel(x, j, fall, sums);
        }
    }

    /// A panel in parts.
    fn cut_panel(&self, x: f64, j: usize, fall: f64, sums: &mut [f64; MOMENTS]) {
        let width = self.widths[j];
        // g falls fastest, seen over u, by (r+x) + (s+1) a unit.
        let parts = (width / WIDE).max(width * (self.shape(x) + self.s() + 1.0) / STEEP).max(fall / STEEP).ceil();
        let part_width = width / parts;
        let nodes = rule::<8>();
        let mut start = 0.0;
        for _ in 0..parts.min(1e6) as usize {
            for (place, weight) in nodes {
                let node = self.node(self.times[j], start + place * part_width, weight * part_width);
                self.add(x, &node, sums);
            }
            start += part_width;
            if self.fall(x, &self.node(self.times[j], start, 0.0)) > VANISHED {
                return;
            }
        }
    }

    /// The integrals from each of the times `low` to `high` on to the last of them, relative to g at each.
    pub fn moments(&self, x: f64, low: usize, high: usize) -> Vec<[f64; MOMENTS]> {
        let mut moments = vec![[0.0; MOMENTS]; high - low + 1];
        for j in (low..high).rev() {
            let step = self.times[j + 1] - self.times[j];
            let [_, alpha, s, beta] = self.parameters;
            let fall =
                self.shape(x) * (step / (alpha + self.times[j])).ln_1p() + (s + 1.0) * (step / (beta + self.times[j])).ln_1p();
            let left = (-fall).exp();
            let mut sums = moments[j - low + 1].map(|after| left * after);
            self.panel(x, j, fall, &mut sums);
            moments[j - low] = sums;
        }
        moments
    }
}
