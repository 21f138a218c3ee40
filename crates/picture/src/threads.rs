//! The lanes of a run's OS threads: the threads that a picture shows, their
//! names, and their states, merged to fit the size of the picture.
use process_tree::activity::{Activity, State, Thread};

/// The maximum number of threads that a picture shows of one run.
const MAX_THREADS: usize = 12;
/// The height of a thread's states in pixels.
pub(crate) const HEIGHT: u32 = 12;

/// A state that is shorter than this share of the axis, about a pixel, is not
/// drawn alone …
const THIN: f64 = 0.0015;
/// … but together with its neighbors, up to this share of the axis.
const MIX: f64 = 0.01;
/// From this share of a mix on, one state stands for all of it.
const DOMINANT: f64 = 0.85;

/// The name of a thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Name<'a> {
    /// The number and the name of its process, if the run has several.
    pub process: Option<(usize, &'a str)>,
    /// Its place in the process, unless it is the only thread of one among
    /// several processes.
    pub role: Option<Role<'a>>,
}

/// The place of a thread in its process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role<'a> {
    /// The main thread.
    Main,
    /// A thread without a name of its own, with its number: the main thread is 1.
    Numbered(usize),
    /// A thread with a name, and its number if several threads have this name.
    Named(&'a str, Option<usize>),
}

/// The names of all threads of a run, in their order.
pub(crate) fn names(activity: &Activity) -> Vec<Name<'_>> {
    let threads = &activity.threads;
    let several =
        threads.iter().any(|thread| thread.process != threads[0].process);
    let name = |(at, thread): (usize, &'_ Thread)| {
        let siblings =
            || threads.iter().filter(|it| it.process == thread.process);
        let before = &threads[..at];
        let older =
            || before.iter().filter(|it| it.process == thread.process);
        let main = siblings().next().map_or("", |main| &main.name);
        let is_namesake = |it: &&Thread| it.name == thread.name;
        let role = if older().next().is_none() {
            Role::Main
        } else if thread.name == main {
            Role::Numbered(older().count() + 1)
        } else {
            let number = older().filter(is_namesake).count() + 1;
            let has_namesakes = siblings().filter(is_namesake).count() > 1;
            Role::Named(&threads[at].name, has_namesakes.then_some(number))
        };
        Name {
            process: several.then_some((thread.process + 1, main)),
            role: (!several || siblings().count() > 1).then_some(role),
        }
    };
    threads.iter().enumerate().map(name).collect()
}

/// A part of a thread's lane, from one time to another in seconds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// The states in it from bottom to top, and their heights, which add up to
    /// [`HEIGHT`]. Several if the states changed faster than the picture can
    /// show.
    pub(crate) states: Vec<(State, u32)>,
}

/// A thread with its states.
#[derive(Debug)]
pub(crate) struct ThreadLane<'a> {
    pub(crate) thread: &'a Thread,
    pub(crate) name: Name<'a>,
    pub(crate) pieces: Vec<Piece>,
}

/// The lanes of a run's threads, process by process, on an axis of this many
/// seconds; and the number of threads that have none. If there are too many
/// threads, those with the most CPU time have a lane.
pub(crate) fn lanes(
    activity: &Activity,
    wall: f64,
    axis: f64,
) -> (Vec<ThreadLane<'_>>, u64) {
    let computed = |thread: &Thread| -> f64 {
        let spans = thread.spans.0.iter();
        spans
            .filter(|span| span.state == State::Computing)
            .map(|span| span.ms)
            .sum()
    };
    let mut shown: Vec<_> =
        activity.threads.iter().zip(names(activity)).enumerate().collect();
    if shown.len() > MAX_THREADS {
        // The main thread always has a lane. The sort is stable, so of
        // threads with the same time, the older ones stay.
        shown[1..].sort_by(|(_, (one, _)), (_, (other, _))| {
            computed(other).total_cmp(&computed(one))
        });
        shown.truncate(MAX_THREADS);
    }
    shown.sort_by_key(|(at, (thread, _))| (thread.process, *at));
    let more =
        activity.more + (activity.threads.len() - shown.len()) as u64;
    let lane = |(_, (thread, name))| ThreadLane {
        thread,
        name,
        pieces: pieces(thread, wall, axis),
    };
    (shown.into_iter().map(lane).collect(), more)
}

/// The states of a thread, with neighbors merged that would be narrower than a
/// pixel.
fn pieces(thread: &Thread, wall: f64, axis: f64) -> Vec<Piece> {
    let mut pieces =
        Pieces { pieces: Vec::new(), mix: Vec::new(), from: thread.from };
    let mut at = thread.from;
    for span in &thread.spans.0 {
        let to = (at + span.ms / 1000.0).min(wall);
        let length = to - at;
        if length >= THIN * axis {
            pieces.end_mix(at, axis);
            pieces.add(at, to, vec![(span.state, HEIGHT)]);
            pieces.from = to;
        } else if length > 0.0 {
            pieces.mix.push((span.state, length));
            if to - pieces.from >= MIX * axis {
                pieces.end_mix(to, axis);
            }
        }
        at = to;
    }
    pieces.end_mix(at, axis);
    pieces.pieces
}

/// The pieces so far, and the states of the next one.
struct Pieces {
    pieces: Vec<Piece>,
    mix: Vec<(State, f64)>,
    /// The start of the next piece.
    from: f64,
}

impl Pieces {
    fn add(&mut self, from: f64, to: f64, states: Vec<(State, u32)>) {
        match self.pieces.last_mut() {
            Some(last) if last.states == states => last.to = to,
            _ => self.pieces.push(Piece { from, to, states }),
        }
    }

