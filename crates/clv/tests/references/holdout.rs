//! 39 weeks held out of CDNOW, as `predict` publishes them.

use clv::{BacktestRow, BucketKind, Choice, ChosenBy, Model, Options, Prediction, predict};

use crate::golden::{close, collected, number, rows};

fn tested(choice: Choice) -> Prediction {
    let all = collected("1998-06-30", "1997-09-30");
    predict(&all.histories, &all.cutoffs, &[], &Options { model: choice, ..Options::default() })
}

fn bucket(rows: &[BacktestRow], kind: BucketKind, number: u32) -> &BacktestRow {
    rows.iter().find(|row| row.bucket_kind == kind && row.bucket == number).unwrap()
}

#[test]
fn totals_are_those_of_the_peers() {
    let wanted = [
        (Model::BgNbd, 1653.41, 0.785_454, 1.607_982, "bg"),
        (Model::MbgNbd, 1576.73, 0.764_779, 1.607_183, "mbg"),
        (Model::ParetoNbd, 1665.51, 0.754_523, 1.602_848, "pn"),
    ];
    let frequencies = rows("cdnow_holdout_by_frequency.csv");
    for (model, total, mae, rmse, column) in wanted {
        let prediction = tested(Choice::Fixed(model));
        assert_eq!((prediction.chosen, prediction.chosen_by), (model, ChosenBy::Request));
        let row = bucket(&prediction.backtests, BucketKind::Total, 0);
        assert_eq!((row.customers, row.actual_purchases, row.days), (2357, 1882, 273));
        close(row.predicted_purchases, total, 1e-5, "total");
        close(row.mae, mae, 1e-5, "mae");
        close(row.rmse, rmse, 1e-5, "rmse");
        close(row.bias.unwrap(), row.predicted_purchases / 1882.0 - 1.0, 1e-12, "bias");
        close(row.baseline_mae, 1.0237, 1e-4, "naive");
        assert!((0.75..=1.0).contains(&row.interval_coverage), "{}", row.interval_coverage);
        for frequency in &frequencies {
            let row = bucket(&prediction.backtests, BucketKind::Frequency, frequency["x_bucket"].parse().unwrap());
            let customers = row.customers as f64;
            assert_eq!(customers, number(frequency, "customers"));
            close(row.actual_purchases as f64 / customers, number(frequency, "actual"), 1e-7, "actual");
            close(row.predicted_purchases / customers, number(frequency, column), 1e-4, column);
        }
    }
}

#[test]
fn deciles_divide_the_customers_and_the_total() {
    let prediction = tested(Choice::Auto);
    let rows = &prediction.backtests;
    let deciles: Vec<_> = (1..=10).map(|decile| bucket(rows, BucketKind::Decile, decile)).collect();
    assert_eq!(deciles.iter().map(|row| row.customers).collect::<Vec<_>>(), [236, 236, 236, 236, 236, 236, 236, 235, 235, 235]);
    assert!(deciles.windows(2).all(|w| w[0].predicted_purchases >= w[1].predicted_purchases));
    let total = bucket(rows, BucketKind::Total, 0);
    close(deciles.iter().map(|row| row.predicted_purchases).sum(), total.predicted_purchases, 1e-12, "deciles");
    close(deciles.iter().map(|row| row.actual_revenue).sum(), total.actual_revenue, 1e-12, "revenue");
    assert_eq!(rows.len(), 1 + 10 + 8);
    assert!(rows.iter().all(|row| row.model == prediction.chosen));
}

#[test]
fn the_best_log_score_is_chosen() {
    let prediction = tested(Choice::Auto);
    assert_eq!(prediction.chosen_by, ChosenBy::LogScore);
    assert_eq!(prediction.log_scores.len(), 4);
    let best = prediction.log_scores.iter().max_by(|a, b| a.log_score.total_cmp(&b.log_score)).unwrap();
    assert_eq!(prediction.chosen, best.model);
    let names: Vec<_> = prediction.models.iter().map(|row| row.model).collect();
    assert_eq!(names, ["BG/NBD", "MBG/NBD", "Pareto/NBD", "NBD", "Gamma-Gamma"]);
    let all = collected("1998-06-30", "1997-09-30");
    let without = predict(&all.histories, &[], &[], &Options::default());
    assert_eq!(without.chosen_by, ChosenBy::LogLikelihood);
    assert!(without.backtests.is_empty());
}
