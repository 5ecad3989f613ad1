use datafusion::error::DataFusionError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot compare table {table}")]
    Table { table: String, source: Box<DataFusionError> },
    #[error(
        "comparing table {table} needs more memory or space to spill than `engine` allows\n  \
         help: raise `engine.memory` or `engine.spill_limit` in config/<env>.yaml"
    )]
    Exhausted { table: String, source: Box<DataFusionError> },
}

impl Error {
    pub(crate) fn of(table: &str) -> impl Fn(DataFusionError) -> Self + '_ {
        |source| {
            let (table, source) = (table.to_owned(), Box::new(source));
            match source.find_root() {
                DataFusionError::ResourcesExhausted(_) => Self::Exhausted { table, source },
                _ => Self::Table { table, source },
            }
        }
    }
}
