//! The reason why a thread waits, which follows from its system call.

/// The reason why a thread waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wait {
    /// A lock, a condition, or another thread: `futex`. Mutexes, channels
    /// and joins of Rust and of Python all use it.
    Lock,
    /// A time: `nanosleep`, `clock_nanosleep`.
    Time,
    /// Input, output or events: `read`, `accept`, `poll`, `epoll_wait`, and
    /// calls like them.
    Io,
    /// The end of a child process: `wait4`, `waitid`.
    Child,
    /// Another system call, or the kernel does not say which one: it
    /// refuses if this process may not trace the other one.
    Unknown,
}

#[cfg(target_os = "linux")]
impl Wait {
    /// Returns the reason that follows from the number of a system call.
    /// Each processor architecture has its own numbers. These are the
    /// numbers of the architecture that this program is compiled for, and
    /// of its 64-bit programs.
    pub(crate) fn in_system_call(number: i64) -> Self {
        if LOCK.contains(&number) {
            Self::Lock
        } else if TIME.contains(&number) {
            Self::Time
        } else if CHILD.contains(&number) {
            Self::Child
        } else if IO.contains(&number) || OLD_IO.contains(&number) {
            Self::Io
        } else {
            Self::Unknown
        }
    }
}

// On these architectures, `c_long` is `i64`.
#[cfg(all(
    target_os = "linux",
    target_pointer_width = "64",
    any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64"
    )
))]
mod numbers {
    use nix::libc::*;

    pub const LOCK: &[i64] = &[SYS_futex, SYS_futex_waitv];
    pub const TIME: &[i64] = &[SYS_nanosleep, SYS_clock_nanosleep];
    pub const CHILD: &[i64] = &[SYS_wait4, SYS_waitid];
    pub const IO: &[i64] = &[
        SYS_accept,
        SYS_accept4,
        SYS_connect,
        SYS_epoll_pwait,
        SYS_epoll_pwait2,
        SYS_fdatasync,
        SYS_fsync,
        SYS_io_getevents,
        SYS_io_uring_enter,
        SYS_openat,
        SYS_ppoll,
        SYS_pread64,
        SYS_preadv,
        SYS_pselect6,
        SYS_pwrite64,
        SYS_pwritev,
        SYS_read,
        SYS_readv,
        SYS_recvfrom,
        SYS_recvmmsg,
        SYS_recvmsg,
        SYS_sendfile,
        SYS_sendmmsg,
        SYS_sendmsg,
        SYS_sendto,
        SYS_splice,
        SYS_write,
        SYS_writev,
    ];
    /// Calls that newer architectures no longer have.
    #[cfg(target_arch = "x86_64")]
    pub const OLD_IO: &[i64] =
        &[SYS_epoll_wait, SYS_open, SYS_poll, SYS_select];
    #[cfg(not(target_arch = "x86_64"))]
    pub const OLD_IO: &[i64] = &[];
}

/// No numbers: every wait is [`Wait::Unknown`].
#[cfg(all(
    target_os = "linux",
    not(all(
        target_pointer_width = "64",
        any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            target_arch = "riscv64"
        )
    ))
))]
mod numbers {
    pub const LOCK: &[i64] = &[];
    pub const TIME: &[i64] = &[];
    pub const CHILD: &[i64] = &[];
    pub const IO: &[i64] = &[];
    pub const OLD_IO: &[i64] = &[];
}

#[cfg(target_os = "linux")]
use numbers::{CHILD, IO, LOCK, OLD_IO, TIME};
