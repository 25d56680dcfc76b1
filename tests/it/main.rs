mod sdk;
mod sim_logs;
