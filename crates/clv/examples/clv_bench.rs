//! Times the fit and the scores: `cargo run --release -p clv --example clv_bench -- [customers | file.csv] [what]`.
//!
//! What is the name of a model, `auto`, `cutoffs` (auto, with two cut-offs where the customers are generated) or `fits`.
//! A file has the columns x, `t_x`, T, m in whole days. Without one, customers of a BG/NBD shop of three years are drawn by a
//! generator of its own, the same each time.

use std::error::Error;
use std::time::Instant;

use clv::fit::{fit, fit_nbd};
use clv::table::from_days;
use clv::{BucketKind, Choice, Collector, Histories, Model, Options, Prediction, Warm, predict};

/// Numbers from 0 to 1 by xorshift64*.
struct Dice(u64);

impl Dice {
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        (bits as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.roll().ln()).sqrt() * (std::f64::consts::TAU * self.roll()).cos()
    }

    /// Gamma of scale 1 by Marsaglia and Tsang's method.
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.roll().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let z = self.normal();
            let v = (1.0 + c * z).powi(3);
            if v > 0.0 && self.roll().ln() < 0.5 * z * z + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

const DAYS: i32 = 1095;

/// The purchase days of a shop, with cut-offs 90 and 180 days back.
#[allow(clippy::cast_possible_truncation, reason = "days are below 1,095")]
fn generated(customers: i64) -> clv::Collected {
    let mut dice = Dice(88_172_645_463_325_252);
    let mut collector = Collector::new(DAYS, &[DAYS - 90, DAYS - 180]);
    for customer in 0..customers {
        let first = f64::from(DAYS) * dice.roll();
        let rate = dice.gamma(0.6) / 40.0;
        let (stop, stay) = (dice.gamma(0.8), dice.gamma(4.0));
        let level = 15.0 / dice.gamma(3.7);
        let mut at = first;
        loop {
            collector.push(customer, at as i32, level * dice.gamma(6.0));
            // The first purchase ends nobody.
            if at > first && dice.roll() < stop / (stop + stay) {
                break;
            }
            at -= dice.roll().ln() / rate;
            if at >= f64::from(DAYS) {
                break;
            }
        }
    }
    collector.finish()
}

fn read(path: &str) -> Result<Histories, Box<dyn Error>> {
    let mut histories = Histories::default();
    for record in csv::Reader::from_path(path)?.deserialize() {
        let (x, last, observed, value): (u32, u32, u32, f64) = record?;
        histories.repeats.push(x);
        histories.last.push(last);
        histories.observed.push(observed);
        histories.repeat_value.push(value);
    }
    Ok(histories)
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    line.to_owned()
}

/// Runs and says how long it took.
fn timed<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    println!("{:7.3} s  {name}; {}", started.elapsed().as_secs_f64(), peak());
    result
}

fn show(prediction: &Prediction) {
    println!("{} by {}", prediction.chosen.name(), prediction.chosen_by.name());
    prediction.models.iter().for_each(|row| println!("{row:?}"));
    prediction.log_scores.iter().for_each(|score| println!("{score:?}"));
    let totals = prediction.backtests.iter().filter(|row| row.bucket_kind == BucketKind::Total);
    totals.for_each(|row| println!("{row:?}"));
    let sum = |column: &Option<Vec<f64>>| column.as_ref().map_or(0.0, |c| c.iter().sum::<f64>());
    let scores = &prediction.scores;
    let purchases: f64 = scores.expected_purchases_365d.iter().sum();
    println!("sums: alive {}, purchases {purchases}, clv {}", sum(&scores.probability_alive), sum(&scores.clv_12m));
}

/// Each model's fit, cold and from where it ended.
fn fits(histories: &Histories) {
    let (table, _) = timed("table", || from_days(histories));
    let nbd = timed("NBD fit", || fit_nbd(&table, &[]));
    for model in [Model::BgNbd, Model::MbgNbd, Model::ParetoNbd] {
        let cold = timed(&format!("{} fit, cold", model.name()), || fit(model, &table, &[], &nbd));
        let parameters = cold.row.parameters.iter().flatten().map(|p| p * 1.05).collect();
        let warm = [Warm { model: model.name().to_owned(), parameters, is_posterior: false }];
        let warm = timed(&format!("{} fit, warm from 5 % off", model.name()), || fit(model, &table, &warm, &nbd));
        println!("           {} and {} steps", cold.row.iterations, warm.row.iterations);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let source = arguments.next().unwrap_or_else(|| "1000000".to_owned());
    let what = arguments.next().unwrap_or_default();
    let (histories, cutoffs) = match source.parse::<i64>() {
        Ok(customers) => {
            let collected = timed("generated", || generated(customers));
            (collected.histories, collected.cutoffs)
        }
        Err(_) => (timed("read", || read(&source))?, Vec::new()),
    };
    println!("{} customers", histories.len());
    let named = Model::ALL.into_iter().find(|model| model.name() == what);
    let options = Options { model: named.map_or(Choice::Auto, Choice::Fixed), ..Options::default() };
    match what.as_str() {
        "fits" => fits(&histories),
        "cutoffs" => show(&timed("all with cut-offs", || predict(&histories, &cutoffs, &[], &options))),
        _ => show(&timed("fit and score without cut-offs", || predict(&histories, &[], &[], &options))),
    }
    Ok(())
}
