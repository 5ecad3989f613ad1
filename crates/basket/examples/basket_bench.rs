//! Times mining, rules and recommendations.
//!
//! `cargo run --release -p basket --example basket_bench -- generate FILE [baskets] [items] [mean size]` writes baskets of a shop
//! whose sales follow Zipf's law and where some products draw others: one basket a line, items as numbers.
//! `... -- run FILE [support in parts of 1e9] [longest itemset] [least confidence in parts of 1e9]` reads such a file and prints
//! seconds and counts, `mine` in place of `run` those of mining and rules alone; `RAYON_NUM_THREADS` sets the threads.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::time::Instant;

use basket::{Baskets, BestSellers, Options, RecommendOptions, mine, mine_in_parts, next_best, recommend, rules};

/// Numbers from 0 to 1 by xorshift64*.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        (bits as f64 + 0.5) / 9_007_199_254_740_992.0
    }
}

fn generate(file: &str, baskets: usize, items: usize, mean: f64) -> Result<(), Box<dyn Error>> {
    let mut dice = Dice(88_172_645_463_325_252);
    let mut sum = 0.0;
    let zipf: Vec<f64> = (1..=items)
        .map(|rank| {
            sum += 1.0 / (rank as f64 + 20.0);
            sum
        })
        .collect();
    let mut out = BufWriter::new(File::create(file)?);
    for _ in 0..baskets {
        let mut basket: Vec<usize> = Vec::new();
        // A geometric size, at most 80.
        let size = 1 + (dice.roll().ln() / (1.0 - 1.0 / mean).ln()) as usize;
        while basket.len() < size.min(80) {
            let share = dice.roll() * sum;
            let drawn = zipf.partition_point(|below| *below < share).min(items - 1);
            // Two products of three often draw one of two others.
            let drawing = basket.last().copied().filter(|last| last % 3 > 0 && dice.roll() < 0.5);
            let partner = |last: usize| (last * 7 + 11 * (1 + usize::from(share * 1e6 % 2.0 < 1.0))) % items;
            basket.push(drawing.map_or(drawn, partner));
        }
        let line: Vec<String> = basket.iter().map(ToString::to_string).collect();
        writeln!(out, "{}", line.join(" "))?;
    }
    Ok(out.flush()?)
}

fn read(file: &str) -> Result<Baskets, Box<dyn Error>> {
    let mut baskets = Baskets::new();
    for line in fs::read_to_string(file)?.lines() {
        baskets.push(line.split_whitespace().map(str::parse).collect::<Result<Vec<u32>, _>>()?);
    }
    Ok(baskets)
}

fn seconds<T>(what: &str, work: impl Fn() -> T) -> T {
    let mut best = f64::INFINITY;
    let mut last = None;
    for _ in 0..5 {
        drop(last.take());
        let start = Instant::now();
        last = Some(work());
        best = best.min(start.elapsed().as_secs_f64());
        if best > 5.0 {
            break;
        }
    }
    println!("{what} {best:.4}");
    last.unwrap_or_else(&work)
}

fn run(file: &str, options: &Options, is_whole: bool) -> Result<(), Box<dyn Error>> {
    let baskets = read(file)?;
    let items = baskets.iter().flatten().max().map_or(0, |item| *item as usize + 1);
    let names: Vec<String> = (0..items).map(|item| format!("item {item:06}")).collect();
    println!("baskets {}\nlines {}", baskets.len(), baskets.lines());
    let mined = seconds("mine", || mine(&baskets, &names, options));
    println!("itemsets {}\nitems {}\nminimum {}", mined.len(), mined.facts.items, mined.facts.minimum_count);
    let found = seconds("rules", || rules(&mined, &names, options)).len();
    println!("rules_found {found}");
    if !is_whole {
        return Ok(());
    }
    let part = baskets.len() / 10 + 1;
    let cut: Vec<Baskets> = (0..10)
        .map(|at| baskets.iter().skip(at * part).take(part).map(|basket| basket.iter().copied()).collect::<Baskets>())
        .collect();
    let parts = |at: usize| Ok::<_, ()>(cut.get(at).cloned());
    let small = Options { memory_bytes: 4 * baskets.lines(), ..options.clone() };
    let in_parts = seconds("mine_in_parts", || mine_in_parts(parts, &names, &small));
    println!("partitions {}", in_parts.map_or(0, |mined| mined.facts.partitions));
    let eligible = vec![true; items];
    let groups: Vec<Option<u32>> = (0..items as u32).map(|item| Some(item % 20)).collect();
    let rows = seconds("recommend", || recommend(&baskets, &groups, &eligible, &RecommendOptions::default()));
    println!("recommendations {}", rows.len());
    let segments: Vec<Option<u32>> = (0..baskets.len() as u32).map(|customer| Some(customer % 11)).collect();
    let popular = seconds("best_sellers", || BestSellers::of_baskets(&baskets, &segments, &eligible));
    let next = seconds("next_best", || next_best(&baskets, &rows, &popular, &segments, 5));
    println!("next {}", next.len());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |at: usize, default: u64| arguments.get(at).map_or(Ok(default), |text| text.parse::<u64>());
    match arguments.as_slice() {
        ["generate", file, ..] => {
            let mean = arguments.get(4).map_or(Ok(4.4), |text| text.parse::<f64>())?;
            generate(file, number(2, 1_000_000)? as usize, number(3, 5_000)? as usize, mean)
        }
        [what @ ("run" | "mine"), file, ..] => {
            let options = Options {
                min_support_ppb: number(2, 1_000_000)?,
                min_count_floor: 1,
                max_items: number(3, 4)? as usize,
                min_confidence_ppb: number(4, 100_000_000)?,
                ..Options::default()
            };
            run(file, &options, *what == "run")
        }
        _ => Err("say generate FILE or run FILE".into()),
    }
}
