//! Every test that is not beside the code: one binary, which links once.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says by panicking that something is wrong")]

mod agents;
mod aws;
mod breakage;
mod canned;
mod desired;
mod estate;
mod facts;
mod fleet;
mod flow_logs;
mod ownership;
mod probe_script;
mod refused;
mod restart;
mod rules;
mod safety;
mod sdk;
mod settle;
mod sim_ec2;
mod sim_iam;
mod sim_logs;
mod sim_server;
mod sim_ssm;
mod steady;
mod swarm;
mod tidy;
mod times;
mod witness;
