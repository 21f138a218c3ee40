//! A run to draw.
use process_tree::activity::Activity;

/// A line that a program has printed.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Line<'a> {
    /// Seconds since the start of the program.
    pub at: f64,
    /// True for stderr, false for stdout.
    pub is_stderr: bool,
    /// The text, without the line's end.
    pub text: &'a str,
}

impl<'a> Line<'a> {
    /// A line on stdout, `at` seconds after the start of the program.
    pub fn stdout(at: f64, text: &'a str) -> Self {
        Self { at, is_stderr: false, text }
    }

    /// A line on stderr, `at` seconds after the start of the program.
    pub fn stderr(at: f64, text: &'a str) -> Self {
        Self { at, is_stderr: true, text }
    }
}

/// The run of one program, in one picture with other runs or alone.
///
/// ```
/// use picture::{Line, Track};
///
/// let lines = vec![Line::stdout(0.0, "Task A starting")];
/// let track = Track::new(lines, 1.5).name("Rust").ended(false);
/// # assert!(picture::draw("live", &[track], 0.0, &picture::words::ENGLISH).0.contains("Task A"));
/// ```
#[derive(Debug, Clone)]
pub struct Track<'a> {
    pub(crate) name: &'a str,
    pub(crate) lines: Vec<Line<'a>>,
    pub(crate) wall: f64,
    pub(crate) ended: bool,
    pub(crate) activity: Option<&'a Activity>,
    pub(crate) cores: u32,
}

impl<'a> Track<'a> {
    /// A run of `wall` seconds that has ended, with the lines that it
    /// printed. It has no name, and what its threads did is not known.
    pub fn new(lines: Vec<Line<'a>>, wall: f64) -> Self {
        Self {
            name: "",
            lines,
            wall,
            ended: true,
            activity: None,
            cores: 0,
        }
    }

    /// Gives the run a heading, for example its language. Default: none.
    pub fn name(mut self, name: &'a str) -> Self {
        self.name = name;
        self
    }

    /// Says whether the run has ended. As long as it has not, nothing in it
    /// counts as never finished. Default: true.
    pub fn ended(mut self, ended: bool) -> Self {
        self.ended = ended;
        self
    }

    /// Adds the states of the run's threads and the cores in use, on a
    /// machine with this number of cores. Default: none.
    pub fn activity(
        mut self,
        activity: impl Into<Option<&'a Activity>>,
        cores: u32,
    ) -> Self {
        self.activity = activity.into();
        self.cores = cores;
        self
    }

    /// The activity, if it shows a thread.
    pub(crate) fn threads(&self) -> Option<&'a Activity> {
        self.activity.filter(|activity| !activity.threads.is_empty())
    }
}
