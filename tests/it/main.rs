//! One test binary: fast to link, and its modules share their helpers.

mod probe_script;
mod sdk;
mod sim_ssm;