    fn end_mix(&mut self, to: f64, axis: f64) {
        let mix = std::mem::take(&mut self.mix);
        let from = std::mem::replace(&mut self.from, to);
        if mix.is_empty() {
            return;
        }
        // Too narrow to be seen, so the state before it goes on.
        if to - from < THIN * axis
            && let Some(last) = self.pieces.last_mut()
        {
            last.to = to;
            return;
        }
        self.add(from, to, heights(&mix));
    }
}

/// The heights of states by their share of the time.
fn heights(mix: &[(State, f64)]) -> Vec<(State, u32)> {
    let total: f64 = mix.iter().map(|(_, length)| length).sum();
    let share = |state| -> f64 {
        let lengths = mix
            .iter()
            .filter(|(other, _)| *other == state)
            .map(|(_, length)| length);
        lengths.sum::<f64>() / total
    };
    let mut shares: Vec<_> =
        State::ALL.map(|state| (state, share(state))).into();
    shares.retain(|(_, share)| *share > 0.0);
    let (dominant, largest) = shares
        .iter()
        .copied()
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .unwrap_or((State::Waiting, 1.0));
    if largest >= DOMINANT {
        return vec![(dominant, HEIGHT)];
    }
    // In steps of two pixels, so that neighbors that hardly differ become one
    // piece. The rest of the rounding goes to the state with the largest share.
    let round =
        |share: f64| (share * f64::from(HEIGHT / 2)).round() as u32 * 2;
    let others = shares.iter().filter(|(state, _)| *state != dominant);
    let used: u32 = others.map(|(_, share)| round(*share)).sum();
    let height = |(state, share): (State, f64)| {
        let height = if state == dominant {
            HEIGHT.saturating_sub(used)
        } else {
            round(share)
        };
        (state, height)
    };
    shares
        .into_iter()
        .map(height)
        .filter(|(_, height)| *height > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(process: usize, name: &str, spans: &str) -> Thread {
        let name = name.to_owned();
        Thread {
            process,
            name,
            from: 0.0,
            spans: spans.parse().unwrap(),
            at_end: true,
        }
    }

    fn run(threads: Vec<Thread>) -> Activity {
        Activity { threads, ..Activity::default() }
    }

    #[test]
    fn a_thread_is_called_by_its_name_or_its_number() {
        let one = run(vec![
            thread(0, "one", ""),
            thread(0, "one", ""),
            thread(0, "pool", ""),
            thread(0, "pool", ""),
            thread(0, "io", ""),
        ]);
        let roles: Vec<_> = names(&one)
            .into_iter()
            .map(|name| (name.process, name.role))
            .collect();
        assert_eq!(
            roles,
            [
                Role::Main,
                Role::Numbered(2),
                Role::Named("pool", Some(1)),
                Role::Named("pool", Some(2)),
                Role::Named("io", None),
            ]
            .map(|role| (None, Some(role)))
        );
        let two = run(vec![
            thread(0, "sh", ""),
            thread(1, "cat", ""),
            thread(0, "sh", ""),
        ]);
        assert_eq!(
            names(&two),
            [
                Name { process: Some((1, "sh")), role: Some(Role::Main) },
                Name { process: Some((2, "cat")), role: None },
                Name {
                    process: Some((1, "sh")),
                    role: Some(Role::Numbered(2))
                },
            ]
        );
    }

    #[test]
    fn a_long_list_keeps_the_main_thread_and_those_with_the_most_cpu_time()
    {
        let mut threads = vec![thread(0, "m", "l100")];
        threads.extend(
            (0..20).map(|number| thread(0, "t", &format!("c{number} s50"))),
        );
        let activity = Activity { more: 3, ..run(threads) };
        let (lanes, more) = lanes(&activity, 1.0, 1.0);
        assert_eq!((lanes.len(), more), (MAX_THREADS, 12));
        assert_eq!(lanes[0].name.role, Some(Role::Main));
        let last = lanes
            .iter()
            .map(|lane| lane.thread.spans.0[0].ms)
            .skip(1)
            .collect::<Vec<_>>();
        let largest: Vec<_> = (9..20).map(f64::from).collect();
        assert_eq!(last, largest, "in the order in which they appeared");
    }

    #[test]
    fn each_state_has_its_piece() {
        let all = State::ALL
            .map(|state| format!("{}100", state.letter()))
            .join(" ");
        let drawn = pieces(&thread(0, "t", &all), 1.0, 1.0);
        let states: Vec<_> =
            drawn.iter().map(|piece| piece.states.clone()).collect();
        assert_eq!(states, State::ALL.map(|state| vec![(state, HEIGHT)]));
        assert!(
            (drawn[7].to - 0.8).abs() < 1e-9 && drawn[0].from == 0.0,
            "{drawn:?}"
        );
    }

    #[test]
    fn states_that_are_narrower_than_a_pixel_are_merged() {
        // Half and half, far too fast to be drawn one by one.
        let turns = "c0.5 l0.5 ".repeat(400);
        let drawn = pieces(&thread(0, "t", &turns), 0.4, 1.0);
        assert!(
            drawn.len() <= 2,
            "all but the last one are equal: {drawn:?}"
        );
        assert_eq!(
            drawn[0].states,
            [(State::Computing, 6), (State::Lock, 6)]
        );
        // A moment in a long state can't be seen, and a dominant state stands
        // for the mix.
        assert_eq!(
            pieces(&thread(0, "t", "s200 c0.2 s300"), 1.0, 1.0).len(),
            1
        );
        let mostly =
            pieces(&thread(0, "t", &"c0.9 r0.1 ".repeat(300)), 1.0, 1.0);
        assert_eq!(mostly[0].states, [(State::Computing, HEIGHT)]);
        // Nothing is drawn after the end of the run.
        assert_eq!(pieces(&thread(0, "t", "s2000"), 1.0, 1.0)[0].to, 1.0);
    }
}
