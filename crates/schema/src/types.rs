use arrow_schema::{DataType, TimeUnit};

/// The column types of the contract. Each has one Arrow type, chosen so that Power BI and old readers load it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Surrogate key: int64.
    Key,
    /// Day as int32 yyyymmdd.
    DateKey,
    /// UTF-8 text.
    Text,
    /// Calendar day: date32.
    Date,
    /// Local time of the store: timestamp in microseconds, no zone.
    Time,
    /// Amount in the pipeline's currency: decimal(18,4).
    Money,
    /// Quantity: decimal(18,4).
    Quantity,
    /// Whole number: int32.
    Int,
    /// Row count: int64.
    Count,
    /// RFM score 1 to 5: int16.
    Score,
    /// float64; never NaN or infinite.
    Number,
    /// true or false.
    Bool,
}

/// Precision and scale of money and quantities.
pub const DECIMAL: (u8, i8) = (18, 4);

impl Type {
    pub fn arrow(self) -> DataType {
        match self {
            Self::Key | Self::Count => DataType::Int64,
            Self::DateKey | Self::Int => DataType::Int32,
            Self::Text => DataType::Utf8,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Money | Self::Quantity => DataType::Decimal128(DECIMAL.0, DECIMAL.1),
            Self::Score => DataType::Int16,
            Self::Number => DataType::Float64,
            Self::Bool => DataType::Boolean,
        }
    }

    /// The word the documentation uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::DateKey => "date_key",
            Self::Text => "text",
            Self::Date => "date",
            Self::Time => "time",
            Self::Money => "money",
            Self::Quantity => "qty",
            Self::Int => "int",
            Self::Count => "count",
            Self::Score => "score",
            Self::Number => "num",
            Self::Bool => "bool",
        }
    }
}
