//! ODBC: any database that has a driver, in programs built with the feature `odbc`, because it needs the machine's driver manager.

#[cfg(feature = "odbc")]
mod driver;

#[cfg(feature = "odbc")]
pub(super) use driver::open;

/// A program without the feature takes the pipeline file, and says here what it lacks.
#[cfg(not(feature = "odbc"))]
pub(super) fn open(name: &str) -> Result<super::Opened, crate::error::Error> {
    Err(crate::error::Error::Connection {
        connection: name.to_owned(),
        detail: "it is of type odbc, and this program was built without ODBC".to_owned(),
        help: "build it with `cargo build --release --features consumer360/odbc`, which needs the driver manager's headers \
               (Debian's unixodbc-dev), and install the database's driver"
            .to_owned(),
    })
}
