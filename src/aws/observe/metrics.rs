//! Who sends metrics.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_cloudwatch::types::{DimensionFilter, Metric, RecentlyActive};

use crate::aws::apis::LIST_METRICS;
use crate::aws::connect::Clients;
use crate::aws::paging::all_pages;
use crate::aws::values::some_text;
use crate::model::failure::Failure;
use crate::model::observed::MetricKey;

/// The values of the dimension that sent the metric in the last three hours, the only span that AWS offers. It
/// gives 500 rows a page, and takes no other size.
pub(super) async fn active(clients: &Clients, key: &MetricKey) -> Result<BTreeSet<Arc<str>>, Failure> {
    let api = LIST_METRICS;
    // By name only: any value of it.
    let filter = DimensionFilter::builder().name(&*key.dimension).build();
    let filter = &filter;
    let values = all_pages(api, |token| async move {
        let request = clients.cloudwatch.list_metrics().namespace(&*key.namespace).metric_name(&*key.metric);
        let request = request.dimensions(filter.clone()).recently_active(RecentlyActive::Pt3H);
        let reply = clients.call(api, request.set_next_token(token).send()).await?;
        let dimensions = reply.metrics().iter().flat_map(Metric::dimensions);
        let ours = dimensions.filter(|dimension| dimension.name() == Some(&key.dimension));
        Ok((ours.filter_map(|dimension| some_text(dimension.value())).collect(), reply.next_token))
    })
    .await?;
    Ok(values.into_iter().collect())
}
