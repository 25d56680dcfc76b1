//! The simulator on loopback, for every AWS client.
