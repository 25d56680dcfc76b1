//! Several jobs at once, but not too many, with their results in the order of the jobs.

use tokio::task::JoinSet;

/// Jobs under way at once in one scope. Enough to hide the network's delay behind the budget, which is what
/// really limits; few enough for one connection pool.
const WIDTH: usize = 8;

/// Runs all `jobs`. A job that panics leaves `None`.
pub(super) async fn spread<T, F>(jobs: impl IntoIterator<Item = F>) -> Vec<Option<T>>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut results: Vec<Option<T>> = Vec::new();
    let mut under_way = JoinSet::new();
    for (at, job) in jobs.into_iter().enumerate() {
        if under_way.len() >= WIDTH {
            keep(&mut results, under_way.join_next().await);
        }
        results.push(None);
        under_way.spawn(async move { (at, job.await) });
    }
    while !under_way.is_empty() {
        keep(&mut results, under_way.join_next().await);
    }
    results
}

fn keep<T>(results: &mut [Option<T>], joined: Option<Result<(usize, T), tokio::task::JoinError>>) {
    if let Some(Ok((at, result))) = joined
        && let Some(place) = results.get_mut(at)
    {
        *place = Some(result);
    }
}
