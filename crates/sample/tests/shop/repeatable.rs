use crate::made::{TABLES, csv, make, parquet};

#[test]
fn the_same_arguments_give_the_same_bytes() {
    for shop in [csv(5_000, 7, 0.1), parquet(5_000, 7, 0.1), csv(1, 0, 0.0)] {
        assert!(make(shop).files() == make(shop).files(), "{shop:?}");
    }
}

#[test]
fn another_seed_gives_another_shop() {
    for (one, other) in [(csv(1_000, 1, 0.0), csv(1_000, 2, 0.0)), (parquet(1_000, 1, 0.0), parquet(1_000, 2, 0.0))] {
        let (one, other) = (make(one).files(), make(other).files());
        for (one, other) in one.iter().zip(&other) {
            assert!(one != other);
        }
    }
}

#[test]
fn csv_and_parquet_hold_the_same_values() {
    let (csv, parquet) = (make(csv(20_000, 3, 0.0)), make(parquet(20_000, 3, 0.0)));
    for table in TABLES {
        assert!(csv.table(table) == parquet.table(table), "{table}");
    }
    assert_eq!(csv.summary.expected, parquet.summary.expected);
}

#[test]
fn dirty_csv_and_parquet_differ_only_in_wrong_encodings() {
    let (csv, parquet) = (make(csv(5_000, 3, 0.2)), make(parquet(5_000, 3, 0.2)));
    let (csv_lines, parquet_lines) = (csv.table("order_lines"), parquet.table("order_lines"));
    let different = csv_lines.rows.iter().zip(&parquet_lines.rows).filter(|(one, other)| one != other).count();
    assert_eq!(csv_lines.rows.len(), parquet_lines.rows.len());
    assert_eq!(different as u64, csv.summary.planted.wrong_encoding);
    assert_eq!(parquet.summary.planted.wrong_encoding, 0);
}

/// A change here means that every shop that someone made before comes out otherwise.
#[test]
fn the_smallest_shops_stay_as_they_are() {
    let made = make(csv(3, 1, 0.0));
    let text = std::fs::read_to_string(made.path("order_lines")).unwrap();
    assert_eq!(
        text,
        "order_id,line_no,order_ts,customer_id,product_id,quantity,unit_price,discount,region,channel\n\
         1,1,2024-07-18T14:23:38,1,144,8,2.31,0.00,North,web\n\
         1,2,2024-07-18T14:23:38,1,112,5,34.42,17.21,North,web\n\
         1,3,2024-07-18T14:23:38,1,117,1,8.91,0.00,North,web\n"
    );
}
