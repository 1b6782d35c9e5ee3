//! A reader that hashes what it reads and stops at an endless line.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Bytes of a row at most, with those that a buffer reads ahead.
const LONGEST: u64 = 1 << 20;

/// Counts, hashes and limits what passes.
pub(super) struct Guard<R> {
    source: R,
    watch: Watch,
}

/// What passed through a [`Guard`].
#[derive(Clone)]
pub(super) struct Watch {
    since: Rc<Cell<u64>>,
    hash: Rc<Cell<u64>>,
}

impl<R> Guard<R> {
    pub(super) fn new(source: R) -> Self {
        let watch = Watch {
            since: Rc::new(Cell::new(0)),
            hash: Rc::new(Cell::new(crate::fact::hash::START)),
        };
        Self { source, watch }
    }

    pub(super) fn watch(&self) -> Watch {
        self.watch.clone()
    }
}

impl Watch {
    pub(super) fn next_record(&self) {
        self.since.set(0);
    }

    pub(super) fn hash(&self) -> String {
        format!("{:016x}", self.hash.get())
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.watch.since.get() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "an endless line"));
        }
        let count = self.source.read(buffer)?;
        self.watch.since.set(self.watch.since.get() + count as u64);
        self.watch.hash.set(crate::fact::hash::fnv1a(self.watch.hash.get(), &buffer[..count]));
        Ok(count)
    }
}
