//! A server under measurement: its processes, and their memory.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result};

/// A server that can be started.
pub struct Contender {
    /// How the table calls it.
    pub name: &'static str,
    executable: PathBuf,
    arguments: Vec<String>,
    folder: PathBuf,
}

impl Contender {
    /// A program, with its arguments separated by spaces.
    pub fn new(name: &'static str, executable: PathBuf, arguments: &str, folder: PathBuf) -> Self {
        let arguments = arguments.split(' ').map(str::to_owned).collect();
        Self { name, executable, arguments, folder }
    }
}

/// A server that listens. It is ended when dropped.
pub struct Server {
    child: Child,
    /// Where it listens: `127.0.0.1:PORT`.
    pub address: String,
}

impl Server {
    /// Starts it, and waits until it has said where it listens.
    pub fn start(contender: &Contender) -> Result<Self> {
        let mut command = Command::new(&contender.executable);
        command
            .args(&contender.arguments)
            .current_dir(&contender.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A group of its own, so that whatever it leaves behind can be ended too.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().context("starting it")?;

        // Ours says it on stdout, uvicorn on stderr; both are read to their end.
        let (address, addresses) = std::sync::mpsc::channel();
        let stdout = child.stdout.take().context("it has no stdout")?;
        let stderr = child.stderr.take().context("it has no stderr")?;
        for stream in [Box::new(stdout) as Box<dyn Read + Send>, Box::new(stderr)] {
            let address = address.clone();
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if let Some((_, url)) = line.split_once(" on http://") {
                        let url = url.split(' ').next().unwrap_or_default();
                        address.send(url.to_owned()).ok(); // only the first is waited for
                    }
                }
            });
        }
        drop(address);
        let mut server = Self { child, address: String::new() };
        server.address = addresses.recv().context("it ended before it listened")?;
        Ok(server)
    }

    /// The memory of all its processes, in MiB: what they share is counted once.
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> Result<f64> {
        use procfs::process::{Process, all_processes};

        let all: Vec<_> = all_processes()?
            .filter_map(|process| {
                let process = process.ok()?;
                let parent = process.stat().ok()?.ppid;
                Some((process, parent))
            })
            .collect();
        let mut tree = vec![self.child.id().try_into()?];
        let mut at = 0;
        while let Some(&parent) = tree.get(at) {
            let children = all.iter().filter(|(_, its_parent)| *its_parent == parent);
            tree.extend(children.map(|(process, _)| process.pid));
            at += 1;
        }
        let mut bytes = 0;
        for id in tree {
            let rollup = Process::new(id)?.smaps_rollup()?;
            for map in rollup.memory_map_rollup {
                bytes += map.extension.map.get("Pss").context("no Pss")?;
            }
        }
        Ok(bytes as f64 / f64::from(1 << 20))
    }

    /// Known on Linux only.
    #[cfg(not(target_os = "linux"))]
    pub fn memory(&self) -> Result<f64> {
        Ok(f64::NAN)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process, kill_process_group};

            let id = Pid::from_child(&self.child);
            // First by itself, so that it can end its workers; it has no request to answer.
            kill_process(id, Signal::TERM).ok();
            for _ in 0..50 {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    break;
                }
                thread::sleep(std::time::Duration::from_millis(100));
            }
            kill_process_group(id, Signal::KILL).ok();
        }
        self.child.kill().ok(); // an error means that it has ended
        self.child.wait().ok();
    }
}
