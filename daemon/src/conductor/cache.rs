//! Cache: an equal result made before is looked up by its key, and counts only when every file of it is there.

use studio_core::{
    ids::ContentHash,
    order::{Order, Outputs},
    task::Attempt,
};

use super::{
    Context, Error,
    disk::{missing_file, stands},
};
use crate::store;

/// Why there is no result to take over.
#[derive(Debug)]
pub(crate) enum Absent {
    /// Nobody has made it like this.
    Never,
    /// A file of it is gone from the disk or cut.
    FileGone(ContentHash),
    /// Its engine says that what it left elsewhere is no longer there.
    NotStanding(Box<Attempt>),
}

/// The attempt that made what `order` asks for, with what it left; nothing is changed.
pub(crate) async fn lookup(
    context: &Context,
    key: ContentHash,
    order: &Order,
    engine: &str,
) -> Result<Result<(Attempt, Outputs), Absent>, Error> {
    let Some(attempt) = store::attempts::succeeded_by_key(&context.db, key).await? else {
        return Ok(Err(Absent::Never));
    };
    let Some(outputs) = attempt.outputs.clone() else { return Ok(Err(Absent::Never)) };
    if let Some(gone) = missing_file(context, &outputs).await? {
        return Ok(Err(Absent::FileGone(gone)));
    }
    // The library's engine sees files; only the store knows that another attempt has begun to replace them.
    let last =
        !matches!(order, Order::Publish(_)) || store::episodes::is_last_publication(&context.db, attempt.id).await?;
    Ok(if last && stands(context, engine, order, &outputs).await? {
        Ok((attempt, outputs))
    } else {
        Err(Absent::NotStanding(Box::new(attempt)))
    })
}
