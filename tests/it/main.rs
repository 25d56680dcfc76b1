//! Every test that is not beside the code: one binary, which links once.

mod desired;
mod probe_script;
mod sdk;
mod sim_ec2;
mod sim_iam;
mod sim_logs;
mod sim_server;
mod sim_ssm;
