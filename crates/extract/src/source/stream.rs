//! What a reader hands on, and how its end is told from its death.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Records, Sender};
use crate::error::Error;

/// Batches that wait between the reader and the workers; bounds memory.
const QUEUE: usize = 4;

/// A reader at work.
pub(super) struct Reader {
    records: mpsc::Receiver<Result<Records, Error>>,
    work: JoinHandle<()>,
}

/// Records in the source's order, until it has no more.
///
/// A reader that broke off without a word, and one that gives nothing for too long, are errors: taken for the end, either would
/// leave a shorter table that looks whole.
pub(crate) struct Stream {
    records: mpsc::Receiver<Result<Records, Error>>,
    work: Option<JoinHandle<()>>,
    origin: String,
    silence: Duration,
}

impl Stream {
    pub(super) fn new(reader: Reader, origin: String, silence: Duration) -> Self {
        Self { records: reader.records, work: Some(reader.work), origin, silence }
    }

    pub async fn next(&mut self) -> Option<Result<Records, Error>> {
        match tokio::time::timeout(self.silence, self.records.recv()).await {
            Ok(Some(next)) => Some(next),
            Ok(None) => {
                let broken = self.work.take()?.await.err()?;
                let detail = format!(
                    "its reader broke off: {broken}\n  help: the source may be damaged; this is a fault of the program as well, and worth a report"
                );
                Some(Err(Error::Read { origin: self.origin.clone(), detail }))
            }
            Err(_) => Some(Err(Error::Silent { origin: self.origin.clone(), silence: self.silence })),
        }
    }
}

/// Runs a reader that blocks on a thread of its own; what it returns as an error ends the stream.
pub(super) fn blocking(read: impl FnOnce(&Sender) -> Result<(), Error> + Send + 'static) -> Reader {
    let (sender, records) = mpsc::channel(QUEUE);
    let work = tokio::task::spawn_blocking(move || {
        if let Err(error) = read(&sender) {
            // The receiver is gone only when the run has already failed elsewhere.
            let _ = sender.blocking_send(Err(error));
        }
    });
    Reader { records, work }
}

/// Runs an asynchronous reader in the same way.
pub(super) fn spawned<F>(read: impl FnOnce(Sender) -> F) -> Reader
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let (sender, records) = mpsc::channel(QUEUE);
    let errors = sender.clone();
    let reading = read(sender);
    let work = tokio::spawn(async move {
        if let Err(error) = reading.await {
            let _ = errors.send(Err(error)).await;
        }
    });
    Reader { records, work }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_reader_that_dies_is_not_at_its_end() {
        let mut ended = Stream::new(blocking(|_| Ok(())), "a".to_owned(), SOON);
        assert!(ended.next().await.is_none());
        for reader in [blocking(|_| panic!("damaged")), spawned(|_| async { panic!("damaged") })] {
            let mut broken = Stream::new(reader, "data/a.csv".to_owned(), SOON);
            let told = broken.next().await.unwrap().err().unwrap().to_string();
            assert!(told.contains("data/a.csv") && told.contains("broke off") && told.contains("damaged"), "{told}");
            assert!(broken.next().await.is_none());
        }
    }

    #[tokio::test]
    async fn a_reader_that_hangs_is_told() {
        let reader = spawned(|sender| async move {
            let _held = sender;
            std::future::pending().await
        });
        let mut stream = Stream::new(reader, "shop.orders".to_owned(), Duration::from_millis(20));
        assert!(stream.next().await.unwrap().err().unwrap().to_string().contains("shop.orders has given nothing for 0s"));
    }
}
