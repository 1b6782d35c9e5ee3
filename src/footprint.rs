//! What a run takes from its surroundings: accelerator-hours to energy and carbon, what others paid,
//! and when to run where the grid's intensity changes.
//!
//! Energy is hours x watts of an accelerator x overhead of its server x PUE of its site; carbon is
//! that times the grams of CO2 equivalent that a kilowatt-hour emits. With an overhead of 1 this is
//! how the papers of `LLaMA`, Llama 2 and Gopher count.

mod facts;
mod moment;
mod power;
mod schedule;
mod series;
mod whole_runs;
mod window;

pub use facts::{Basis, Grid, Operator, Price, RatedPower, grids, operators, prices, rated_powers};
pub use moment::{Moment, MomentError};
pub use power::{DRAW, OVERHEAD, OVERHEAD_RANGE, PUE, Power, kg_co2e};
pub use schedule::{LARGEST, Schedule, contiguous, with_pauses};
pub use series::{Series, SeriesError};
pub use whole_runs::{GOODPUT, GOODPUT_80, WholeRuns, product_80, whole_runs};
pub use window::{Plans, Slack, Window, WindowError};
