//! All integration tests, in one binary: linking the AWS SDKs once is enough.

mod aws;
mod canned;
