//! When to run: the steps of a window that emit least, in one piece or with pauses.

use std::ops::Range;

/// States that [`with_pauses`] looks at, at most: 8,760 steps of which any number is worked need a
/// quarter of that.
pub const LARGEST: usize = 160_000_000;

/// Which steps of a window are run.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The steps that are run, those of resuming included, in order.
    pub runs: Vec<Range<usize>>,
    /// The sum of the intensity over them, grams per kWh times steps.
    pub intensity: f64,
}

impl Schedule {
    fn of(runs: Vec<Range<usize>>, grams: &[f64]) -> Self {
        let intensity = runs.iter().flat_map(|run| &grams[run.clone()]).sum();
        Self { runs, intensity }
    }

    /// The first step.
    #[must_use]
    pub fn start(&self) -> usize {
        self.runs.first().map_or(0, |run| run.start)
    }

    /// The step after the last.
    #[must_use]
    pub fn end(&self) -> usize {
        self.runs.last().map_or(0, |run| run.end)
    }

    /// Steps that are run.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.runs.iter().map(ExactSizeIterator::len).sum()
    }

    /// Times that it stops before its end.
    #[must_use]
    pub fn pauses(&self) -> usize {
        self.runs.len().saturating_sub(1)
    }

    /// Whether a step is run.
    #[must_use]
    pub fn runs_at(&self, step: usize) -> bool {
        let after = self.runs.partition_point(|run| run.end <= step);
        self.runs.get(after).is_some_and(|run| run.contains(&step))
    }
}

/// The start at which so many steps on end emit least; the earliest of equal ones. `None` where the
/// window is shorter, or nothing is to be done.
#[must_use]
pub fn contiguous(grams: &[f64], work: usize) -> Option<Schedule> {
    if work == 0 || work > grams.len() {
        return None;
    }
    let mut sum: f64 = grams[..work].iter().sum();
    let (mut least, mut best) = (sum, 0);
    for start in 1..=grams.len() - work {
        sum += grams[start + work - 1] - grams[start - 1];
        // an earlier start is not left for a rounding of the running sum
        if sum < least * (1.0 - 1e-12) {
            (least, best) = (sum, start);
        }
    }
    Some(Schedule::of(vec![best..best + work; 1], grams))
}

/// The steps that emit least where the run may pause: after each pause it runs `resume` steps
/// without progress. `None` as [`contiguous`], and where there are more than [`LARGEST`] states.
///
/// Exact, by dynamic programming over the steps done: `running[d]` is the least sum with d steps
/// done and the last step run, `waiting[d]` with d steps done and the last step not run. Of equal
/// sums the one that runs on, and ends first, is taken.
#[must_use]
pub fn with_pauses(grams: &[f64], work: usize, resume: usize) -> Option<Schedule> {
    let steps = grams.len();
    if work == 0 || work > steps {
        return None;
    }
    let wide = work.min(steps - work) + 1;
    if steps.checked_mul(wide)? > LARGEST {
        return None;
    }
    let mut table = Table { work, steps, wide, taken: vec![0; (steps + 1) * wide] };
    let mut running = vec![f64::INFINITY; work + 1];
    let mut waiting = vec![f64::INFINITY; work + 1];
    waiting[0] = 0.0;
    // what was waiting when a resumption began, `resume` steps before
    let mut before: Vec<Vec<f64>> = vec![waiting.clone(); resume + 1];
    let (mut least, mut end) = (f64::INFINITY, steps);
    for step in 0..steps {
        before[step % (resume + 1)].clone_from(&waiting);
        let resumes = step >= resume;
        let again: f64 = if resumes { grams[step - resume..=step].iter().sum() } else { 0.0 };
        let ready = &before[(step + 1) % (resume + 1)];
        let (low, high) = table.done(step + 1);
        // downward, so that running[done - 1] is still that of the step before
        for done in (low..=high).rev() {
            let paused = running[done] < waiting[done];
            if paused {
                waiting[done] = running[done];
                table.mark(step + 1, done, PAUSED);
            }
            running[done] = match done {
                0 => f64::INFINITY,
                1 => grams[step], // the first start is no resumption
                _ => {
                    let on = running[done - 1] + grams[step];
                    let anew = if resumes { ready[done - 1] + again } else { f64::INFINITY };
                    if anew < on {
                        table.mark(step + 1, done, RESUMED);
                    }
                    on.min(anew)
                }
            };
        }
        if running[work] < least {
            (least, end) = (running[work], step + 1);
        }
    }
    Some(Schedule::of(table.back(end, resume), grams))
}

/// The state was reached by waiting after running.
const PAUSED: u8 = 1;
/// The state was reached by resuming.
const RESUMED: u8 = 2;

/// How every state was reached, by steps passed and steps done.
struct Table {
    work: usize,
    steps: usize,
    wide: usize,
    taken: Vec<u8>,
}

impl Table {
    /// The numbers of steps that can be done after so many passed, and still be finished.
    fn done(&self, passed: usize) -> (usize, usize) {
        (self.work.saturating_sub(self.steps - passed), self.work.min(passed))
    }

    fn at(&self, passed: usize, done: usize) -> usize {
        passed * self.wide + done - self.done(passed).0
    }

    fn mark(&mut self, passed: usize, done: usize, how: u8) {
        let at = self.at(passed, done);
        self.taken[at] |= how;
    }

    /// The runs that lead to all work done after so many steps.
    fn back(&self, end: usize, resume: usize) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        let (mut passed, mut done, mut stop) = (end, self.work, end);
        while done > 1 {
            if self.taken[self.at(passed, done)] & RESUMED == 0 {
                (passed, done) = (passed - 1, done - 1);
                continue;
            }
            (passed, done) = (passed - 1 - resume, done - 1);
            runs.push(passed..stop);
            while self.taken[self.at(passed, done)] & PAUSED == 0 {
                passed -= 1;
            }
            passed -= 1;
            stop = passed;
        }
        runs.push(passed - 1..stop);
        runs.reverse();
        runs
    }
}
