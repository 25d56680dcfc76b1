//! Every test that is not beside the code: one binary, which links once.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says by panicking that something is wrong")]

mod agent_config;
mod agent_config_judge;
mod agents;
mod arrival;
mod aws;
mod breakage;
mod canned;
mod cli_logs;
mod cli_rollout;
mod cli_verify;
mod desired;
mod draft04;
mod estate;
mod facts;
mod fleet;
mod flow_logs;
mod ownership;
mod page;
mod page_ground;
mod page_hostile;
mod probe_script;
mod refused;
mod restart;
mod rollouts;
mod rollouts_hard;
mod rules;
mod safety;
mod sdk;
mod settle;
mod sim_cloudwatch;
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
