//! Small messages leave at once. sqlx leaves Nagle's algorithm on, which holds a message's last piece back until the one
//! before it is acknowledged; a server that waits for that piece acknowledges 40 ms later. So over TCP every COPY and
//! every large statement would cost 40 ms: batches took five times as long on loopback.

#[cfg(target_os = "linux")]
mod linux {
    use rustix::fd::OwnedFd;
    use rustix::net::{AddressFamily, sockopt};
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

    /// Switches it off on every TCP connection of this process to `port`. sqlx does not hand out its socket, so it is
    /// looked for among the process's own. Where that is forbidden (a strict sandbox) all goes on, more slowly.
    pub(crate) fn switch(port: u16) {
        let Ok(this) = pidfd_open(getpid(), PidfdFlags::empty()) else { return };
        let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
        for entry in entries.flatten() {
            let Some(number) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            let link = std::fs::read_link(entry.path());
            if !link.is_ok_and(|target| target.to_string_lossy().starts_with("socket:")) {
                continue;
            }
            // A second handle on the same socket: what is set on one is set on both.
            if let Ok(socket) = pidfd_getfd(&this, number, PidfdGetfdFlags::empty()) {
                switch_one(&socket, port);
            }
        }
    }

    fn switch_one(socket: &OwnedFd, port: u16) {
        let tcp = sockopt::socket_domain(socket)
            .is_ok_and(|domain| domain == AddressFamily::INET || domain == AddressFamily::INET6);
        if !tcp {
            return;
        }
        let peer = rustix::net::getpeername(socket).ok().flatten();
        let peer = peer.and_then(|peer| std::net::SocketAddr::try_from(peer).ok());
        if peer.is_some_and(|peer| peer.port() == port) {
            let _ = sockopt::set_tcp_nodelay(socket, true);
        }
    }
}

#[cfg(target_os = "linux")]
pub(crate) use linux::switch;

/// Elsewhere a process can't look for its own sockets.
#[cfg(not(target_os = "linux"))]
pub(crate) fn switch(_port: u16) {}
