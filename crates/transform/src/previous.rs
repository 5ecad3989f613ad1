//! The snapshot before this one, as tables of their own: `previous_<table>`.
//!
//! It is the latest published with an earlier `as_of`, so that running a day again reads the same one and changes no byte.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::prelude::ParquetReadOptions;
use extract::TableFile;

use crate::build::{Builder, Error};

/// Tables of the snapshot before that this one reads, under the names they have here.
pub const PREVIOUS: [(&str, &str); 2] = [("previous_customer_rfm", "customer_rfm"), ("previous_clv_model", "clv_model")];

impl Builder {
    /// Makes the tables of the snapshot before readable; where there is none they are empty.
    pub async fn register_previous(&self, snapshot: Option<&Path>) -> Result<(), Error> {
        for (name, table) in PREVIOUS {
            let Some(contract) = schema::table(table) else { continue };
            let schema = nullable(&contract.arrow());
            let published = snapshot.map(|s| s.join(format!("{table}.parquet"))).filter(|p| p.is_file());
            let path = match published {
                Some(path) => path,
                None => self.empty(name, &schema)?,
            };
            let options = ParquetReadOptions { schema: Some(&schema), ..ParquetReadOptions::default() };
            let failed = |source| Error::Compute { table: name.to_owned(), source };
            let location = extract::location(&self.session, &path).await.map_err(failed)?;
            self.session.register_parquet(name, location, options).await.map_err(failed)?;
        }
        Ok(())
    }

    fn empty(&self, name: &str, schema: &SchemaRef) -> Result<std::path::PathBuf, Error> {
        let path = self.folder.join(format!("{name}.parquet"));
        let written = TableFile::create(&path, Arc::clone(schema)).and_then(TableFile::finish);
        written.map_err(|source| Error::Write { table: name.to_owned(), source })?;
        Ok(path)
    }
}

/// A snapshot of an earlier version may lack columns, which then read as NULL.
fn nullable(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
    Arc::new(Schema::new(fields))
}
