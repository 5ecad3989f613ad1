//! What a run would read, before it does.

use super::reading::{Reading, Start};
use crate::error::Error;
use crate::mapping::Mapping;
use crate::outlook::Outlook;
use crate::source::Opened;

/// What a run would read now, without reading it.
pub(crate) async fn forecast(reading: &Reading<'_>, opened: &Opened, mapping: &Mapping) -> Result<Outlook, Error> {
    let columns = reading.columns(opened, mapping)?;
    let questions = reading.questions(&columns)?;
    let there = reading.number(questions.count()).await?;
    let outlook = Outlook {
        entity: reading.entity,
        origin: opened.origin.clone(),
        from: None,
        to: reading.value(questions.newest()).await?,
        rows: Some(there),
        why: String::new(),
        may_differ: true,
    };
    match reading.start(&columns) {
        Start::Whole(reason) => Ok(Outlook { why: reason, ..outlook }),
        Start::At(from, record, watermark) => {
            let rows = reading.number(questions.window_count(from)).await?;
            let newer = reading.number(questions.newer_count(&watermark)).await?;
            let kept = record.rows();
            let why = format!("{newer} rows newer than {}, {kept} kept, {there} there", watermark.text);
            let may_differ = newer > 0 || there != kept;
            Ok(Outlook { from: Some(from.to_string()), rows: Some(rows), why, may_differ, ..outlook })
        }
    }
}
