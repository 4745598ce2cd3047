//! Work that takes its time, beside the runtime's threads, which carry streams and all other requests.

use super::problem::Problem;

/// What came of the work. `failed` says what could not be done should it panic.
pub async fn aside<T: Send + 'static>(
    failed: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "{failed}");
        Problem::internal(failed)
    })
}
