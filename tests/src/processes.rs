//! What has become of processes that are not this one's children.

use rustix::process::{Pid, test_kill_process};
use tokio::time::timeout;

use crate::LIMIT;

/// Waits until a process is gone.
pub async fn gone(process: u32) {
    let process = process.try_into().ok().and_then(Pid::from_raw).expect("a process id");
    let gone = async {
        while is_there(process) {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, gone).await.expect("the process is gone");
}

/// Whether a process runs. One that has ended, and whose parent has only not yet asked how, does
/// not: an orphan's parent is process 1, which in a container may never ask.
pub fn is_there(process: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    let zombie =
        stat.is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")));
    test_kill_process(process).is_ok() && !zombie
}
