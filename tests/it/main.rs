//! Every test that is not beside the code: one binary, which links once.

mod aws;
mod canned;
mod desired;
mod estate;
mod fleet;
mod probe_script;
mod sdk;
mod sim_ec2;
mod sim_iam;
mod sim_logs;
mod sim_server;
mod sim_ssm;
mod steady;
mod swarm;
mod tidy;
mod witness;
