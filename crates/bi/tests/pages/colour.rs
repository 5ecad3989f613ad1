//! How colours differ: the contrast of WCAG, and the distance in CIELAB as people with each kind of sight see it.

/// What each kind of sight makes of linear red, green and blue at full severity (Machado, Oliveira and Fernandes, 2009).
const SIGHTS: [(&str, [[f64; 3]; 3]); 4] = [
    ("full sight", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    ("protanopia", [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]]),
    ("deuteranopia", [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]]),
    ("tritanopia", [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]]),
];

/// Linear red, green and blue of a colour such as `#1D4F91`.
fn linear(colour: &str) -> [f64; 3] {
    [1, 3, 5].map(|at| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
}

fn dot(row: [f64; 3], colour: [f64; 3]) -> f64 {
    row.iter().zip(colour).map(|(weight, value)| weight * value).sum()
}

/// Rows give X, Y and Z for the white of a screen; Y is the luminance.
const XYZ: [[f64; 3]; 3] =
    [[0.412_456_4, 0.357_576_1, 0.180_437_5], [0.212_672_9, 0.715_152_2, 0.072_175], [0.019_333_9, 0.119_192, 0.950_304_1]];

/// From 1 (the same) to 21 (black on white).
pub fn contrast(a: &str, b: &str) -> f64 {
    let [a, b] = [a, b].map(|colour| dot(XYZ[1], linear(colour)) + 0.05);
    a.max(b) / a.min(b)
}

fn lab(colour: [f64; 3]) -> [f64; 3] {
    let colour = colour.map(|value| value.clamp(0.0, 1.0));
    let white = [0.950_47, 1.0, 1.088_83];
    let [x, y, z] = [0, 1, 2].map(|axis| {
        let share: f64 = dot(XYZ[axis], colour) / white[axis];
        if share > 0.008_856 { share.cbrt() } else { 7.787 * share + 16.0 / 116.0 }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// The two colours that are least apart, and for whom.
pub fn least_difference<'a>(colours: &[&'a str]) -> (f64, &'static str, [&'a str; 2]) {
    let mut least = (f64::INFINITY, "", [""; 2]);
    for (sight, matrix) in SIGHTS {
        let seen = |colour: &str| lab(matrix.map(|row| dot(row, linear(colour))));
        for (at, first) in colours.iter().enumerate() {
            for second in &colours[at + 1..] {
                let squares = seen(first).into_iter().zip(seen(second)).map(|(a, b)| (a - b).powi(2));
                let distance = squares.sum::<f64>().sqrt();
                if distance < least.0 {
                    least = (distance, sight, [first, second]);
                }
            }
        }
    }
    least
}
