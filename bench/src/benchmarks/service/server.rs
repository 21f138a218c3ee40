//! A server under measurement: its processes, and their memory.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result, bail};

/// What to start.
pub struct MeasuredProgram<'a> {
    pub executable: PathBuf,
    /// Separated by spaces.
    pub arguments: &'a str,
    pub folder: &'a Path,
}

/// A server that listens. It is ended when dropped.
///
/// It stays in the process group of the implementation, whatever it starts too: the runner kills them all.
pub struct MeasuredServer {
    child: Child,
    /// Where it listens: `127.0.0.1:PORT`.
    pub address: String,
}

impl MeasuredServer {
    /// Starts it, and waits until it has said where it listens.
    pub fn start(program: &MeasuredProgram) -> Result<Self> {
        let mut child = Command::new(&program.executable)
            .args(program.arguments.split(' '))
            .current_dir(program.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.executable.display()))?;

        // Ours says it on stdout, uvicorn on stderr; both are read to their end.
        let (sender, lines) = mpsc::channel();
        let stdout = child.stdout.take().context("it has no stdout")?;
        let stderr = child.stderr.take().context("it has no stderr")?;
        for stream in [Box::new(stdout) as Box<dyn Read + Send>, Box::new(stderr)] {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    sender.send(line).ok(); // only the first are waited for
                }
            });
        }
        drop(sender);
        let mut server = Self { child, address: String::new() };
        let mut complaint = String::new();
        for line in lines {
            if let Some((_, url)) = line.split_once(" on http://") {
                server.address = url.split(' ').next().unwrap_or_default().to_owned();
                return Ok(server);
            }
            complaint = line;
        }
        bail!("it ended before it listened: {complaint}")
    }

    /// The memory of all its processes, in MiB: what they share is counted once. None where the
    /// system does not tell.
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> Result<Option<f64>> {
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
        Ok(Some(bytes as f64 / f64::from(1 << 20)))
    }

    /// As above.
    #[cfg(not(target_os = "linux"))]
    pub fn memory(&self) -> Result<Option<f64>> {
        Ok(None)
    }
}

impl Drop for MeasuredServer {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process};

            // By itself, so that it ends its workers; it has no request to answer.
            kill_process(Pid::from_child(&self.child), Signal::TERM).ok();
            for _ in 0..200 {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                thread::sleep(std::time::Duration::from_millis(10));
            }
        }
        self.child.kill().ok(); // an error means that it has ended
        self.child.wait().ok();
    }
}
