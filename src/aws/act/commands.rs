//! Sends commands, and cancels them.

use super::once::{no_retries, until_admitted};
use crate::aws::apis::{CANCEL_COMMAND, SEND_COMMAND};
use crate::aws::connect::Clients;
use crate::aws::values::some_text;
use crate::model::action::{COMMAND_TIMEOUT, Done, SendCommand};
use crate::model::failure::Failure;

/// Neither AWS's limit of nodes at a time nor its limit of errors is used: halting is the planner's business,
/// judged node by node, and what it sends at once is already small.
const ALL: &str = "100%";

/// `ssm:SendCommand`. A lost reply is left as it is: the command may run, and its comment says whose it is.
pub(super) async fn send(clients: &Clients, send: &SendCommand) -> Result<Done, Failure> {
    until_admitted(clients, || async {
        let mut request = clients
            .ssm
            .send_command()
            .document_name(&*send.document)
            .comment(send.key.to_string())
            .timeout_seconds(COMMAND_TIMEOUT)
            .max_concurrency(ALL)
            .max_errors(ALL)
            .set_instance_ids(Some(send.nodes.iter().map(ToString::to_string).collect()));
        for (name, values) in &send.parameters {
            let values = values.iter().map(ToString::to_string).collect();
            request = request.parameters(&**name, values);
        }
        let request = request.customize().config_override(no_retries());
        let reply = clients.call(SEND_COMMAND, request.send()).await?;
        let command = reply.command().and_then(|command| some_text(command.command_id()));
        Ok(Done { command, ..super::done(&reply) })
    })
    .await
}

/// `ssm:CancelCommand`, on all its nodes.
pub(super) async fn cancel(clients: &Clients, id: &str) -> Result<Done, Failure> {
    let request = clients.ssm.cancel_command().command_id(id);
    clients.call(CANCEL_COMMAND, request.send()).await.map(|reply| super::done(&reply))
}
