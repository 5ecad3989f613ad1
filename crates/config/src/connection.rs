//! Where data lies, checked.

use std::fmt;
use std::path::PathBuf;

use crate::secret::Secret;

/// Where data lies. It prints its kind alone, because any address may have been filled in from a secret.
#[derive(Clone)]
pub enum Connection {
    /// A folder, or `s3://bucket/prefix`, `az://container/prefix`, `gs://bucket/prefix` with credentials from the environment.
    Files {
        url: String,
    },
    Sqlite {
        path: PathBuf,
    },
    Postgres {
        url: Secret,
    },
    /// MySQL or MariaDB.
    Mysql {
        url: Secret,
    },
    /// A driver's connection string.
    Odbc {
        connection: Secret,
    },
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files { .. } => "Files(***)",
            Self::Sqlite { .. } => "Sqlite(***)",
            Self::Postgres { .. } => "Postgres(***)",
            Self::Mysql { .. } => "Mysql(***)",
            Self::Odbc { .. } => "Odbc(***)",
        })
    }
}
