//! Helpers for the processes of the machine.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags};

/// Time limit for processes to end. Only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(40);

/// Ids of the processes whose working directory is in this folder.
pub fn in_folder(folder: &Path) -> Vec<u32> {
    let folder = folder.canonicalize().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&folder))
    })
    .collect()
}

/// A process that can be awaited although it is not a child of this one.
pub struct Watched(OwnedFd);

pub fn watch(pid: u32) -> Watched {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    Watched(rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap())
}

impl Watched {
    /// Waits for the end of the process.
    pub fn wait(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = Timespec::try_from(end.saturating_duration_since(Instant::now())).unwrap();
            let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
            match rustix::event::poll(&mut fds, Some(&left)) {
                Err(rustix::io::Errno::INTR) => {}
                Ok(0) => panic!("the process is still there"),
                Ok(_) => return,
                Err(errno) => panic!("{errno}"),
            }
        }
    }
}

/// Parent of a process.
pub fn parent(pid: u32) -> u32 {
    stat(pid, 1).parse().unwrap()
}

/// Session of a process; 0 if its leader is outside this process-id namespace.
pub fn session(pid: u32) -> u32 {
    stat(pid, 3).parse().unwrap()
}

/// Field of `/proc/PID/stat`, counted from the state, which follows the name.
fn stat(pid: u32, field: usize) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    rest.split(' ').nth(field).unwrap().to_owned()
}

pub fn kill_nine(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}
