//! A search as JSON and CSV: base units, unrounded.

use super::LayoutView;
use crate::model::Convention;
use crate::report::memory::layout;
use crate::search::Candidate;
use serde_json::{Map, Value, json};

/// Version of the JSON of a search.
const VERSION: u32 = 1;

impl LayoutView<'_> {
    /// The answer as JSON, with a final newline.
    ///
    /// # Panics
    /// Never: the document has string keys only.
    #[must_use]
    pub fn json(&self) -> String {
        let (search, found) = (self.search, self.found);
        let counts = &found.counts;
        let refused = counts.refused.iter().map(|(why, times)| (why.name(), json!(times)));
        let others = |list: &[Candidate]| {
            list.iter().map(|candidate| self.candidate(candidate)).collect::<Vec<_>>()
        };
        let document = json!({
            "version": VERSION,
            "model": self.model,
            "devices": search.devices,
            "accelerator": search.accelerator,
            "accelerator_bytes": search.capacity,
            "room_bytes": search.room(),
            "tokens_per_step": search.tokens(),
            "sequence": search.setting.sequence,
            "precision": search.setting.precision,
            "engine": search.engine.name,
            "memory_profile": search.setting.profile,
            "fixed": search.fixed,
            "best": found.best.as_ref().map(|best| self.candidate(best)),
            "front": others(&found.front),
            "runners_up": others(&found.runners_up),
            "too_large": others(&found.too_large),
            "counts": {
                "legal": counts.legal,
                "refused": refused.collect::<Map<_, _>>(),
                "memory_asked": counts.asked,
                "memory_simulated": counts.simulated,
                "memory_discarded": counts.discarded,
            },
            "remarks": search.remarks,
        });
        serde_json::to_string_pretty(&document).expect("a search is JSON") + "\n"
    }

    fn candidate(&self, candidate: &Candidate) -> Value {
        let time = &candidate.time;
        let seconds = time.parts().into_iter().map(|(name, s)| (name.to_owned(), json!(s)));
        let exposed = time.exposed.by_axis().into_iter();
        let exposed = exposed.map(|(axis, s)| (axis.to_owned(), json!(s)));
        let mfu = Convention::ALL.into_iter().map(|convention| {
            (convention.name().to_owned(), json!(self.mfu(candidate, convention)))
        });
        let best = self.found.best.as_ref().filter(|best| *best != candidate);
        let longer = best.map(|best| {
            let parts = candidate.longer(best).into_iter();
            parts.map(|(name, s)| (name.replace(' ', "_"), json!(s))).collect::<Map<_, _>>()
        });
        json!({
            "layout": layout(&candidate.layout),
            "tokens_per_second_per_device": self.rate(candidate),
            "step_seconds": time.seconds(),
            "mfu": mfu.collect::<Map<_, _>>(),
            "bytes": candidate.bytes,
            "fits": candidate.fits,
            "seconds": seconds.collect::<Map<_, _>>(),
            "exposed_seconds": exposed.collect::<Map<_, _>>(),
            "longer_than_best": longer,
        })
    }

    /// The layouts that are told, a row each.
    ///
    /// # Panics
    /// Never: writing to memory does not fail.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = [
            "what",
            "strategy",
            "dp_replicate",
            "dp_shard",
            "tp",
            "pp",
            "cp",
            "ep",
            "interleave",
            "micro_batch",
            "micro_batches",
            "recompute",
            "reshard",
            "tokens_per_second_per_device",
            "step_seconds",
            "bytes",
            "fits",
        ];
        writer.write_record(header).expect("rows are written to memory");
        let found = self.found;
        let lists: [(&str, &[Candidate]); 4] = [
            ("best", found.best.as_slice()),
            ("front", &found.front),
            ("runner-up", &found.runners_up),
            ("too-large", &found.too_large),
        ];
        for (what, candidate) in
            lists.iter().flat_map(|(what, list)| list.iter().map(move |c| (*what, c)))
        {
            let l = &candidate.layout;
            let row = [
                what.to_owned(),
                l.strategy.to_string(),
                l.dp_replicate.to_string(),
                l.dp_shard.to_string(),
                l.tp.to_string(),
                l.pp.to_string(),
                l.cp.to_string(),
                l.ep.to_string(),
                l.interleave.to_string(),
                l.micro_batch.to_string(),
                l.micro_batches.to_string(),
                l.recompute.to_string(),
                l.reshard.to_string(),
                self.rate(candidate).to_string(),
                candidate.time.seconds().to_string(),
                candidate.bytes.to_string(),
                candidate.fits.to_string(),
            ];
            writer.write_record(row).expect("rows of one length are written to memory");
        }
        let bytes = writer.into_inner().expect("memory is flushed");
        String::from_utf8(bytes).expect("cells are text")
    }
}
