//! How far work is that takes a while.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, Read};
use std::sync::Once;
use std::time::{Duration, Instant};

/// How long work may take before it shows how far it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar on standard error that shows itself only where the work takes over a second.
pub struct Bar(ProgressBar, Instant, Once);

impl Bar {
    /// `what` is done, such as `fitting`, in so many steps.
    #[expect(clippy::disallowed_methods, reason = "the binary may look at the clock")]
    pub fn new(what: &str, steps: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::hidden());
        let template = format!("{what} {{bar:40}} {{percent}} % {{eta}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        Self(bar, Instant::now(), Once::new())
    }

    /// A step is done; from any thread.
    pub fn step(&self) {
        self.show();
        self.0.inc(1);
    }

    /// So many steps are done.
    pub fn at(&self, steps: u64) {
        self.show();
        self.0.set_position(steps);
    }

    fn show(&self) {
        if self.1.elapsed() > PATIENCE {
            self.2.call_once(|| self.0.set_draw_target(ProgressDrawTarget::stderr()));
        }
    }
}

/// A source that shows how much of it was read.
pub struct Watched<R>(R, Option<Bar>, u64);

impl<R> Watched<R> {
    /// A source of so many bytes; 0 where that is not known.
    pub fn new(source: R, bytes: u64) -> Self {
        Self(source, (bytes > 0).then(|| Bar::new("reading", bytes)), 0)
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(into)?;
        self.2 += count as u64;
        if let Some(bar) = &self.1 {
            bar.at(self.2);
        }
        Ok(count)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
