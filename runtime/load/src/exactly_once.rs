use std::collections::BTreeSet;

use tokio::time::sleep;

use crate::http::pause;
use crate::{BatchError, Created, Deleted, Destination, HttpOptions, NewRecord};

/// Creates records with our ids, exactly once in effect: where the outcome of a request is unknown the destination is asked for the ids, in the trash too,
/// and only what is not there is sent again. Gives `Unknown` only where no attempt got an answer.
pub async fn create_exactly_once(
    destination: &dyn Destination,
    options: &HttpOptions,
    object: &str,
    batch: &[NewRecord],
) -> Result<Vec<Created>, BatchError> {
    let mut left: Vec<NewRecord> = batch.to_vec();
    let mut failures = 0;
    while !left.is_empty() {
        match destination.create(object, &left).await {
            Ok(_) => break,
            // A request without an answer may have been carried out after we looked; then its ids are taken.
            Err(BatchError::Rejected { status, message, code }) if failures > 0 => {
                let before = left.len();
                left = missing(destination, object, left).await?;
                if left.len() == before {
                    return Err(BatchError::Rejected { status, message, code });
                }
            }
            Err(BatchError::Unknown { why }) => {
                failures += 1;
                if failures >= options.attempts.max(1) {
                    left = missing(destination, object, left).await?;
                    if left.is_empty() {
                        break;
                    }
                    return Err(BatchError::Unknown { why });
                }
                sleep(pause(options, object, failures)).await;
                left = missing(destination, object, left).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(batch.iter().map(|record| Created { id: record.id.clone() }).collect())
}

async fn missing(
    destination: &dyn Destination,
    object: &str,
    records: Vec<NewRecord>,
) -> Result<Vec<NewRecord>, BatchError> {
    let ids: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
    let there = destination.fetch(object, &ids, Deleted::Both).await?;
    let there: BTreeSet<String> = there.into_iter().map(|record| record.id).collect();
    Ok(records.into_iter().filter(|record| !there.contains(&record.id)).collect())
}
