//! The simulator on loopback, in real time: sockets under a paused clock jump.

use aws_sdk_sts::Client as Sts;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use watchkeeper::sim::fault::{Faults, Rates};
use watchkeeper::sim::server::{is_loopback, serve};

use crate::sdk::{ACCOUNT, code, config_to, sim};

#[tokio::test]
async fn the_sdk_works_over_a_socket() {
    let sim = sim();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("an address");
    assert!(is_loopback(address));
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(sim.clone(), listener, stop.clone()));
    let sts = Sts::new(&config_to(&format!("http://{address}"), ACCOUNT));

    let me = sts.get_caller_identity().send().await.expect("an answer");
    assert_eq!(me.account(), Some(ACCOUNT));
    sim.set_faults(Faults::seeded(1, Rates { deny: 1.0, ..Rates::default() }));
    assert_eq!(code(sts.get_caller_identity().send().await), "AccessDenied");
    sim.set_faults(Faults::seeded(1, Rates { lose_reply: 1.0, ..Rates::default() }));
    let lost = sts.get_caller_identity().send().await.expect_err("no reply");
    assert!(lost.as_service_error().is_none(), "{lost:?}");

    stop.cancel();
    server.await.expect("no panic").expect("a clean end");
}
